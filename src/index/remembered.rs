//! What the tables of this machine say of packs, as index segments say it: the last copy of it where a
//! segment and the directory of its pack are damaged both.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use super::folder::list_tables;
use super::segment::{IndexSegment, IndexedPack};
use super::table::Table;
use crate::error::Result;
use crate::id::PackId;
use crate::pack::{ChunkEntry, FrameEntry};

/// The packs of `wanted` that a table in `folder` knows whole. What a table says is no proof: whoever reads a
/// chunk by it verifies its id. A table that cannot be read is passed over.
pub fn read_remembered_packs(folder: &Path, wanted: &HashSet<PackId>) -> Vec<IndexedPack> {
    let mut found = HashMap::new();
    for path in list_tables(folder).unwrap_or_default() {
        let packs = Table::open(&path).and_then(|table| read_packs(&table, wanted)).unwrap_or_default();
        for pack in packs {
            // Refused where it contradicts itself.
            if IndexSegment::new(vec![pack.clone()]).check().is_ok() {
                found.insert(pack.id, pack);
            }
        }
    }
    let mut found: Vec<IndexedPack> = found.into_values().collect();
    found.sort_by_key(|pack| pack.id);
    found
}

/// A frame, and its chunks by where they begin in it.
type Frame = (FrameEntry, BTreeMap<u32, ChunkEntry>);

fn read_packs(table: &Table, wanted: &HashSet<PackId>) -> Result<Vec<IndexedPack>> {
    let mut packs = BTreeMap::new();
    for row in 0..table.pack_count() {
        let pack = table.read_pack(row)?;
        if wanted.contains(&pack.id) {
            packs.insert(row, (pack, BTreeMap::new()));
        }
    }
    if packs.is_empty() {
        return Ok(Vec::new());
    }
    let mut frames: HashMap<u32, (u32, u32, Frame)> = HashMap::new();
    for row in 0..table.frame_count() {
        let frame = table.read_frame(row)?;
        if packs.contains_key(&frame.pack) {
            let (offset, sealed_bytes, plain_bytes, codec) = (frame.offset, frame.sealed_bytes, frame.plain_bytes, frame.codec);
            let entry = FrameEntry { offset, sealed_bytes, plain_bytes, codec, chunks: Vec::new() };
            frames.insert(row, (frame.pack, frame.number, (entry, BTreeMap::new())));
        }
    }
    for row in 0..table.chunk_count() {
        let chunk = table.read_chunk(row)?;
        if let Some((_, _, (_, chunks))) = frames.get_mut(&chunk.frame) {
            chunks.insert(chunk.offset, ChunkEntry { id: chunk.id, bytes: chunk.bytes });
        }
    }
    for (pack, number, (mut entry, chunks)) in frames.into_values() {
        entry.chunks = chunks.into_values().collect();
        if let Some((_, frames)) = packs.get_mut(&pack) {
            frames.insert(number, entry);
        }
    }
    let whole = packs.into_values().filter_map(|(pack, frames)| {
        // A frame is sealed with its number, so none may be missing before another.
        let is_whole = frames.keys().copied().eq(0..frames.len() as u32);
        let data_begin = frames.values().map(|frame| frame.offset).min()?;
        let data_end = frames.values().map(|frame| frame.offset.saturating_add(u64::from(frame.sealed_bytes))).max()?;
        let frames = frames.into_values().collect();
        is_whole.then_some(IndexedPack { id: pack.id, kind: pack.kind, bytes: pack.bytes, data_begin, data_end, frames })
    });
    Ok(whole.collect())
}
