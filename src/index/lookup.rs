//! The index as its users see it: where is this chunk, is it known, which packs are there.
//!
//! An entry says where a chunk was put, not that it is still there. A chunk is *known*, so that it
//! need not be stored again, only when one of its packs is in the repository with the expected
//! length; [`Presence`] holds that for a whole run. A reader asks for all places and tries them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use super::ordered::OrderedRows;
use super::rows::{ChunkRow, PackRow};
use super::table::Table;
use crate::error::{Error, Result};
use crate::id::{ChunkId, PackId, SegmentId};
use crate::pack::{FramePlace, PackKind};

/// Where a frame lies in its pack, and how it unpacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameRef {
    /// Where its sealed bytes begin, from the start of the pack.
    pub offset: u64,
    /// How many sealed bytes it has.
    pub sealed_bytes: u32,
    /// How many plain bytes it unpacks to.
    pub plain_bytes: u32,
    /// How it is compressed.
    pub codec: u16,
    /// Its number in the pack.
    pub number: u32,
}

impl FrameRef {
    /// As the pack's reader takes it.
    pub fn in_pack(&self) -> FramePlace {
        let Self { offset, sealed_bytes, plain_bytes, codec, number } = *self;
        FramePlace { number, offset, sealed_bytes, plain_bytes, codec }
    }
}

/// One place of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The pack.
    pub pack: PackId,
    /// Data or metadata.
    pub pack_kind: PackKind,
    /// The length of the pack's file, as it was written.
    pub pack_bytes: u64,
    /// The frame.
    pub frame: FrameRef,
    /// Where the chunk begins in the frame's plain bytes.
    pub chunk_offset: u32,
    /// The chunk's plain length.
    pub chunk_bytes: u32,
}

/// Where an entry stands among all of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryNumbers {
    /// Its own number, below [`Index::chunk_count`].
    pub chunk: u64,
    /// The number of its frame, below [`Index::frame_count`].
    pub frame: u64,
}

/// Which packs of an index are in the repository with the expected length.
#[derive(Debug)]
pub struct Presence {
    /// The index that it was made for.
    index: u64,
    /// For each table one bit for each pack row.
    tables: Vec<Vec<u64>>,
    missing: Vec<PackId>,
}

impl Presence {
    /// Packs that the index names and that are not there, or with another length; sorted.
    pub fn missing_packs(&self) -> &[PackId] {
        &self.missing
    }

    fn has_pack(&self, table: usize, row: u32) -> bool {
        self.tables[table][(row / 64) as usize] & 1 << (row % 64) != 0
    }
}

/// All chunks of a set of segments. Methods are called from any thread.
#[derive(Debug)]
pub struct Index {
    /// Tells this index from every other of the process, see [`Presence`].
    number: u64,
    tables: Vec<Table>,
    cache_problem: Option<Error>,
}

impl Index {
    pub(super) fn new(tables: Vec<Table>, cache_problem: Option<Error>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self { number: NEXT.fetch_add(1, Ordering::Relaxed), tables, cache_problem }
    }

    /// This index and another as one. What the other names comes last.
    pub fn join(mut self, other: Self) -> Self {
        self.tables.extend(other.tables);
        Self::new(self.tables, self.cache_problem.or(other.cache_problem))
    }

    /// Puts every place of `id` into `places`, which is emptied first. None means that the index
    /// does not name the chunk.
    ///
    /// # Errors
    /// `Damaged` when the cache on this machine is: places from whole tables are in the list all
    /// the same, and opening the index again makes the damaged table anew.
    pub fn places(&self, id: &ChunkId, places: &mut Vec<Location>) -> Result<()> {
        places.clear();
        let mut outcome = Ok(());
        for table in &self.tables {
            let found = table.for_each_row(id, |chunk| {
                let place = locate(table, &chunk)?;
                // Two segments may list the same pack.
                if !places.contains(&place) {
                    places.push(place);
                }
                Ok(true)
            });
            outcome = outcome.and(found);
        }
        outcome
    }

    /// True when `id` is in a pack that is there. A damaged table knows nothing: a chunk that is
    /// stored once more harms nobody.
    pub fn is_known(&self, id: &ChunkId, presence: &Presence) -> bool {
        if presence.index != self.number {
            return false;
        }
        self.tables.iter().enumerate().any(|(at, table)| {
            let mut is_there = false;
            let found = table.for_each_row(id, |chunk| {
                is_there = presence.has_pack(at, table.read_frame(chunk.frame)?.pack);
                Ok(!is_there)
            });
            found.is_ok() && is_there
        })
    }

