//! An index segment: what a set of packs contains, as one immutable object of the repository.
//!
//! It repeats the directories of its packs, so that one small read replaces many. It can always be
//! made again from the packs; a segment is a convenience, never a proof that a pack is there.
//! Sealing and naming are done by the repository.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::id::PackId;
use crate::pack::{FrameEntry, PackKind, check_frames};
use crate::units::MIB;
use crate::wire::{self, Extensions};

/// A segment has at most so many plain bytes: about six million chunks, far above a checkpoint.
pub const SEGMENT_PLAIN_BYTES_MAX: u64 = 256 * MIB;

/// So many segments are read and held at once, however many threads there are: each takes three to four
/// times its bytes meanwhile.
pub const SEGMENTS_AT_ONCE: usize = 4;

/// One pack of a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexedPack {
    /// The pack.
    pub id: PackId,
    /// Data or metadata.
    pub kind: PackKind,
    /// The length of the pack's file.
    pub bytes: u64,
    /// Where frames may begin: after the header.
    pub data_begin: u64,
    /// Where frames must have ended: before the directory.
    pub data_end: u64,
    /// The frames, in order of their numbers.
    pub frames: Vec<FrameEntry>,
}

/// What a set of packs contains.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexSegment {
    /// The packs, sorted by id, each once.
    pub packs: Vec<IndexedPack>,
    /// Room to grow.
    pub extensions: Extensions,
}

impl IndexSegment {
    /// A segment of these packs, in any order; a pack that is given twice is kept once.
    pub fn new(mut packs: Vec<IndexedPack>) -> Self {
        packs.sort_by_key(|pack| pack.id);
        packs.dedup_by_key(|pack| pack.id);
        Self { packs, extensions: Extensions::none() }
    }

    /// The plain bytes of a segment.
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    /// Decodes and checks a segment.
    ///
    /// # Errors
    /// `Damaged`, or `Unsupported` for an unknown critical extension.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        const WHAT: &str = "an index segment";
        if bytes.len() as u64 > SEGMENT_PLAIN_BYTES_MAX {
            return Err(Error::damaged(WHAT, "it is too long"));
        }
        let segment: Self = wire::decode(bytes, WHAT)?;
        segment.check().map_err(|error| error.context(WHAT))?;
        Ok(segment)
    }

    /// Checks order, ranges and sums.
    ///
    /// # Errors
    /// `Damaged`, or `Unsupported` for an unknown critical extension.
    pub fn check(&self) -> Result<()> {
        self.extensions.check(&[], "an index segment")?;
        if !self.packs.windows(2).all(|pair| pair[0].id < pair[1].id) {
            return Err(Error::damaged("an index segment", "its packs are not in order"));
        }
        for pack in &self.packs {
            if pack.data_begin > pack.data_end || pack.data_end > pack.bytes {
                return Err(Error::damaged("an index segment", format!("the frames of pack {} lie outside it", pack.id)));
            }
            check_frames(&pack.frames, pack.data_begin, pack.data_end).map_err(|error| error.context(format!("pack {}", pack.id)))?;
        }
        Ok(())
    }

    /// How many chunks its packs hold; a chunk in two packs counts twice.
    pub fn chunk_count(&self) -> u64 {
        self.packs.iter().flat_map(|pack| &pack.frames).map(|frame| frame.chunks.len() as u64).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ChunkId;
    use crate::pack::ChunkEntry;

    fn pack(first: u8) -> IndexedPack {
        let chunks = vec![ChunkEntry { id: ChunkId([first; 32]), bytes: 100 }, ChunkEntry { id: ChunkId([7; 32]), bytes: 50 }];
        let frames = vec![FrameEntry { offset: 64, sealed_bytes: 90, plain_bytes: 150, codec: 1, chunks }];
        IndexedPack { id: PackId([first; 32]), kind: PackKind::Data, bytes: 300, data_begin: 64, data_end: 200, frames }
    }

    #[test]
    fn a_segment_decodes_to_itself_and_sorts_its_packs() {
        let segment = IndexSegment::new(vec![pack(3), pack(1), pack(3)]);
        assert_eq!(segment.packs.iter().map(|pack| pack.id.0[0]).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(segment.chunk_count(), 4);
        assert_eq!(IndexSegment::decode(&segment.encode()).unwrap(), segment);
    }

    #[test]
    fn contradictions_are_refused() {
        let wrong = |change: &dyn Fn(&mut IndexSegment)| {
            let mut segment = IndexSegment::new(vec![pack(1), pack(3)]);
            change(&mut segment);
            assert!(IndexSegment::decode(&segment.encode()).unwrap_err().is_damage());
        };
        wrong(&|segment| segment.packs.swap(0, 1));
        wrong(&|segment| segment.packs[1].id = segment.packs[0].id);
        wrong(&|segment| segment.packs[0].data_end = 301);
        wrong(&|segment| segment.packs[0].data_begin = 201);
        wrong(&|segment| segment.packs[0].data_begin = 65);
        wrong(&|segment| segment.packs[0].frames[0].sealed_bytes = 137);
        wrong(&|segment| segment.packs[0].frames[0].plain_bytes = 151);
        wrong(&|segment| segment.packs[0].frames[0].chunks[0].bytes = 0);
        wrong(&|segment| {
            let frame = FrameEntry { offset: 160, sealed_bytes: 40, plain_bytes: 0, codec: 0, chunks: Vec::new() };
            segment.packs[0].frames.push(frame);
        });
    }

    #[test]
    fn every_truncation_is_refused_without_a_panic() {
        let bytes = IndexSegment::new(vec![pack(1), pack(3)]).encode();
        for length in 0..bytes.len() {
            assert!(IndexSegment::decode(&bytes[..length]).is_err(), "{length} bytes");
        }
    }
}
