//! What came of a prune, or would come of it.

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
