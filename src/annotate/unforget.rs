//! The undo of forgetting, as long as no prune has gone by.

use super::Annotator;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{SnapshotId, check_prefix};
use crate::manifest::{UNFORGOTTEN, Unforgotten};
use crate::repository::with_reserve;
use crate::wire;

impl Annotator {
    /// The one forgotten snapshot that is still there and whose id begins with `prefix`.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` when it is not forgotten, or several are meant.
    pub fn find_forgotten(&self, prefix: &str) -> Result<SnapshotId> {
        check_prefix(prefix)?;
        let fitting = self.catalogued.all.iter().filter(|id| id.to_string().starts_with(prefix));
        let (forgotten, others): (Vec<&SnapshotId>, Vec<&SnapshotId>) =
            fitting.partition(|id| self.repository.facts().marks().has_tombstone(id));
        match (&forgotten[..], &others[..]) {
            ([id], _) => Ok(**id),
            ([], [id]) => Err(Error::new(ErrorKind::Invalid, format!("snapshot {} is not forgotten", id.short()))),
            ([], []) => {
                let message = format!("there is no forgotten snapshot `{}`; what a prune has removed is gone", prefix.escape_debug());
                Err(Error::new(ErrorKind::NotFound, message))
            }
            _ => Err(Error::new(ErrorKind::Invalid, format!("several snapshots begin with {prefix}"))),
        }
    }

    /// Writes a record for each of `ids` that ends its tombstone.
    ///
    /// # Errors
    /// `NotFound` when one of them is not there: then nothing is written; those of the storage.
    pub(super) fn unforget(&self, ids: &[SnapshotId]) -> Result<()> {
        ids.iter().try_for_each(|id| self.check_there(id))?;
        let storage = &**self.repository.storage();
        // What came meanwhile named others as the ones before.
        let mut there = self.catalogued.unnamed.clone();
        there.extend(ids.iter().copied());
        with_reserve(storage, || self.repository.record_presence(&there, self.now))?;
        let records: Vec<_> = ids.iter().map(|id| (UNFORGOTTEN, wire::encode(&Unforgotten { snapshot: *id }))).collect();
        with_reserve(storage, || self.repository.publish_pairs(records.clone(), self.now))?;
        // A prune that was cut short may have called one of them removed.
        self.repository.recant_removals(self.now)
    }
}
