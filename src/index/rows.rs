//! The rows of a table and their bytes: explicit little-endian fields, never a cast of memory.

use super::layout::{CHUNK_ROW_BYTES, FRAME_ROW_BYTES, PACK_ROW_BYTES, read_u32, read_u64};
use crate::id::{ChunkId, PackId};
use crate::pack::PackKind;

/// A pack as a table knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PackRow {
    pub id: PackId,
    pub bytes: u64,
    pub kind: PackKind,
}

/// A frame as a table knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameRow {
    /// Row of its pack.
    pub pack: u32,
    /// Its number in the pack.
    pub number: u32,
    pub offset: u64,
    pub sealed_bytes: u32,
    pub plain_bytes: u32,
    pub codec: u16,
}

/// One place of a chunk as a table knows it. Rows order by id first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ChunkRow {
    pub id: ChunkId,
    /// Row of its frame.
    pub frame: u32,
    /// Where it begins in the frame's plain bytes.
    pub offset: u32,
    pub bytes: u32,
}

impl PackRow {
    /// The bytes of the row.
    pub fn encode(&self) -> [u8; PACK_ROW_BYTES as usize] {
        let mut row = [0; PACK_ROW_BYTES as usize];
        row[..32].copy_from_slice(&self.id.0);
        row[32..40].copy_from_slice(&self.bytes.to_le_bytes());
        row[40] = match self.kind {
            PackKind::Data => 0,
            PackKind::Meta => 1,
        };
        row
    }

    /// The row of these bytes, as many as `encode` makes; none for an unknown kind.
    pub fn decode(row: &[u8]) -> Option<Self> {
        let kind = match row[40] {
            0 => PackKind::Data,
            1 => PackKind::Meta,
            _ => return None,
        };
        Some(Self { id: PackId(read_id(row)), bytes: read_u64(&row[32..]), kind })
    }
}

impl FrameRow {
    /// The bytes of the row.
    pub fn encode(&self) -> [u8; FRAME_ROW_BYTES as usize] {
        let mut row = [0; FRAME_ROW_BYTES as usize];
        row[..4].copy_from_slice(&self.pack.to_le_bytes());
        row[4..8].copy_from_slice(&self.number.to_le_bytes());
        row[8..16].copy_from_slice(&self.offset.to_le_bytes());
        row[16..20].copy_from_slice(&self.sealed_bytes.to_le_bytes());
        row[20..24].copy_from_slice(&self.plain_bytes.to_le_bytes());
        row[24..26].copy_from_slice(&self.codec.to_le_bytes());
        row
    }

    /// The row of these bytes, as many as `encode` makes.
    pub fn decode(row: &[u8]) -> Self {
        Self {
            pack: read_u32(row),
            number: read_u32(&row[4..]),
            offset: read_u64(&row[8..]),
            sealed_bytes: read_u32(&row[16..]),
            plain_bytes: read_u32(&row[20..]),
            codec: u16::from_le_bytes([row[24], row[25]]),
        }
    }
}

impl ChunkRow {
    /// The bytes of the row.
    pub fn encode(&self) -> [u8; CHUNK_ROW_BYTES as usize] {
        let mut row = [0; CHUNK_ROW_BYTES as usize];
        row[..32].copy_from_slice(&self.id.0);
        row[32..36].copy_from_slice(&self.frame.to_le_bytes());
        row[36..40].copy_from_slice(&self.offset.to_le_bytes());
        row[40..].copy_from_slice(&self.bytes.to_le_bytes());
        row
    }

    /// The row of these bytes, as many as `encode` makes.
    pub fn decode(row: &[u8]) -> Self {
        let id = ChunkId(read_id(row));
        Self { id, frame: read_u32(&row[32..]), offset: read_u32(&row[36..]), bytes: read_u32(&row[40..]) }
    }
}

/// The id at the beginning of `bytes`, which has at least 32.
pub(super) fn read_id(bytes: &[u8]) -> [u8; 32] {
    let mut id = [0; 32];
    id.copy_from_slice(&bytes[..32]);
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_decode_to_themselves_and_an_unknown_pack_kind_is_refused() {
        let pack = PackRow { id: PackId([9; 32]), bytes: u64::MAX - 1, kind: PackKind::Meta };
        assert_eq!(PackRow::decode(&pack.encode()), Some(pack));
        let mut row = pack.encode();
        row[40] = 2;
        assert_eq!(PackRow::decode(&row), None);
        let frame = FrameRow { pack: 1, number: 2, offset: 1 << 40, sealed_bytes: 3, plain_bytes: 4, codec: 0x0506 };
        assert_eq!(FrameRow::decode(&frame.encode()), frame);
        let chunk = ChunkRow { id: ChunkId([7; 32]), frame: 8, offset: 9, bytes: 10 };
        assert_eq!(ChunkRow::decode(&chunk.encode()), chunk);
    }
}
