//! Snapshots that a guard distrusts, until somebody accepts them.

use super::Annotator;
use crate::error::{Error, ErrorKind, Result};
use crate::id::SnapshotId;
use crate::manifest::{PIN, Pin, SUSPECT, Suspicion};
use crate::wire;

impl Annotator {
    /// Says that `snapshot` is to be distrusted, and pins the last one that was good. The pin stays when the snapshot is
    /// accepted: whoever accepts may err.
    ///
    /// # Errors
    /// `Invalid` without a reason; `NotFound` when one of them is not there: then nothing is written; those of the storage.
    pub(super) fn distrust(&self, snapshot: &SnapshotId, reasons: &[String], last_good: Option<&SnapshotId>) -> Result<()> {
        if reasons.is_empty() {
            return Err(Error::new(ErrorKind::Invalid, "a snapshot is distrusted for a reason"));
        }
        self.check_there(snapshot)?;
        let mut records = Vec::new();
        if let Some(good) = last_good {
            self.check_there(good)?;
            if !self.repository.facts().marks().is_pinned(good) {
                // First: from here on nothing removes it.
                records.push((PIN, wire::encode(&Pin { snapshot: *good, is_pinned: true })));
            }
        }
        records.push((SUSPECT, wire::encode(&Suspicion { snapshot: *snapshot, reasons: reasons.to_vec() })));
        self.repository.publish_pairs(records, self.now)
    }

    /// Says that `snapshots` are as they should be.
    ///
    /// # Errors
    /// `NotFound` when one of them is not there, `Invalid` when one is not distrusted: then nothing is written; those of
    /// the storage.
    pub(super) fn accept(&self, snapshots: &[SnapshotId]) -> Result<()> {
        for id in snapshots {
            self.check_there(id)?;
            if self.repository.facts().marks().suspicion(id).is_none() {
                return Err(Error::new(ErrorKind::Invalid, format!("snapshot {} is not suspect", id.short())));
            }
        }
        let accepted = |id: &SnapshotId| (SUSPECT, wire::encode(&Suspicion { snapshot: *id, reasons: Vec::new() }));
        self.repository.publish_pairs(snapshots.iter().map(accepted).collect(), self.now)
    }
}
