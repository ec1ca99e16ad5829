//! Tags and pins of snapshots that are there already.

use super::Annotator;
use crate::error::{Error, ErrorKind, Result};
use crate::id::SnapshotId;
use crate::manifest::{PIN, Pin, TAG, TagChange};
use crate::wire;

/// What becomes of the tags and the pin of a snapshot.
#[derive(Clone, Debug, Default)]
pub struct TagRequest {
    /// Tags that it gets.
    pub add: Vec<String>,
    /// Tags that it loses.
    pub remove: Vec<String>,
    /// Whether it is kept whatever rules say; as it was where nothing is said.
    pub pinned: Option<bool>,
}

impl TagRequest {
    /// Whether tags are added or removed.
    pub fn changes_tags(&self) -> bool {
        !self.add.is_empty() || !self.remove.is_empty()
    }

    /// Refuses what says nothing, or two things at once.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn check(&self) -> Result<()> {
        if !self.changes_tags() && self.pinned.is_none() {
            return Err(Error::new(ErrorKind::Invalid, "nothing to do; give --add, --remove, --pin or --unpin"));
        }
        match self.add.iter().find(|tag| self.remove.contains(tag)) {
            None => Ok(()),
            Some(tag) => Err(Error::new(ErrorKind::Invalid, format!("tag `{}` cannot be both added and removed", tag.escape_debug()))),
        }
    }
}

impl Annotator {
    /// Writes `request` beside each of `snapshots`.
    ///
    /// # Errors
    /// `Invalid`; `NotFound` when one of them is not there: then nothing is written; those of the storage.
    pub fn tag(&self, snapshots: &[SnapshotId], request: &TagRequest) -> Result<()> {
        request.check()?;
        let mut records = Vec::new();
        for &snapshot in snapshots {
            self.check_there(&snapshot)?;
            if request.changes_tags() {
                let change = TagChange { snapshot, added: request.add.clone(), removed: request.remove.clone() };
                records.push((TAG, wire::encode(&change)));
            }
            if let Some(is_pinned) = request.pinned {
                records.push((PIN, wire::encode(&Pin { snapshot, is_pinned })));
            }
        }
        self.repository.publish_pairs(records, self.now)?;
        // Were one called removed that was put back, nobody would miss it.
        self.repository.recant_removals(self.now)
    }
}
