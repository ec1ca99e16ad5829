//! What a prune is asked to do, and what came of it.

use crate::id::SnapshotId;
use crate::units::Timestamp;

/// What to remove.
#[derive(Clone, Debug)]
pub struct Request {
    /// Snapshots to remove: those that the rules do not keep, and those that were forgotten. With none,
    /// only what nothing needs is freed. Pinned and protected ones stay all the same.
    pub remove: Vec<SnapshotId>,
    /// Rules keep what has one of these tags; looked at again under the lock. What was forgotten goes all the same.
    pub keep_tags: Vec<String>,
    /// Plan and count, but change nothing.
    pub dry_run: bool,
    /// Remove also what was committed too recently, and where the clock is behind the newest snapshot.
    pub override_protection: bool,
    /// Take the snapshots that are missing for gone, and go on (see [`crate::repository::Rollback`]).
    pub accept_rollback: bool,
    /// Free also what only pages may name that are lost (see [`Outcome::pages_given_up`]).
    pub accept_loss: bool,
    /// The clock.
    pub clock: fn() -> Timestamp,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            remove: Vec::new(),
            keep_tags: Vec::new(),
            dry_run: false,
            override_protection: false,
            accept_rollback: false,
            accept_loss: false,
            clock: Timestamp::now,
        }
    }
}

/// What was freed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Snapshots that were removed.
    pub snapshots_removed: u64,
    /// Snapshots that were to be removed and stay, because they were committed too recently.
    pub snapshots_protected: u64,
    /// Packs of which nothing was needed.
    pub packs_removed: u64,
    /// Packs that were written again without what was not needed.
    pub packs_rewritten: u64,
    /// Packs that no segment named although snapshots need them, and that one names now.
    pub packs_named: u64,
    /// Packs that no segment names and that cannot be read: they stay.
    pub packs_unreadable: u64,
    /// Pages of trees that are lost, and whose content was given up: what only they named may be gone.
    pub pages_given_up: u64,
    /// Bytes of all packs before.
    pub bytes_before: u64,
    /// Bytes of all packs after; in a dry run, estimated.
    pub bytes_after: u64,
    /// The difference.
    pub bytes_freed: u64,
    /// Stored bytes that nothing needs and that stay, because they lie between others that are needed.
    pub bytes_kept_unused: u64,
    /// Stored bytes that nothing needs and that stay, because there is no space to write again what lies
    /// beside them; about.
    pub bytes_kept_for_space: u64,
}
