//! What came of a repair, or would come of it.

use crate::id::RepositoryId;
use crate::repository::Rollback;
use crate::verify::{Affected, DamagedObject};

/// What a repair did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Objects that are damaged or missing, with what is wrong; those that are there were set aside, but for
    /// `packs_unknown`.
    pub damaged: Vec<DamagedObject>,
    /// Snapshots whose manifest is damaged: they are gone.
    pub snapshots_lost: u64,
    /// Other repositories of which whole objects lie here, and how many; they stay where they are.
    pub foreign: Vec<(RepositoryId, u64)>,
    /// Snapshots that are missing, also those that an earlier repair set aside.
    pub missing: Option<Rollback>,
    /// Records that are damaged: what they said is not known, a tag, a pin, or that a snapshot was
    /// forgotten.
    pub records_lost: u64,
    /// A copy of the settings was missing and is there again.
    pub restored_settings: bool,
    /// Records of which one of two was missing or damaged and is there again.
    pub restored_records: u64,
    /// One of the two slots of the key in use was missing and is there again.
    pub restored_key: bool,
    /// Packs that no readable index segment named and that the index names again.
    pub packs_indexed: u64,
    /// Packs that cannot be read and that nothing tells of; they stay where they are.
    pub packs_unknown: u64,
    /// Index segments that named what is not there and were replaced.
    pub segments_replaced: u64,
    /// Packs that were damaged in part and whose readable chunks moved to new packs.
    pub packs_salvaged: u64,
    /// The chunks that moved.
    pub chunks_salvaged: u64,
    /// Chunks and pages that snapshots need and that are in no place whole.
    pub chunks_lost: u64,
    /// Those of them that were not recorded as lost before.
    pub chunks_newly_lost: u64,
    /// Paths that cannot be restored whole until a snapshot heals them; sorted.
    pub affected: Vec<Affected>,
    /// Further paths that are not listed, counted once for each snapshot.
    pub affected_more: u64,
}

impl Outcome {
    /// Whether there was anything to mend.
    pub fn found_damage(&self) -> bool {
        !self.damaged.is_empty()
            || self.restored_settings
            || self.restored_key
            || self.restored_records > 0
            || self.packs_indexed > 0
            || self.segments_replaced > 0
            || self.chunks_newly_lost > 0
    }

    /// Whether a snapshot cannot be restored whole, or is gone.
    pub fn has_loss(&self) -> bool {
        self.snapshots_lost > 0
            || self.missing.is_some()
            || self.records_lost > 0
            || self.chunks_lost > 0
            || self.packs_unknown > 0
            || !self.affected.is_empty()
    }
}
