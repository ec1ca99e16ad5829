//! Where everything lies in a table file: header, checksums, segment ids and five sections.
//!
//! The whole layout follows from four counts, so the header has little to be wrong about and a
//! writer knows every offset before the first row. All integers are little-endian.
//!
//! ```text
//! header (128)  magic 8, version u32, block bytes u32, counts 4 x u64, file bytes u64, zero u64,
//!               BLAKE3 of checksums and segment ids, BLAKE3 of the header up to here
//! checksums     16 bytes of BLAKE3 for each block of each section
//! segment ids   32 bytes each, sorted
//! packs         id 32, file bytes u64, kind u8, zero 7
//! frames        pack u32, number in pack u32, offset u64, sealed u32, plain u32, codec u16, zero 6
//! fan-out       first row u32 of each value of the leading bits, and the number of rows
//! filter        64-byte blocks, see filter.rs
//! chunks        id 32, frame u32, offset in frame u32, bytes u32; sorted
//! ```
//!
//! Sections begin at multiples of 64, so that a filter block is one cache line. Checksum blocks
//! are counted from the beginning of each section; the last one of a section may be short.

use crate::error::{Error, ErrorKind, Result};
use crate::units::KIB;

/// A section is verified in blocks of so many bytes: small enough that a single look-up in a cold
/// table reads little, large enough that the checksums are a thousandth of the table.
pub(super) const BLOCK_BYTES: u64 = 16 * KIB;
/// Bytes of a checksum.
pub(super) const CHECKSUM_BYTES: u64 = 16;
/// Bytes of the header.
pub(super) const HEADER_BYTES: u64 = 128;
/// Bytes of a segment id.
pub(super) const SEGMENT_ROW_BYTES: u64 = 32;
/// Bytes of a pack row.
pub(super) const PACK_ROW_BYTES: u64 = 48;
/// Bytes of a frame row.
pub(super) const FRAME_ROW_BYTES: u64 = 32;
/// Bytes of a chunk row.
pub(super) const CHUNK_ROW_BYTES: u64 = 44;
/// Bytes of a filter block.
pub(super) const FILTER_BLOCK_BYTES: u64 = 64;
/// Bits of filter for each chunk.
const FILTER_BITS_PER_CHUNK: u64 = 10;
/// A bucket of the fan-out has about so many rows, at most twice as many.
const ROWS_PER_BUCKET: u64 = 32;
const MAGIC: [u8; 8] = *b"srtable\n";
const VERSION: u32 = 1;

/// How much a table holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub segments: u64,
    pub packs: u64,
    pub frames: u64,
    pub chunks: u64,
}

/// The sections, in the order of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Packs,
    Frames,
    FanOut,
    Filter,
    Chunks,
}

impl Section {
    pub const COUNT: usize = 5;
}

/// Where a section lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extent {
    /// Its first byte in the file.
    pub begin: u64,
    /// Its length.
    pub bytes: u64,
    /// The number of its first block in the list of checksums.
    pub first_block: u64,
}

impl Extent {
    /// How many blocks it has.
    pub fn blocks(&self) -> u64 {
        self.bytes.div_ceil(BLOCK_BYTES)
    }
}

/// Where everything lies in a table of given counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub counts: Counts,
    /// How many leading bits of an id choose its bucket.
    pub fan_out_bits: u32,
    pub filter_blocks: u64,
    pub segments_begin: u64,
    extents: [Extent; Section::COUNT],
    /// Blocks of all sections.
    pub blocks: u64,
    pub file_bytes: u64,
}

impl Layout {
    /// The layout of a table with these counts.
    ///
    /// # Errors
    /// `Invalid` when a count is beyond 2^32 - 1, which is what row numbers can say.
    pub fn new(counts: Counts) -> Result<Self> {
        let Counts { segments, packs, frames, chunks } = counts;
        if [segments, packs, frames, chunks].iter().any(|count| *count > u64::from(u32::MAX)) {
            return Err(Error::new(ErrorKind::Invalid, "an index table cannot hold so many rows"));
        }
        // With counts below 2^32 and rows below 2^6 bytes no sum below comes near 2^64.
        let fan_out_bits = (chunks / ROWS_PER_BUCKET).checked_ilog2().unwrap_or(0);
        let filter_blocks = (chunks * FILTER_BITS_PER_CHUNK).div_ceil(FILTER_BLOCK_BYTES * 8);
        let lengths = [
            packs * PACK_ROW_BYTES,
            frames * FRAME_ROW_BYTES,
            ((1 << fan_out_bits) + 1) * 4,
            filter_blocks * FILTER_BLOCK_BYTES,
            chunks * CHUNK_ROW_BYTES,
        ];
        let mut extents = lengths.map(|bytes| Extent { begin: 0, bytes, first_block: 0 });
        let mut blocks = 0;
        for extent in &mut extents {
            extent.first_block = blocks;
            blocks += extent.blocks();
        }
        let segments_begin = HEADER_BYTES + blocks * CHECKSUM_BYTES;
        let mut end = segments_begin + segments * SEGMENT_ROW_BYTES;
        for extent in &mut extents {
            extent.begin = end.next_multiple_of(FILTER_BLOCK_BYTES);
            end = extent.begin + extent.bytes;
        }
        Ok(Self { counts, fan_out_bits, filter_blocks, segments_begin, extents, blocks, file_bytes: end })
    }

