//! The sources of a run, and the folders above them.

use super::batch::join;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Content, Metadata, Node, RootEntry};
use crate::progress::{Finding, FindingKind, Progress};
use crate::source::{Folder, Owners};
use crate::wire::Extensions;

/// Sorts the paths and leaves out those that lie within another.
///
/// # Errors
/// `Invalid` when there is none, or one is not absolute and plain.
pub(super) fn order_sources(paths: &[Vec<u8>], progress: &dyn Progress) -> Result<Vec<Vec<u8>>> {
    let mut sorted = Vec::with_capacity(paths.len());
    for path in paths {
        let trimmed = if path.len() > 1 { path.strip_suffix(b"/").unwrap_or(path) } else { path };
        let is_plain = trimmed == b"/"
            || trimmed
                .strip_prefix(b"/")
                .is_some_and(|rest| rest.split(|byte| *byte == b'/').all(|part| crate::manifest::check_name(part).is_ok()));
        if !is_plain {
            return Err(Error::new(ErrorKind::Invalid, format!("{} is not an absolute path", crate::units::PathText(path))));
        }
        sorted.push(trimmed.to_vec());
    }
    sorted.sort();
    sorted.dedup();
    let mut sources: Vec<Vec<u8>> = Vec::new();
    for path in sorted {
        match sources.iter().find(|source| lies_within(&path, source)) {
            Some(source) => {
                let message = format!("it lies within {} and is saved with it", crate::units::PathText(source));
                progress.report(Finding::new(FindingKind::Note, path, message));
            }
            None => sources.push(path),
        }
    }
    if sources.is_empty() { Err(Error::new(ErrorKind::Invalid, "there is no path to save")) } else { Ok(sources) }
}

fn lies_within(path: &[u8], source: &[u8]) -> bool {
    source == b"/" || path.strip_prefix(source).is_some_and(|rest| rest.starts_with(b"/"))
}

/// The folder above `path` and its own name; for `/` both are `/`.
pub(super) fn split_path(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(0) if path.len() == 1 => (b"/", b"/"),
        Some(0) => (b"/", &path[1..]),
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (b"/", path),
    }
}

/// The folders above the sources: name, mode and owner only, so that what goes on beside a source
/// changes nothing. `/` itself is not among them.
pub(super) fn ancestors(sources: &[Vec<u8>], owners: &Owners) -> Vec<RootEntry> {
    let mut entries: Vec<RootEntry> = Vec::new();
    for source in sources {
        let mut path = Vec::new();
        let (above, _) = split_path(source);
        for name in above.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
            path = join(if path.is_empty() { b"/" } else { &path }, name);
            if !entries.iter().any(|entry| entry.path == path) {
                entries.push(RootEntry { path: path.clone(), node: ancestor(&path, name, owners) });
            }
        }
    }
    entries
}

fn ancestor(path: &[u8], name: &[u8], owners: &Owners) -> Node {
    let stat = Folder::open(path).and_then(|folder| folder.stat_self());
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
    use crate::progress::Silent;

    fn order(paths: &[&str]) -> Result<Vec<String>> {
        let paths: Vec<Vec<u8>> = paths.iter().map(|path| path.as_bytes().to_vec()).collect();
        Ok(order_sources(&paths, &Silent)?.into_iter().map(|path| String::from_utf8(path).unwrap()).collect())
    }

    #[test]
    fn sources_within_others_are_saved_once() {
        assert_eq!(order(&["/b", "/a/b/c", "/a/b/", "/a/bc"]).unwrap(), ["/a/b", "/a/bc", "/b"]);
        assert_eq!(order(&["/", "/a"]).unwrap(), ["/"]);
    }

    #[test]
    fn paths_that_are_not_plain_are_refused() {
        for path in ["a", "/a/../b", "/a//b", "", "/a/./b"] {
            assert_eq!(order(&[path]).unwrap_err().kind(), ErrorKind::Invalid, "{path}");
        }
        assert!(order(&[]).is_err());
    }

    #[test]
    fn ancestors_stand_once_and_carry_no_times() {
        let entries = ancestors(&[b"/usr/share/a".to_vec(), b"/usr/b".to_vec()], &Owners::default());
        let paths: Vec<&[u8]> = entries.iter().map(|entry| entry.path.as_slice()).collect();
        assert_eq!(paths, [&b"/usr"[..], b"/usr/share"]);
        assert!(entries.iter().all(|entry| entry.node.metadata.mtime == Default::default() && entry.node.metadata.inode == 0));
    }
}
