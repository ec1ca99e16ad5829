//! What came of a run.

use super::problems::ProblemCounts;
use crate::id::SnapshotId;
use crate::manifest::{Manifest, SourceCounts};

/// What came of a run.
pub struct Outcome {
    /// The snapshot; `None` after a dry run.
    pub id: Option<SnapshotId>,
    /// Its manifest.
    pub manifest: Manifest,
    /// Packs of an interrupted run that were taken over.
    pub packs_adopted: u64,
    /// What each source has, with the sources within it; none for a stream.
    pub sources: Vec<SourceCounts>,
    /// Files that the base has and that are gone; none without a base.
    pub files_removed: Option<u64>,
    /// The owner was told that a source has lost most of its files.
    pub has_loss: bool,
    /// What could not be read, and what changed meanwhile.
    pub problems: ProblemCounts,
    /// What was left out by what it is.
    pub left_out: LeftOut,
    /// Where `--one-file-system` did not go on: at most [`OTHER_FILE_SYSTEMS_MAX`] of these folders, in order.
    pub other_file_systems: Vec<Vec<u8>>,
}

/// So many folders on other file systems are named.
pub const OTHER_FILE_SYSTEMS_MAX: usize = 1000;

/// How much was left out by what it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Files that are too large.
    pub large_files: u64,
    /// The sum of their lengths.
    pub large_bytes: u64,
    /// Folders that hold a mark.
    pub marked_folders: u64,
}
