//! What the snapshot looked at. What it did not look at is unknown to it, not absent, and no reason to
//! remove anything.

use serde_bytes::ByteBuf;

use super::task::join;
use crate::manifest::{Content, Manifest, Node, Unwanted};
use crate::platform::{HandleRef, names};
use crate::source::{Filter, may_have_cache_tag, may_have_entry};
use crate::target::{EntryType, Existing};

/// A source with the names that it goes by beside its path.
struct Source {
    path: Vec<u8>,
    /// As it was given, and without any link: all as the run that walked it knew them.
    names: Vec<Vec<u8>>,
    /// Given paths of which nobody can tell now what they led to.
    perhaps: Vec<Vec<u8>>,
}

/// What the run that made a snapshot looked at, by what the manifest says.
pub(super) struct Sight {
    /// Its patterns; none when they cannot be understood.
    excludes: Option<Filter>,
    /// The sources that have other names, with which the patterns may be written.
    sources: Vec<Source>,
    leaves_out_caches: bool,
    /// What it left out by what it was; none when that cannot be understood.
    unwanted: Option<Unwanted>,
    tells_unseen: bool,
    /// True when it left folders empty for other reasons than that they were.
    left_folders_empty: bool,
}

impl Sight {
    /// What the run of `manifest` looked at.
    pub fn of(manifest: &Manifest) -> Self {
        let options = &manifest.options;
        Self {
            // As the run did it, also through links that are gone since; and as they lead now.
            excludes: manifest.followed().and_then(|followed| Filter::following_links_of(&options.excludes, followed)).ok(),
            sources: if options.excludes.is_empty() { Vec::new() } else { find_names(manifest) },
            leaves_out_caches: options.exclude_caches,
            unwanted: manifest.unwanted().ok(),
            tells_unseen: manifest.tells_unseen(),
            left_folders_empty: options.exclude_caches || options.one_file_system || manifest.counts.problems > 0,
        }
    }

    /// Whether the snapshot does not know of the entry `name` of the folder `node`, though it is not in it.
    pub fn is_unseen_in(&self, node: &Node, name: &[u8]) -> bool {
        let is_empty = matches!(&node.content, Content::Directory(tree) if tree.entries == 0);
        // An older snapshot does not say why a folder is empty.
        node.is_unseen(name) || (!self.tells_unseen && self.left_folders_empty && is_empty)
    }

    /// Whether the run would have left out what stands at `path`, had it been there.
    pub fn leaves_out(&self, path: &[u8], existing: &Existing) -> bool {
        // A socket is in no snapshot.
        existing.entry_type == EntryType::Other
            || self.unwanted.as_ref().is_none_or(|unwanted| existing.entry_type == EntryType::File && unwanted.is_too_large(existing.bytes))
            || self.excludes.as_ref().is_none_or(|filter| self.is_excluded(filter, path, existing.is_directory()))
    }

    /// Whether the patterns leave out what is at `path`, by any name that its source goes by.
    fn is_excluded(&self, filter: &Filter, path: &[u8], is_directory: bool) -> bool {
        let found = self.sources.iter().find_map(|source| below(path, &source.path).map(|below| (source, below)));
        let Some((source, below)) = found else { return filter.is_excluded(path, is_directory) };
        let names: Vec<Vec<u8>> = source.names.iter().map(|name| [name, below].concat()).collect();
        filter.is_any_excluded(names.iter().map(Vec::as_slice).chain([path]), is_directory, &[])
            || source.perhaps.iter().any(|name| filter.is_excluded(&[name, below].concat(), is_directory))
    }

    /// Whether the run would not have looked into this folder of the destination.
    pub fn leaves_out_inside(&self, folder: HandleRef<'_>) -> bool {
        let may_have = |mark: &ByteBuf| may_have_entry(folder, mark);
        (self.leaves_out_caches && may_have_cache_tag(folder))
            || self.unwanted.as_ref().is_none_or(|unwanted| unwanted.marks.iter().any(may_have))
    }
}

/// The sources of `manifest` that may go by other names than their paths.
fn find_names(manifest: &Manifest) -> Vec<Source> {
    let is_source = |node: &Node| !matches!(node.content, Content::Ancestor);
    let paths: Vec<&[u8]> = manifest.entries.iter().filter(|entry| is_source(&entry.node)).map(|entry| entry.path.as_slice()).collect();
    let given: Vec<&[u8]> = manifest.paths.iter().map(|path| path.strip_suffix(b"/").unwrap_or(path)).collect();
    // Given paths that are no source by their name were links, or lie within a source.
    let others = given.iter().filter(|given| !paths.contains(given));
    let links: Vec<(&[u8], Option<Vec<u8>>)> = others
        .map(|given| (*given, resolved(given).filter(|real| paths.contains(&real.as_slice()))))
        .filter(|(given, real)| real.is_some() || !paths.iter().any(|path| below(given, path).is_some()))
        .collect();
    let sources = paths.iter().map(|path| {
        let leads_here = links.iter().filter(|(_, real)| real.as_deref() == Some(*path)).map(|(given, _)| given.to_vec());
        let names = leads_here.chain(resolved(path).filter(|real| real != path)).collect();
        // A path that was given as it stands is no place that a link led to.
        let was_given = given.contains(path);
        let lost = links.iter().filter(|(_, real)| real.is_none() && !was_given).map(|(given, _)| given.to_vec());
        Source { path: path.to_vec(), names, perhaps: lost.collect() }
    });
    sources.filter(|source| !source.names.is_empty() || !source.perhaps.is_empty()).collect()
}

/// The rest of `path` below the folder `above`, with its slash.
fn below<'p>(path: &'p [u8], above: &[u8]) -> Option<&'p [u8]> {
    if above == b"/" {
        return Some(path);
    }
    path.strip_prefix(above).filter(|rest| rest.is_empty() || rest[0] == b'/')
}

fn resolved(path: &[u8]) -> Option<Vec<u8>> {
    names::to_path(path).canonicalize().ok().map(names::into_bytes)
}

/// The path in the snapshot of what stands at `relative` in the destination; `origin` is the path there
/// of what is restored into the destination itself.
pub(super) fn path_in_snapshot(origin: &[u8], relative: &[u8]) -> Vec<u8> {
    join(if origin.is_empty() { b"/" } else { origin }, relative)
}
