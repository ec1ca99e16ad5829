//! Which segments name which packs: so that only those are read and replaced that name what goes.

use std::collections::{BTreeSet, HashMap};

use crate::id::{PackId, SegmentId};

/// The segments that name each pack.
#[derive(Default)]
pub(super) struct Naming {
    segments: HashMap<PackId, Vec<SegmentId>>,
}

impl Naming {
    /// Notes that `segment` names `pack`. True when no other did before.
    pub(super) fn add(&mut self, pack: PackId, segment: SegmentId) -> bool {
        let segments = self.segments.entry(pack).or_default();
        if !segments.contains(&segment) {
            segments.push(segment);
        }
        segments.len() == 1
    }

    /// Notes that `segment`, which named `pack`, is gone.
    pub(super) fn remove(&mut self, pack: &PackId, segment: &SegmentId) {
        if let Some(segments) = self.segments.get_mut(pack) {
            segments.retain(|id| id != segment);
        }
    }

    /// The segments that name any of `packs`, in order.
    pub(super) fn segments_of<'p>(&self, packs: impl Iterator<Item = &'p PackId>) -> BTreeSet<SegmentId> {
        packs.filter_map(|pack| self.segments.get(pack)).flatten().copied().collect()
    }
}
