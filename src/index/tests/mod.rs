//! Segments to test with, and what a plain map says of them.

mod answers;
mod cache;
mod damage;

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::folder::list_tables;
use super::layout::{BLOCK_BYTES, HEADER_BYTES, Layout, Section};
use super::merge::merge_tables;
use super::table::Table;
use super::table_build::build_table;
use super::*;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ChunkId, PackId, SegmentId};
use crate::pack::{ChunkEntry, FrameEntry, PackKind};

fn hash(what: &str, number: u64) -> [u8; 32] {
    *blake3::hash(format!("{what} {number}").as_bytes()).as_bytes()
}

fn chunk(number: u64) -> ChunkId {
    ChunkId(hash("chunk", number))
}

fn segment_id(number: u64) -> SegmentId {
    SegmentId(hash("segment", number))
}

/// A segment with the chunks of these numbers, 20 to a frame and 10 frames to a pack. Packs are
/// named by `number` and their place, so that every segment has its own.
fn segment(number: u64, chunks: impl IntoIterator<Item = u64>) -> IndexSegment {
    let entries: Vec<_> = chunks.into_iter().map(|at| ChunkEntry { id: chunk(at), bytes: 1 + (at % 4096) as u32 }).collect();
    let packs = entries.chunks(200).enumerate().map(|(pack, entries)| {
        let mut offset = 64;
        let mut frames = Vec::new();
        for chunks in entries.chunks(20) {
            let plain_bytes = chunks.iter().map(|chunk| chunk.bytes).sum();
            frames.push(FrameEntry { offset, sealed_bytes: plain_bytes / 2 + 28, plain_bytes, codec: 1, chunks: chunks.to_vec() });
            offset += u64::from(plain_bytes / 2 + 28);
        }
        let kind = if pack % 5 == 4 { PackKind::Meta } else { PackKind::Data };
        let id = PackId(hash("pack", number * 1_000_000 + pack as u64));
        IndexedPack { id, kind, bytes: offset + 100, data_begin: 64, data_end: offset, frames }
    });
    IndexSegment::new(packs.collect())
}

/// What is in the repository, and how often it was asked.
#[derive(Default)]
struct Segments {
    all: HashMap<SegmentId, IndexSegment>,
    loads: AtomicUsize,
}

impl Segments {
    fn new(segments: impl IntoIterator<Item = IndexSegment>) -> Self {
        let all = segments.into_iter().enumerate().map(|(number, segment)| (segment_id(number as u64), segment)).collect();
        Self { all, loads: AtomicUsize::new(0) }
    }

    fn ids(&self) -> Vec<SegmentId> {
        self.all.keys().copied().collect()
    }

    fn open(&self, folder: Option<&Path>) -> Index {
        self.open_some(folder, &self.ids())
    }

    fn open_some(&self, folder: Option<&Path>, ids: &[SegmentId]) -> Index {
        Index::open(folder, ids, &|id| self.load(id)).unwrap()
    }

    fn load(&self, id: SegmentId) -> Result<IndexSegment> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        self.all.get(&id).cloned().ok_or_else(|| Error::new(ErrorKind::NotFound, "no such segment"))
    }

    fn take_loads(&self) -> usize {
        self.loads.swap(0, Ordering::Relaxed)
    }

    /// Every place of every chunk, found the plain way.
    fn expected(&self) -> HashMap<ChunkId, BTreeSet<Location>> {
        let mut places: HashMap<ChunkId, BTreeSet<Location>> = HashMap::new();
        for pack in self.all.values().flat_map(|segment| &segment.packs) {
            for (number, frame) in pack.frames.iter().enumerate() {
                let (offset, codec, number) = (frame.offset, frame.codec, number as u32);
                let at = FrameRef { offset, sealed_bytes: frame.sealed_bytes, plain_bytes: frame.plain_bytes, codec, number };
                let mut chunk_offset = 0;
                for chunk in &frame.chunks {
                    places.entry(chunk.id).or_default().insert(Location {
                        pack: pack.id,
                        pack_kind: pack.kind,
                        pack_bytes: pack.bytes,
                        frame: at,
                        chunk_offset,
                        chunk_bytes: chunk.bytes,
                    });
                    chunk_offset += chunk.bytes;
                }
            }
        }
        places
    }

    fn packs(&self) -> HashMap<PackId, u64> {
        self.all.values().flat_map(|segment| &segment.packs).map(|pack| (pack.id, pack.bytes)).collect()
    }
}

fn places(index: &Index, id: &ChunkId) -> BTreeSet<Location> {
    let mut places = Vec::new();
    index.places(id, &mut places).unwrap();
    let set: BTreeSet<Location> = places.iter().copied().collect();
    assert_eq!(set.len(), places.len(), "a place is given once");
    set
}

fn assert_complete(index: &Index, segments: &Segments) {
    let expected = segments.expected();
    for (id, there) in &expected {
        assert_eq!(&places(index, id), there);
    }
    for number in 0..1000 {
        assert!(places(index, &chunk(u64::MAX - number)).is_empty());
    }
}

/// Table files are private to their user, whatever the umask of the test is.
fn restrict(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}