    /// Where `section` lies.
    pub fn extent(&self, section: Section) -> &Extent {
        &self.extents[section as usize]
    }

    /// The end of what is verified together with the header: checksums and segment ids.
    pub fn prelude_end(&self) -> u64 {
        self.segments_begin + self.counts.segments * SEGMENT_ROW_BYTES
    }

    /// The header over a prelude (checksums and segment ids) of these bytes.
    pub fn header(&self, prelude: &[u8]) -> Vec<u8> {
        let Counts { segments, packs, frames, chunks } = self.counts;
        let mut header = Vec::with_capacity(HEADER_BYTES as usize);
        header.extend(MAGIC);
        header.extend(VERSION.to_le_bytes());
        header.extend((BLOCK_BYTES as u32).to_le_bytes());
        for number in [segments, packs, frames, chunks, self.file_bytes, 0] {
            header.extend(number.to_le_bytes());
        }
        header.extend(blake3::hash(prelude).as_bytes());
        let hash = blake3::hash(&header);
        header.extend(hash.as_bytes());
        header
    }

    /// Reads and verifies header and prelude of a whole table file.
    ///
    /// # Errors
    /// `Damaged` when anything is not as it was written, or of another version: either way the
    /// table is made anew.
    pub fn read(file: &[u8]) -> Result<Self> {
        let wrong = |why| Error::damaged("an index table", why);
        let header = file.get(..HEADER_BYTES as usize).ok_or_else(|| wrong("it is too short"))?;
        let number = |at: usize| read_u64(&header[at..]);
        let layout = Self::new(Counts { segments: number(16), packs: number(24), frames: number(32), chunks: number(40) })?;
        if layout.file_bytes != file.len() as u64 {
            return Err(wrong("it has another length than its header says"));
        }
        // The length fits, so the prelude lies inside the file and no claim is beyond what is there.
        let prelude = &file[HEADER_BYTES as usize..layout.prelude_end() as usize];
        // Writing the header again checks magic, version, zeros and both hashes at once.
        if layout.header(prelude) != header {
            return Err(wrong("its header does not fit it"));
        }
        Ok(layout)
    }
}

/// The checksum of a block.
pub(super) fn block_checksum(block: &[u8]) -> [u8; CHECKSUM_BYTES as usize] {
    let hash = blake3::hash(block);
    let mut checksum = [0; CHECKSUM_BYTES as usize];
    checksum.copy_from_slice(&hash.as_bytes()[..CHECKSUM_BYTES as usize]);
    checksum
}

/// The u32 at the beginning of `bytes`, which has at least four.
pub(super) fn read_u32(bytes: &[u8]) -> u32 {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

/// The u64 at the beginning of `bytes`, which has at least eight.
pub(super) fn read_u64(bytes: &[u8]) -> u64 {
    u64::from(read_u32(bytes)) | u64::from(read_u32(&bytes[4..])) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_follow_each_other_and_a_hundred_million_chunks_take_under_five_gigabytes() {
        let counts = Counts { segments: 400, packs: 200_000, frames: 6_000_000, chunks: 100_000_000 };
        let layout = Layout::new(counts).unwrap();
        let mut end = layout.prelude_end();
        for extent in layout.extents {
            assert!(extent.begin >= end && extent.begin < end + 64 && extent.begin % 64 == 0);
            end = extent.begin + extent.bytes;
        }
        assert_eq!(end, layout.file_bytes);
        assert!(layout.file_bytes < 5_000_000_000);
        // What opening reads: checksums, segment ids and pack rows.
        assert!(layout.extent(Section::Frames).begin < 16 << 20);
    }

    #[test]
    fn the_filter_has_ten_bits_a_chunk_and_a_bucket_32_to_64_rows() {
        for chunks in [1_000u64, 65_536, 1_000_000] {
            let layout = Layout::new(Counts { chunks, ..Counts::default() }).unwrap();
            assert!(layout.filter_blocks * 512 < chunks * 10 + 512);
            assert!((32..64).contains(&(chunks >> layout.fan_out_bits)));
        }
    }

    #[test]
    fn counts_beyond_row_numbers_are_refused() {
        assert!(Layout::new(Counts { chunks: 1 << 32, ..Counts::default() }).is_err());
    }
}