    /// Compares the packs of the index with those that are there: id and length of each file.
    /// The listing must be taken after the lock, and the result serves this index only.
    pub fn presence(&self, packs: &HashMap<PackId, u64>) -> Presence {
        let mut missing = Vec::new();
        let tables = self.tables.iter().map(|table| {
            let mut bits = vec![0u64; table.pack_count().div_ceil(64) as usize];
            for (row, pack) in pack_rows(table) {
                if packs.get(&pack.id) == Some(&pack.bytes) {
                    bits[(row / 64) as usize] |= 1 << (row % 64);
                } else {
                    missing.push(pack.id);
                }
            }
            bits
        });
        let tables = tables.collect();
        missing.sort_unstable();
        missing.dedup();
        Presence { index: self.number, tables, missing }
    }

    /// The packs that the index names, with kind and length of the file; sorted, each once (twice
    /// only where two segments disagree about one).
    pub fn packs(&self) -> Vec<(PackId, PackKind, u64)> {
        let mut packs: Vec<_> = self.tables.iter().flat_map(pack_rows).map(|(_, pack)| (pack.id, pack.kind, pack.bytes)).collect();
        packs.sort_unstable();
        packs.dedup();
        packs
    }

    /// The numbers of the first entry of `id`, the same at every call; none when the index does not name it.
    /// Who has something to note of many chunks keeps it in arrays instead of a map of ids.
    ///
    /// # Errors
    /// `Damaged` when the cache on this machine is: then nothing may be concluded from what was noted.
    pub fn entry(&self, id: &ChunkId) -> Result<Option<EntryNumbers>> {
        let mut before = EntryNumbers { chunk: 0, frame: 0 };
        for table in &self.tables {
            if let Some((row, chunk)) = table.first_row(id)? {
                return Ok(Some(EntryNumbers { chunk: before.chunk + u64::from(row), frame: before.frame + u64::from(chunk.frame) }));
            }
            before.chunk += u64::from(table.chunk_count());
            before.frame += u64::from(table.frame_count());
        }
        Ok(None)
    }

    /// How many chunk entries there are; a chunk with several places counts for each.
    pub fn chunk_count(&self) -> u64 {
        self.tables.iter().map(|table| u64::from(table.chunk_count())).sum()
    }

    /// How many frames there are; a pack that two segments list counts for each.
    pub fn frame_count(&self) -> u64 {
        self.tables.iter().map(|table| u64::from(table.frame_count())).sum()
    }

    /// Gives every entry to `each` in the order of the ids, so that places of one chunk come together. A
    /// pack that two segments list comes twice.
    ///
    /// # Errors
    /// `Damaged` when the cache on this machine is (open the index again and begin anew), and those
    /// of `each`.
    pub fn for_each_chunk(&self, each: &mut dyn FnMut(&ChunkId, &Location) -> Result<()>) -> Result<()> {
        let mut rows = OrderedRows::new(&self.tables)?;
        while let Some((at, chunk)) = rows.next_row()? {
            each(&chunk.id, &locate(&self.tables[at], &chunk)?)?;
        }
        Ok(())
    }

    /// The segments that it is made of, each once, in no order.
    pub fn segments(&self) -> impl Iterator<Item = SegmentId> {
        self.tables.iter().flat_map(Table::segments)
    }

    /// How many tables a look-up touches.
    pub fn table_count(&self) -> usize {
        self.tables.len()
    }

    /// How many bytes of private memory the tables take that could not be put into the cache folder.
    pub fn memory_bytes(&self) -> u64 {
        self.tables.iter().filter(|table| table.path().is_none()).map(Table::file_bytes).sum()
    }

    /// What was wrong with the cache folder, if anything was. The index works all the same.
    pub fn cache_problem(&self) -> Option<&Error> {
        self.cache_problem.as_ref()
    }

    /// True when a damaged table was met since the index was opened: open it again to have it made
    /// anew.
    pub fn is_damaged(&self) -> bool {
        self.tables.iter().any(Table::is_damaged)
    }
}

/// The pack rows of a table, which were all read and checked when it was opened.
fn pack_rows(table: &Table) -> impl Iterator<Item = (u32, PackRow)> + '_ {
    (0..table.pack_count()).filter_map(|row| Some((row, table.read_pack(row).ok()?)))
}

fn locate(table: &Table, chunk: &ChunkRow) -> Result<Location> {
    let frame = table.read_frame(chunk.frame)?;
    let pack = table.read_pack(frame.pack)?;
    Ok(Location {
        pack: pack.id,
        pack_kind: pack.kind,
        pack_bytes: pack.bytes,
        frame: FrameRef {
            offset: frame.offset,
            sealed_bytes: frame.sealed_bytes,
            plain_bytes: frame.plain_bytes,
            codec: frame.codec,
            number: frame.number,
        },
        chunk_offset: chunk.offset,
        chunk_bytes: chunk.bytes,
    })
}
