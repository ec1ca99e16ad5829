//! Counts of a run, added to by all threads.

use std::sync::atomic::{AtomicU64, Ordering};

use super::outcome::LeftOut;
use crate::manifest::Counts;

/// Running counts; see [`Counts`] for what they mean.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub files_new: AtomicU64,
    pub files_changed: AtomicU64,
    pub files_unchanged: AtomicU64,
    pub directories: AtomicU64,
    pub others: AtomicU64,
    pub bytes_total: AtomicU64,
    pub bytes_read: AtomicU64,
    pub problems: AtomicU64,
    /// Files that are too large, and the sum of their lengths.
    pub large_files: AtomicU64,
    pub large_bytes: AtomicU64,
    /// Folders that hold a mark.
    pub marked_folders: AtomicU64,
    /// Unchanged files of whose content, or of the pages that lead to it, the repository lacks something.
    pub files_lost: AtomicU64,
    /// Folders of the base that could not be read to their end.
    pub folders_lost: AtomicU64,
}

/// Adds `count` to one of the counts.
pub(super) fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

impl Tally {
    /// The counts of the source; those of the repository are left at zero.
    pub(super) fn counts(&self) -> Counts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            files_new: get(&self.files_new),
            files_changed: get(&self.files_changed),
            files_unchanged: get(&self.files_unchanged),
            directories: get(&self.directories),
            others: get(&self.others),
            bytes_total: get(&self.bytes_total),
            bytes_read: get(&self.bytes_read),
            problems: get(&self.problems),
            ..Counts::default()
        }
    }

    /// How much was left out by what it is.
    pub(super) fn left_out(&self) -> LeftOut {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        LeftOut { large_files: get(&self.large_files), large_bytes: get(&self.large_bytes), marked_folders: get(&self.marked_folders) }
    }
}
