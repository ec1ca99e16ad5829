//! The folders above the sources of a run.

use std::collections::HashSet;

use super::paths::{join, split_path};
use super::sources::Source;
use crate::manifest::{Content, Metadata, Node, RootEntry};
use crate::source::{Folder, Owners};
use crate::wire::Extensions;

/// The folders above the sources: name, mode and owner only, so that what goes on beside a source
/// changes nothing. `/` itself is not among them.
pub(super) fn ancestors(sources: &[Source], owners: &Owners) -> Vec<RootEntry> {
    let (mut entries, mut known): (Vec<RootEntry>, HashSet<Vec<u8>>) = (Vec::new(), HashSet::new());
    for source in sources {
        let mut path = Vec::new();
        let (above, _) = split_path(&source.path);
        for name in above.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
            path = join(if path.is_empty() { b"/" } else { &path }, name);
            if known.insert(path.clone()) {
                entries.push(RootEntry { path: path.clone(), node: ancestor(&path, name, owners) });
            }
        }
    }
    entries
}

fn ancestor(path: &[u8], name: &[u8], owners: &Owners) -> Node {
    // It need not be readable.
    let stat = Folder::open_place(path).and_then(|folder| folder.stat_self());
    let metadata = match stat {
        Ok(stat) => Metadata {
            mode: stat.mode,
            uid: stat.uid,
            gid: stat.gid,
            user: owners.user(stat.uid),
            group: owners.group(stat.gid),
            ..Metadata::default()
        },
        // Searchable but not readable: what a folder usually has.
        Err(_) => Metadata { mode: 0o755, ..Metadata::default() },
    };
    Node { name: name.to_vec(), metadata, content: Content::Ancestor, flags: 0, extensions: Extensions::none() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ancestors_stand_once_and_carry_no_times() {
        let source = |path: &str| Source { path: path.into(), other_names: Vec::new() };
        let entries = ancestors(&[source("/usr/share/a"), source("/usr/b")], &Owners::default());
        let paths: Vec<&[u8]> = entries.iter().map(|entry| entry.path.as_slice()).collect();
        assert_eq!(paths, [&b"/usr"[..], b"/usr/share"]);
        assert!(entries.iter().all(|entry| entry.node.metadata.mtime == Default::default() && entry.node.metadata.inode == 0));
    }
}
