//! What the snapshot looked at. What it did not look at is unknown to it, not absent, and no reason to
//! remove anything.

use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::fs::AtFlags;

use super::task::join;
use crate::manifest::{Content, Manifest, Node};
use crate::repository::{DESCRIPTION, INDEX, PACKS, SNAPSHOTS};
use crate::source::{Filter, Folder, has_cache_tag};
use crate::target::{EntryType, Existing};

/// What the run that made a snapshot looked at, by what the manifest says.
pub(super) struct Sight {
    /// Its patterns; none when they cannot be understood.
    excludes: Option<Filter>,
    leaves_out_caches: bool,
    tells_unseen: bool,
    /// True when it left folders empty for other reasons than that they were.
    left_folders_empty: bool,
}

impl Sight {
    /// What the run of `manifest` looked at.
    pub fn of(manifest: &Manifest) -> Self {
        let options = &manifest.options;
        Self {
            excludes: Filter::new(&options.excludes).ok(),
            leaves_out_caches: options.exclude_caches,
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
            || self.excludes.as_ref().is_none_or(|filter| filter.is_excluded(path, existing.is_directory()))
    }

    /// Whether the run would not have looked into this folder of the destination.
    pub fn leaves_out_inside(&self, folder: BorrowedFd<'_>) -> bool {
        // By the handle, so that it is the very folder.
        let by_handle = || Folder::open(format!("/proc/self/fd/{}", folder.as_raw_fd()).as_bytes());
        self.leaves_out_caches && by_handle().is_ok_and(|folder| has_cache_tag(&folder))
    }
}

/// Whether the folder holds a repository of this program, perhaps a damaged one: a backup is no file that
/// is too many.
pub(super) fn holds_repository(folder: BorrowedFd<'_>) -> bool {
    let is_there = |name: &str| rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).is_ok();
    is_there(PACKS) && (is_there(DESCRIPTION) || (is_there(SNAPSHOTS) && is_there(INDEX)))
}

/// The path in the snapshot of what stands at `relative` in the destination; `origin` is the path there
/// of what is restored into the destination itself.
pub(super) fn path_in_snapshot(origin: &[u8], relative: &[u8]) -> Vec<u8> {
    join(if origin.is_empty() { b"/" } else { origin }, relative)
}
