//! Tags and pins of snapshots that are there already.

use super::Annotator;
use super::request::Tagging;
use crate::error::Result;
use crate::id::SnapshotId;
use crate::manifest::{PIN, Pin, TAG, TagChange};
use crate::wire;

impl Annotator {
    /// Writes `tagging` beside each of `snapshots`.
    ///
    /// # Errors
    /// `Invalid`; `NotFound` when one of them is not there: then nothing is written; those of the storage.
    pub(super) fn tag(&self, snapshots: &[SnapshotId], tagging: &Tagging) -> Result<()> {
        tagging.check()?;
        let mut records = Vec::new();
        for &snapshot in snapshots {
            self.check_there(&snapshot)?;
            if tagging.changes_tags() {
                let change = TagChange { snapshot, added: tagging.add.clone(), removed: tagging.remove.clone() };
                records.push((TAG, wire::encode(&change)));
            }
            if let Some(is_pinned) = tagging.pinned {
                records.push((PIN, wire::encode(&Pin { snapshot, is_pinned })));
            }
        }
        self.repository.publish_pairs(records, self.now)?;
        // Were one called removed that was put back, nobody would miss it.
        self.repository.recant_removals(self.now)
    }
}
