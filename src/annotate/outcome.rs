//! What came of writing something down.

use crate::id::SnapshotId;

/// A snapshot that was forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forgotten {
    /// The snapshot.
    pub id: SnapshotId,
    /// The local time until which no prune removes it, where it is protected.
    pub protected_until: Option<String>,
}

/// What came of writing something down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The snapshots that were forgotten, in the order of the request.
    pub forgotten: Vec<Forgotten>,
}
