//! Whether what a run relies on is still there at its end.
//!
//! The lock keeps every prune away that sees it. One on a server may not see the lock of its client, and
//! nothing keeps a user from removing files by hand.

use std::collections::BTreeSet;

use super::{Sink, lock};
use crate::error::Result;
use crate::id::SegmentId;
use crate::repository::packs::PackListing;

/// What was listed during a run and is no longer.
#[derive(Debug)]
pub struct Gone {
    /// The packs that are there now.
    pub listing: PackListing,
    /// How many packs are gone, or have another length.
    pub packs: usize,
    /// How many index segments are gone.
    pub segments: usize,
}

impl Sink<'_> {
    /// Lists packs and segments again and compares them with those that the run found and wrote; `None`
    /// when all are there. To be called after a commit.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn find_gone(&self) -> Result<Option<Gone>> {
        let listed: BTreeSet<SegmentId> = self.repository.list_segments()?.into_iter().collect();
        let listing = PackListing::read(&**self.repository.storage())?;
        let segments = lock(&self.segments).difference(&listed).count();
        let packs = lock(&self.listing).packs().iter().filter(|(id, bytes)| listing.packs().get(id) != Some(bytes)).count();
        Ok((packs + segments > 0).then_some(Gone { listing, packs, segments }))
    }
}
