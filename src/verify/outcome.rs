//! What a check did and found.

use crate::id::SnapshotId;

/// So many paths are listed; the others are counted.
pub const AFFECTED_MAX: usize = 10_000;

/// An object that is not as it was written, or is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamagedObject {
    /// Its name in the repository.
    pub name: String,
    /// What is wrong.
    pub problem: String,
}

/// Something that harms nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteAbout {
    /// The name of the object.
    pub name: String,
    /// What is odd about it.
    pub message: String,
}

/// A path that cannot be restored whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Affected {
    /// The absolute path, any bytes.
    pub path: Vec<u8>,
    /// The snapshots in which it is damaged, sorted.
    pub snapshots: Vec<SnapshotId>,
    /// What is lost of it there, in the first of these snapshots that was looked at.
    pub problem: String,
}

/// What a check did and found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Key slots that were looked at.
    pub keys: u64,
    /// Records that were looked at.
    pub records: u64,
    /// Index segments that were looked at.
    pub segments: u64,
    /// Snapshots that were looked at.
    pub snapshots: u64,
    /// Packs that the index names and whose header and directory were read.
    pub packs: u64,
    /// The sum of their lengths.
    pub pack_bytes: u64,
    /// Different pages of trees that were read.
    pub tree_pages: u64,
    /// Different pages of content lists that were read.
    pub list_pages: u64,
    /// References to chunks that were looked up.
    pub references: u64,
    /// Packs whose frames were all read.
    pub packs_read: u64,
    /// Frames that were read.
    pub frames_read: u64,
    /// Stored bytes of these frames.
    pub bytes_read: u64,
    /// Chunks in them whose ids were computed.
    pub chunks_verified: u64,
    /// Packs that were left for another time, because they were read more recently.
    pub packs_not_read: u64,
    /// What is damaged, by object.
    pub damaged: Vec<DamagedObject>,
    /// Different chunks of file content that snapshots need and that are in no place whole.
    pub lost_chunks: u64,
    /// What is damaged, by path; sorted.
    pub affected: Vec<Affected>,
    /// Further paths that are not listed, counted once for each snapshot.
    pub affected_more: u64,
    /// Oddities that harm nothing.
    pub notes: Vec<NoteAbout>,
}

impl Outcome {
    /// Whether anything stored is damaged or missing.
    pub fn is_damaged(&self) -> bool {
        !self.damaged.is_empty() || self.lost_chunks > 0 || !self.affected.is_empty()
    }
}
