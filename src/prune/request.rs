//! What a prune is asked to do, and what came of it.

use crate::id::SnapshotId;

/// What to remove.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Snapshots to remove: those that the rules do not keep, and those that were forgotten. With none,
    /// only what nothing needs is freed.
    pub remove: Vec<SnapshotId>,
    /// Plan and count, but change nothing.
    pub dry_run: bool,
}

/// What was freed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Snapshots that were removed.
    pub snapshots_removed: u64,
    /// Packs of which nothing was needed.
    pub packs_removed: u64,
    /// Packs that were written again without what was not needed.
    pub packs_rewritten: u64,
    /// Bytes of all packs before.
    pub bytes_before: u64,
    /// Bytes of all packs after; in a dry run, estimated.
    pub bytes_after: u64,
    /// The difference.
    pub bytes_freed: u64,
    /// Stored bytes that nothing needs and that stay, because they lie between others that are needed.
    pub bytes_kept_unused: u64,
}
