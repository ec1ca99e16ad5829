//! Packs that no segment names, judged by their own directories.
//!
//! Mostly an interrupted run has left them. But a segment may have been lost too, and then snapshots need
//! what these packs hold. So whoever removes looks into them first. The index over named and unnamed
//! packs is made of tables like any other, in a folder of their own where there is a cache, so that
//! memory stays flat also when no segment is left at all.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::packs::{PackListing, read_proven_contents};
use super::{ChunkReader, Chunks, split_segments};
use crate::error::Result;
use crate::id::{PackId, RunId, SegmentId};
use crate::index::{Index, IndexSegment, IndexedPack};
use crate::repository::objects::Objects;
use crate::repository::reserve::with_reserve;
use crate::repository::{layout, sync_folder};
use crate::storage::map_at_once;

/// Packs whose directories are put into one table.
const PACKS_AT_ONCE: usize = 64;

/// The packs that are there and that no segment names.
#[derive(Debug, Default)]
pub struct UnnamedPacks {
    /// Those whose directory can be read, with their lengths, sorted.
    pub readable: Vec<(PackId, u64)>,
    /// Those of which nobody can say what they hold, sorted.
    pub unreadable: Vec<PackId>,
}

impl Chunks {
    /// Opens the index over everything that is there: what segments name, and what the packs of `listing`
    /// hold that none names. The caller holds a lock.
    ///
    /// # Errors
    /// As [`Chunks::open_index`].
    pub fn open_index_of_all(&self, listing: &PackListing) -> Result<(Index, UnnamedPacks)> {
        let index = self.open_index()?;
        let named: HashSet<PackId> = index.packs().into_iter().map(|(id, ..)| id).collect();
        let mut packs: Vec<(PackId, u64)> = listing.packs().iter().map(|(id, bytes)| (*id, *bytes)).collect();
        packs.retain(|(id, _)| !named.contains(id));
        if packs.is_empty() {
            return Ok((index, UnnamedPacks::default()));
        }
        packs.sort_unstable();
        let groups: Vec<&[(PackId, u64)]> = packs.chunks(PACKS_AT_ONCE).collect();
        // Tables are named by segments; nobody else sees these, so numbers will do.
        let id = |number: usize| SegmentId(std::array::from_fn(|at| (number as u64).to_be_bytes().get(at).copied().unwrap_or(0)));
        let ids: HashMap<SegmentId, usize> = (0..groups.len()).map(|number| (id(number), number)).collect();
        let unreadable = Mutex::new(HashSet::new());
        let load = |id: SegmentId| {
            let group = ids.get(&id).and_then(|number| groups.get(*number)).copied().unwrap_or_default();
            let read = |(id, bytes): &(PackId, u64)| -> Result<Option<IndexedPack>> {
                let contents = read_proven_contents(&self.objects, *id, *bytes)?;
                if contents.is_none() {
                    unreadable.lock().unwrap_or_else(PoisonError::into_inner).insert(*id);
                }
                Ok(contents)
            };
            let contents = map_at_once(&**self.objects.storage(), group, read)?;
            Ok(IndexSegment::new(contents.into_iter().flatten().collect()))
        };
        let folder = TableFolder::make(&self.objects);
        let more = Index::open(folder.0.as_deref(), &ids.keys().copied().collect::<Vec<_>>(), &load)?;
        let unreadable = unreadable.into_inner().unwrap_or_else(PoisonError::into_inner);
        packs.retain(|(id, _)| !unreadable.contains(id));
        let mut unreadable: Vec<PackId> = unreadable.into_iter().collect();
        unreadable.sort_unstable();
        Ok((index.join(more), UnnamedPacks { readable: packs, unreadable }))
    }

    /// What a pack holds that no segment names, from its own directory; none when that cannot be read, or
    /// proves nothing.
    ///
    /// # Errors
    /// Those of the storage that are no damage.
    pub fn read_unnamed_pack(&self, id: PackId, bytes: u64) -> Result<Option<IndexedPack>> {
        read_proven_contents(&self.objects, id, bytes)
    }

    /// Names `packs` in new segments, durably, and gives each to `named` with its segment. The caller
    /// holds the lock alone.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn name_packs(&self, run: RunId, packs: &[(PackId, u64)], named: &mut dyn FnMut(PackId, SegmentId)) -> Result<()> {
        let storage = &**self.objects.storage();
        let mut folders: Vec<String> = packs.iter().map(|(id, _)| layout::pack_folder(id.0[0])).collect();
        folders.sort_unstable();
        folders.dedup();
        // Whoever wrote them may have died before its own sync.
        storage.sync(&folders)?;
        let mut publish = |segment: &IndexSegment| -> Result<()> {
            let (id, _) = with_reserve(storage, || self.objects.publish_segment(run, segment))?;
            segment.packs.iter().for_each(|pack| named(pack.id, id));
            Ok(())
        };
        let mut waiting = Vec::new();
        for group in packs.chunks(PACKS_AT_ONCE) {
            for (id, bytes) in group {
                waiting.extend(self.read_unnamed_pack(*id, *bytes)?);
            }
            // All but the last are as long as segments become.
            let mut full = split_segments(std::mem::take(&mut waiting));
            waiting = full.pop().map_or_else(Vec::new, |last| last.packs);
            full.iter().try_for_each(&mut publish)?;
        }
        split_segments(waiting).iter().try_for_each(&mut publish)?;
        sync_folder(storage, layout::INDEX)
    }
}

impl ChunkReader {
    /// Whether any of the packs that `may_stand_in` accepts has every chunk of `pack` whole that
    /// `is_needed` names.
    ///
    /// # Errors
    /// Those of the storage that are no damage, and those of `is_needed`.
    pub fn is_held_elsewhere(
        &self,
        pack: &IndexedPack,
        is_needed: &dyn Fn(&crate::id::ChunkId) -> Result<bool>,
        may_stand_in: &dyn Fn(&PackId, u64) -> bool,
    ) -> Result<bool> {
        for chunk in pack.frames.iter().flat_map(|frame| &frame.chunks) {
            if is_needed(&chunk.id)? && !self.is_whole_in(pack.kind, &chunk.id, may_stand_in)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The folder of the tables of unnamed packs. They are of use to the one who made them only, who has them
/// mapped: so the files may go as soon as they are open.
struct TableFolder(Option<PathBuf>);

impl TableFolder {
    fn make(objects: &Objects) -> Self {
        let folder = objects.cache().map(|cache| cache.unnamed_tables());
        // What another left, which was killed, says nothing of the packs of now.
        Self(folder.filter(|folder| remove_folder(folder) && fs::create_dir_all(folder).is_ok()))
    }
}

impl Drop for TableFolder {
    fn drop(&mut self) {
        self.0.iter().for_each(|folder| {
            remove_folder(folder);
        });
    }
}

/// True when it is not there any more.
fn remove_folder(folder: &std::path::Path) -> bool {
    match fs::remove_dir_all(folder) {
        Ok(()) => true,
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}
