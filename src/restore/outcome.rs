//! What a restore did, in numbers, and for a dry run what it would do.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// A dry run lists so many actions; the numbers count all of them.
pub const ACTIONS_MAX: usize = 10_000;

/// What is done with one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionKind {
    /// It is made.
    Create,
    /// It takes the place of what is there.
    Replace,
    /// What is there has the right content, and gets its metadata.
    SetMetadata,
    /// What is there stays although it differs.
    Leave,
    /// It is not in the snapshot and is removed.
    Delete,
}

/// One line of a dry run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// What would be done.
    pub kind: ActionKind,
    /// Where, in the destination.
    pub path: Vec<u8>,
}

/// What a restore did. Problems were reported as findings while it ran.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Regular files written whole.
    pub files: u64,
    /// Folders made, or found and given their metadata.
    pub directories: u64,
    /// Further names of files, made as hard links.
    pub hard_links: u64,
    /// Symbolic links, pipes and devices.
    pub others: u64,
    /// Bytes of file content written; in a dry run the lengths of the files.
    pub bytes_written: u64,
    /// Entries of the destination left as they are although they differ.
    pub left: u64,
    /// Entries that were there already, by the look of them.
    pub unchanged: u64,
    /// Entries that were there with the right content and another owner, mode or attributes, and got those
    /// of the snapshot.
    pub metadata_set: u64,
    /// Files that are not whole, and folders of which some entries could not be read.
    pub damaged: u64,
    /// Entries that could not be restored for a reason of the destination.
    pub failed: u64,
    /// Entries removed because the snapshot does not have them.
    pub deleted: u64,
    /// Files removed that a killed restore had left under temporary names.
    pub leftovers: u64,
    /// Attributes that could not be set, and names that had to be changed.
    pub notes: u64,
    /// Files read and found right: written ones, and those that were there already.
    pub verified: u64,
    /// Files read back and found wrong, or not readable.
    pub verify_failed: u64,
    /// In a dry run what would be done, up to [`ACTIONS_MAX`] lines.
    pub actions: Vec<Action>,
}

/// What is counted; see the fields of [`Outcome`].
#[derive(Clone, Copy, Debug)]
pub(super) enum Count {
    Files,
    Directories,
    HardLinks,
    Others,
    BytesWritten,
    Left,
    Unchanged,
    MetadataSet,
    Damaged,
    Failed,
    Deleted,
    Leftovers,
    Notes,
    Verified,
    VerifyFailed,
}

/// The numbers of a restore that is running; counted by all its threads.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: [AtomicU64; Count::VerifyFailed as usize + 1],
    actions: Mutex<Vec<Action>>,
}

impl Tally {
    /// Adds one.
    pub fn add(&self, count: Count) {
        self.add_many(count, 1);
    }

    /// Adds `number`.
    pub fn add_many(&self, count: Count, number: u64) {
        self.counts[count as usize].fetch_add(number, Ordering::Relaxed);
    }

    /// Lists an action of a dry run.
    pub fn act(&self, kind: ActionKind, path: Vec<u8>) {
        // The list is whole between two calls whatever happens to a thread.
        let mut actions = self.actions.lock().unwrap_or_else(PoisonError::into_inner);
        if actions.len() < ACTIONS_MAX {
            actions.push(Action { kind, path });
        }
    }

    /// The numbers by now.
    pub fn outcome(&self) -> Outcome {
        let count = |count: Count| self.counts[count as usize].load(Ordering::Relaxed);
        Outcome {
            files: count(Count::Files),
            directories: count(Count::Directories),
            hard_links: count(Count::HardLinks),
            others: count(Count::Others),
            bytes_written: count(Count::BytesWritten),
            left: count(Count::Left),
            unchanged: count(Count::Unchanged),
            metadata_set: count(Count::MetadataSet),
            damaged: count(Count::Damaged),
            failed: count(Count::Failed),
            deleted: count(Count::Deleted),
            leftovers: count(Count::Leftovers),
            notes: count(Count::Notes),
            verified: count(Count::Verified),
            verify_failed: count(Count::VerifyFailed),
            actions: std::mem::take(&mut *self.actions.lock().unwrap_or_else(PoisonError::into_inner)),
        }
    }
}
