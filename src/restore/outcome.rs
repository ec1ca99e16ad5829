//! What a restore did, in numbers, and for a dry run what it would do.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// A dry run lists so many actions beside deletions; the numbers count all of them.
pub const ACTIONS_MAX: usize = 10_000;
/// A dry run lists so many deletions: whoever asks what would go wants to see all of it.
pub const DELETIONS_MAX: usize = 1_000_000;

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
    /// It is not in the snapshot, which did not look at it, and stays.
    Keep,
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
    /// Entries that the snapshot does not have and did not look at, so that they were not deleted.
    pub kept: u64,
    /// Files removed that a killed restore had left under temporary names.
    pub leftovers: u64,
    /// Attributes that could not be set, and names that had to be changed.
    pub notes: u64,
    /// Entries with inode flags or trusted attributes that were saved and not asked for.
    pub unasked: u64,
    /// Files read and found right: written ones, and those that were there already.
    pub verified: u64,
    /// Files read back and found wrong, or not readable.
    pub verify_failed: u64,
    /// In a dry run what would be done, up to [`DELETIONS_MAX`] deletions and [`ACTIONS_MAX`] other lines.
    pub actions: Vec<Action>,
    /// True when more would be done than is listed.
    pub is_cut: bool,
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
    Kept,
    Leftovers,
    Notes,
    Unasked,
    Verified,
    VerifyFailed,
}

/// The numbers of a restore that is running; counted by all its threads.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: [AtomicU64; Count::VerifyFailed as usize + 1],
    actions: Mutex<Vec<Action>>,
    listed: [AtomicUsize; 2],
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
        let is_deletion = kind == ActionKind::Delete;
        let most = if is_deletion { DELETIONS_MAX } else { ACTIONS_MAX };
        if self.listed[usize::from(is_deletion)].fetch_add(1, Ordering::Relaxed) < most {
            // The list is whole between two calls whatever happens to a thread.
            self.actions.lock().unwrap_or_else(PoisonError::into_inner).push(Action { kind, path });
        }
    }

    fn is_cut(&self) -> bool {
        let [others, deletions] = [0, 1].map(|at: usize| self.listed[at].load(Ordering::Relaxed));
        others > ACTIONS_MAX || deletions > DELETIONS_MAX
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
            kept: count(Count::Kept),
            leftovers: count(Count::Leftovers),
            notes: count(Count::Notes),
            unasked: count(Count::Unasked),
            verified: count(Count::Verified),
            verify_failed: count(Count::VerifyFailed),
            is_cut: self.is_cut(),
            actions: std::mem::take(&mut *self.actions.lock().unwrap_or_else(PoisonError::into_inner)),
        }
    }
}
