//! Reading on where the index is damaged: segments that cannot be read are left out, and packs that
//! the rest does not name are asked themselves, each for its directory.
//!
//! Only readers do this. Whoever stores or removes has to know all that is there, and refuses.

use std::collections::{HashMap, HashSet};

use super::packs::{PackListing, has_hash, read_contents};
use super::{Chunks, Pace};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{PackId, SegmentId};
use crate::index::{Index, IndexSegment, IndexedPack, SEGMENT_PLAIN_BYTES_MAX, SEGMENTS_AT_ONCE, read_remembered_packs};
use crate::pack::{ObjectKind, open_object};
use crate::repository::layout;
use crate::storage::map_at_once;

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

impl Chunks {
    /// Opens the index over the segments that can be read, and says which cannot.
    ///
    /// # Errors
    /// Those of the storage that are no damage.
    pub(in crate::repository) fn open_index_to_read(&self, pace: Pace) -> Result<(Index, Vec<UnreadableSegment>)> {
        let mut tries = 1;
        loop {
            match self.open_index_by(pace) {
                Ok(index) => return Ok((index, Vec::new())),
                Err(error) if error.is_not_found() && tries < TRIES_MAX => tries += 1,
                Err(error) if error.is_damage() || matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::WrongKey) => break,
                Err(error) => return Err(error),
            }
        }
        let look = |id: &SegmentId| Ok((*id, self.objects.read_segment(*id).err()));
        let (storage, segments) = (&**self.objects.storage(), self.objects.list_segments()?);
        let looked: Vec<_> = match pace {
            Pace::Together => map_at_once(storage, &segments, look)?,
            Pace::OneByOne => segments.iter().map(look).collect::<Result<_>>()?,
        };
        let at_once = if pace == Pace::OneByOne { 1 } else { SEGMENTS_AT_ONCE };
        let readable: Vec<SegmentId> = looked.iter().filter(|(_, error)| error.is_none()).map(|(id, _)| *id).collect();
        let unreadable = looked.into_iter().filter_map(|(id, error)| Some(UnreadableSegment { id, problem: error?.to_string() }));
        let tables = self.objects.cache().map(|cache| cache.tables());
        let unreadable: Vec<UnreadableSegment> = unreadable.collect();
        let mut spared: Vec<SegmentId> = unreadable.iter().map(|segment| segment.id).collect();
        spared.extend(self.list_set_aside_segments()?);
        Ok((Index::open_sparing(tables.as_deref(), &spared, &readable, at_once, &|id| self.objects.read_segment(id))?, unreadable))
    }

    /// What the packs hold that `index` does not name, from their directories. What cannot be read is
    /// left out: nobody has been promised that it is there.
    pub(in crate::repository) fn salvage_index(&self, index: &Index) -> Result<Index> {
        let named: HashSet<PackId> = index.packs().into_iter().map(|(id, ..)| id).collect();
        let listing = PackListing::read(&**self.objects.storage())?;
        let unnamed: Vec<(PackId, u64)> =
            listing.packs().iter().filter(|(id, _)| !named.contains(id)).map(|(id, bytes)| (*id, *bytes)).collect();
        let read = |(id, bytes): &(PackId, u64)| Ok(read_contents(&self.objects, *id, *bytes).ok().flatten());
        let mut packs: Vec<IndexedPack> = map_at_once(&**self.objects.storage(), &unnamed, read)?.into_iter().flatten().collect();
        let readable: HashSet<PackId> = packs.iter().map(|pack| pack.id).collect();
        let unreadable = unnamed.into_iter().map(|(id, _)| id).filter(|id| !readable.contains(id)).collect();
        packs.extend(self.read_told_packs(&unreadable)?);
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

    /// What is said of the packs `wanted`, whose directories cannot be read and which no segment names, by the
    /// segments that a repair set aside and by the index tables of this machine.
    ///
    /// # Errors
    /// Those of the storage that are no damage.
    pub fn read_told_packs(&self, wanted: &HashSet<PackId>) -> Result<Vec<IndexedPack>> {
        let mut packs = self.read_set_aside_packs(wanted)?;
        let rest = wanted.iter().filter(|id| packs.iter().all(|pack| pack.id != **id)).copied().collect::<HashSet<_>>();
        if let Some(cache) = self.objects.cache().filter(|_| !rest.is_empty()) {
            packs.extend(read_remembered_packs(&cache.tables(), &rest));
        }
        Ok(packs)
    }

    /// The segments that a repair set aside, whether damaged or replaced.
    pub(in crate::repository) fn list_set_aside_segments(&self) -> Result<Vec<SegmentId>> {
        let listed = self.objects.storage().list(&format!("{}/{}", layout::DAMAGED, layout::INDEX))?;
        Ok(listed.iter().filter_map(|listed| id_of_set_aside(&listed.name)).collect())
    }

    /// What segments say of `wanted` that a repair set aside because they named other packs that were missing or
    /// damaged. A pack that was missing then may be back.
    fn read_set_aside_packs(&self, wanted: &HashSet<PackId>) -> Result<Vec<IndexedPack>> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let mut found = HashMap::new();
        for listed in self.objects.storage().list(&format!("{}/{}", layout::DAMAGED, layout::INDEX))? {
            let Some(id) = id_of_set_aside(&listed.name) else { continue };
            let segment = self.objects.storage().read(&listed.name, SEGMENT_PLAIN_BYTES_MAX).and_then(|bytes| {
                let plain = open_object(self.objects.keys(), ObjectKind::Index, bytes, &id.0, SEGMENT_PLAIN_BYTES_MAX, &listed.name)?;
                IndexSegment::decode(&plain)
            });
            match segment {
                Ok(segment) => found.extend(segment.packs.into_iter().filter(|pack| wanted.contains(&pack.id)).map(|pack| (pack.id, pack))),
                Err(error) if error.is_damage() || matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::WrongKey) => {}
                Err(error) => return Err(error),
            }
        }
        let mut found: Vec<IndexedPack> = found.into_values().collect();
        found.sort_by_key(|pack| pack.id);
        Ok(found)
    }

    /// Refuses where an index segment is not what was written. The tables of this machine know what it said, so
    /// who relies on them alone would build on what no other machine can read.
    ///
    /// # Errors
    /// `Damaged`; those of the storage.
    pub fn check_segment_bytes(&self) -> Result<()> {
        let listed = layout::list_ids(&**self.objects.storage(), layout::INDEX, SegmentId::parse)?;
        let check = |(id, listed): &(SegmentId, crate::storage::Listed)| {
            if self.objects.passes_over(&listed.name) || has_hash(&**self.objects.storage(), &listed.name, listed.bytes, &id.0)? {
                return Ok(());
            }
            Err(Error::damaged(listed.name.as_str(), "it is not what was written").context(format!("index segment {id}")))
        };
        map_at_once(&**self.objects.storage(), &listed, check).map(|_| ())
    }
}

/// A second one of a name has a number behind it.
fn id_of_set_aside(name: &str) -> Option<SegmentId> {
    let stem = name.rsplit('/').next().unwrap_or_default().split('.').next().unwrap_or_default();
    SegmentId::parse(stem).ok()
}
