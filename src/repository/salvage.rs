//! Reading on where the index is damaged: segments that cannot be read are left out, and packs that
//! the rest does not name are asked themselves, each for its directory.
//!
//! Only readers do this. Whoever stores or removes has to know all that is there, and refuses.

use std::collections::HashSet;

use rayon::prelude::*;

use super::Repository;
use super::packs::{PackListing, read_contents};
use crate::error::{ErrorKind, Result};
use crate::id::{PackId, SegmentId};
use crate::index::{Index, IndexSegment, IndexedPack};

/// Opening is tried again when a prune removed a segment that was listed.
const TRIES_MAX: usize = 3;
/// Packs whose directories are put into one table.
const PACKS_AT_ONCE: usize = 64;

/// An index segment that cannot be read, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableSegment {
    /// The segment.
    pub id: SegmentId,
    /// What is wrong with it.
    pub problem: String,
}

impl Repository {
    /// Opens the index over the segments that can be read, and says which cannot.
    ///
    /// # Errors
    /// Those of the storage that are no damage.
    pub(super) fn open_index_to_read(&self) -> Result<(Index, Vec<UnreadableSegment>)> {
        let mut tries = 1;
        loop {
            match self.open_index() {
                Ok(index) => return Ok((index, Vec::new())),
                Err(error) if error.is_not_found() && tries < TRIES_MAX => tries += 1,
                Err(error) if error.is_damage() || matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::WrongKey) => break,
                Err(error) => return Err(error),
            }
        }
        let looked: Vec<_> = self.list_segments()?.into_par_iter().map(|id| (id, self.read_segment(id).err())).collect();
        let readable: Vec<SegmentId> = looked.iter().filter(|(_, error)| error.is_none()).map(|(id, _)| *id).collect();
        let unreadable = looked.into_iter().filter_map(|(id, error)| Some(UnreadableSegment { id, problem: error?.to_string() }));
        let tables = self.cache().map(|cache| cache.tables());
        Ok((Index::open(tables.as_deref(), &readable, &|id| self.read_segment(id))?, unreadable.collect()))
    }

    /// What the packs hold that `index` does not name, from their directories. What cannot be read is
    /// left out: nobody has been promised that it is there.
    pub(super) fn salvage_index(&self, index: &Index) -> Result<Index> {
        let named: HashSet<PackId> = index.packs().into_iter().map(|(id, ..)| id).collect();
        let listing = PackListing::read(&**self.storage())?;
        let unnamed: Vec<(PackId, u64)> =
            listing.packs().iter().filter(|(id, _)| !named.contains(id)).map(|(id, bytes)| (*id, *bytes)).collect();
        let packs: Vec<IndexedPack> =
            unnamed.into_par_iter().filter_map(|(id, bytes)| read_contents(self, id, bytes).ok().flatten()).collect();
        let groups: Vec<&[IndexedPack]> = packs.chunks(PACKS_AT_ONCE).collect();
        // Tables are named by segments; these exist in memory only, so numbers will do.
        let id = |number: usize| SegmentId(std::array::from_fn(|at| (number as u64).to_be_bytes().get(at).copied().unwrap_or(0)));
        let ids: Vec<SegmentId> = (0..groups.len()).map(id).collect();
        let load = |id: SegmentId| {
            let number = ids.binary_search(&id).unwrap_or_default();
            Ok(IndexSegment::new(groups.get(number).map(|group| group.to_vec()).unwrap_or_default()))
        };
        Index::open(None, &ids, &load)
    }
}
