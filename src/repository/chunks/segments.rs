//! How many packs one index segment names: the one rule for who adds packs and who removes some.
//!
//! A segment is read whole, once, by every machine, and a reader refuses one that is too long. So what
//! counts is its length, not how many packs or chunks it has.

use crate::index::{IndexSegment, IndexedPack};
use crate::pack::FrameEntry;

/// A segment names packs whose directories have so many plain bytes together, far below what readers
/// refuse. One run may need several. Who reads a segment holds it sealed, plain and decoded at once, and
/// each thread reads one: four times 64 MiB were too much.
const SEGMENT_BYTES: u64 = 16 << 20;

/// Segments of packs, each short enough to be read back, in the order of the packs.
pub fn split_segments(packs: Vec<IndexedPack>) -> Vec<IndexSegment> {
    let (mut segments, mut part, mut bytes) = (Vec::new(), Vec::new(), 0);
    for pack in packs {
        let pack_bytes: u64 = pack.frames.iter().map(FrameEntry::encoded_bytes).sum();
        if bytes + pack_bytes > SEGMENT_BYTES && !part.is_empty() {
            segments.push(IndexSegment::new(std::mem::take(&mut part)));
            bytes = 0;
        }
        bytes += pack_bytes;
        part.push(pack);
    }
    if !part.is_empty() {
        segments.push(IndexSegment::new(part));
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ChunkId, PackId};
    use crate::pack::{ChunkEntry, PackKind};

    #[test]
    fn many_packs_are_named_by_several_segments_that_readers_accept() {
        let frames = |chunks: usize| {
            let chunks = vec![ChunkEntry { id: ChunkId([1; 32]), bytes: 1 }; chunks];
            vec![FrameEntry { offset: 130, sealed_bytes: 1, plain_bytes: chunks.len() as u32, codec: 0, chunks }]
        };
        let pack = |n: u8| IndexedPack {
            id: PackId([n; 32]),
            kind: PackKind::Data,
            bytes: 1000,
            data_begin: 130,
            data_end: 900,
            frames: frames(125_000),
        };
        let segments = split_segments((0..10).rev().map(pack).collect());
        assert_eq!(segments.iter().map(|segment| segment.packs.len()).collect::<Vec<_>>(), [3, 3, 3, 1]);
        for segment in &segments {
            segment.check().unwrap();
            assert!((segment.encode().len() as u64) < SEGMENT_BYTES + 10_000);
        }
        assert!(split_segments(Vec::new()).is_empty());
    }
}
