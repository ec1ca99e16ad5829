//! What the catalog says of itself, and what a burst of writing does to it.

use serde::{Deserialize, Serialize};

use super::listing::Listing;
use super::record_row::RecordRow;
use super::summary::Summary;
use crate::id::{RecordId, RepositoryId, SnapshotId};

/// The version of trees, keys and payloads together; another one is built again.
pub(super) const SCHEMA: u32 = 2;

/// What the catalog says of itself, to be compared with what is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub schema: u32,
    pub repository: RepositoryId,
    pub snapshots: u64,
    pub records: u64,
    /// All ids of snapshots and records, combined so that order does not matter.
    pub xor: [u8; 32],
    /// False while rows are being written.
    pub is_clean: bool,
}

impl State {
    pub fn new(repository: RepositoryId) -> Self {
        Self { schema: SCHEMA, repository, snapshots: 0, records: 0, xor: [0; 32], is_clean: true }
    }

    /// The state of a catalog that holds exactly these.
    pub fn of<'a>(
        repository: RepositoryId,
        snapshots: impl IntoIterator<Item = &'a SnapshotId>,
        records: impl IntoIterator<Item = &'a RecordId>,
    ) -> Self {
        let mut state = Self::new(repository);
        for id in snapshots {
            state.snapshots += 1;
            state.fold(&id.0);
        }
        for id in records {
            state.records += 1;
            state.fold(&id.0);
        }
        state
    }

    /// Adds an id, or takes it away again.
    pub fn fold(&mut self, id: &[u8; 32]) {
        self.xor.iter_mut().zip(id).for_each(|(byte, other)| *byte ^= other);
    }
}

/// Rows to remove and rows to add, in one burst.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes {
    pub gone: Vec<SnapshotId>,
    pub gone_records: Vec<RecordId>,
    pub added: Vec<Summary>,
    pub added_records: Vec<(RecordId, RecordRow)>,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.gone_records.is_empty() && self.added.is_empty() && self.added_records.is_empty()
    }
}

impl From<Listing> for Changes {
    /// Adds all of a listing.
    fn from(listing: Listing) -> Self {
        let (added, added_records) = listing.into_rows();
        Self { added, added_records, ..Self::default() }
    }
}
