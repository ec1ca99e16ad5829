//! One immutable table: look-ups by chunk id over a mapped file, verified block by block.
//!
//! Header, checksums, segment ids and pack rows are verified when a table is opened; they are about
//! a thousandth of it. Every other block is verified when it is first touched, so opening costs
//! nothing that grows with chunk rows and damage is found before it is used. A table with a wrong
//! block answers with an error from then on, its file is removed, and the next open makes it anew.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::filter;
use super::layout::{
    BLOCK_BYTES, CHECKSUM_BYTES, CHUNK_ROW_BYTES, Counts, FILTER_BLOCK_BYTES, FRAME_ROW_BYTES, HEADER_BYTES, Layout, PACK_ROW_BYTES,
    SEGMENT_ROW_BYTES, Section, block_checksum, read_u32,
};
use super::mapping::TableBytes;
use super::rows::{ChunkRow, FrameRow, PackRow, read_id};
use super::search::first_not_before;
use crate::error::{Error, Result};
use crate::id::{ChunkId, SegmentId};

/// An opened table.
#[derive(Debug)]
pub(super) struct Table {
    bytes: TableBytes,
    layout: Layout,
    /// Where its file is; none for a table in memory.
    path: Option<PathBuf>,
    /// One bit for each block that was compared with its checksum.
    verified: Vec<AtomicU64>,
    is_damaged: AtomicBool,
}

impl Table {
    /// Opens a table file.
    ///
    /// # Errors
    /// `Damaged` when it cannot be used, else those of the operating system.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| Error::io("cannot open", path.display(), error))?;
        Self::from_file(&file, path.to_owned())
    }

    /// A table over an open file that stands at `path`.
    ///
    /// # Errors
    /// As [`Table::open`].
    pub fn from_file(file: &File, path: PathBuf) -> Result<Self> {
        match TableBytes::map(file) {
            Ok(bytes) => Self::from_bytes(bytes, Some(path)),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Err(Error::damaged(format!("index table {}", path.display()), "it is no table file of this user"))
            }
            Err(error) => Err(Error::io("cannot map", path.display(), error)),
        }
    }

    /// A table over bytes that hold one.
    ///
    /// # Errors
    /// `Damaged`.
    pub fn from_bytes(bytes: TableBytes, path: Option<PathBuf>) -> Result<Self> {
        let layout = Layout::read(&bytes)?;
        let words = layout.blocks.div_ceil(64) as usize;
        // Memory that was just written needs no second look.
        let fill = if bytes.is_memory() { u64::MAX } else { 0 };
        let verified = (0..words).map(|_| AtomicU64::new(fill)).collect();
        let table = Self { bytes, layout, path, verified, is_damaged: AtomicBool::new(false) };
        if !table.segments().is_sorted() {
            return Err(table.damage("its segments are not in order"));
        }
        for row in 0..table.pack_count() {
            table.read_pack(row)?;
        }
        Ok(table)
    }

    /// The segments it covers, sorted.
    pub fn segments(&self) -> impl Iterator<Item = SegmentId> + '_ {
        // The prelude was found inside the file when the table was opened.
        let ids = &self.bytes[self.layout.segments_begin as usize..self.layout.prelude_end() as usize];
        ids.chunks_exact(SEGMENT_ROW_BYTES as usize).map(|id| SegmentId(read_id(id)))
    }

    /// How much it holds.
    pub fn counts(&self) -> Counts {
        self.layout.counts
    }

    /// How many pack rows it has.
    pub fn pack_count(&self) -> u32 {
        self.layout.counts.packs as u32 // below 2^32, see `Layout::new`
    }

    /// How many frame rows it has.
    pub fn frame_count(&self) -> u32 {
        self.layout.counts.frames as u32 // below 2^32, see `Layout::new`
    }

    /// How many chunk rows it has.
    pub fn chunk_count(&self) -> u32 {
        self.layout.counts.chunks as u32 // below 2^32, see `Layout::new`
    }

    /// How long it is.
    pub fn file_bytes(&self) -> u64 {
        self.layout.file_bytes
    }

    /// Where its file is.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// True once a wrong block was met.
    pub fn is_damaged(&self) -> bool {
        self.is_damaged.load(Ordering::Relaxed)
    }

    /// The pack row `row`.
    ///
    /// # Errors
    /// `Damaged`; not for rows below `pack_count`, all of which were read when the table was opened.
    pub fn read_pack(&self, row: u32) -> Result<PackRow> {
        let bytes = self.read(Section::Packs, u64::from(row) * PACK_ROW_BYTES, PACK_ROW_BYTES)?;
        PackRow::decode(bytes).ok_or_else(|| self.damage("a pack is of no known kind"))
    }

    /// The frame row `row`.
    ///
    /// # Errors
    /// `Damaged`.
    pub fn read_frame(&self, row: u32) -> Result<FrameRow> {
        let bytes = self.read(Section::Frames, u64::from(row) * FRAME_ROW_BYTES, FRAME_ROW_BYTES)?;
        let frame = FrameRow::decode(bytes);
        if frame.pack < self.pack_count() { Ok(frame) } else { Err(self.damage("a frame is in no pack")) }
    }

    /// The chunk row `row`.
    ///
    /// # Errors
    /// `Damaged`.
    pub fn read_chunk(&self, row: u32) -> Result<ChunkRow> {
        let bytes = self.read(Section::Chunks, u64::from(row) * CHUNK_ROW_BYTES, CHUNK_ROW_BYTES)?;
        Ok(ChunkRow::decode(bytes))
    }

    /// True when the filter lets `id` pass: it may be here.
    ///
    /// # Errors
    /// `Damaged`.
    pub fn may_contain(&self, id: &ChunkId) -> Result<bool> {
        if self.is_damaged() {
            return Err(self.damage("a block is not what was written"));
        }
        if self.chunk_count() == 0 {
            return Ok(false);
        }
        let block = filter::block_of(id, self.layout.filter_blocks);
        Ok(filter::may_contain(self.read(Section::Filter, block * FILTER_BLOCK_BYTES, FILTER_BLOCK_BYTES)?, id))
    }

    /// Gives every row of `id` to `each` until it returns false.
    ///
    /// # Errors
    /// `Damaged`, and those of `each`.
    pub fn for_each_row(&self, id: &ChunkId, mut each: impl FnMut(ChunkRow) -> Result<bool>) -> Result<()> {
        let (low, end) = self.find(id)?;
        for row in low..end {
            let chunk = self.read_chunk(row)?;
            if chunk.id != *id || !each(chunk)? {
                break;
            }
        }
        Ok(())
    }

    /// The first row of `id`, with its number.
    ///
    /// # Errors
    /// `Damaged`.
    pub fn first_row(&self, id: &ChunkId) -> Result<Option<(u32, ChunkRow)>> {
        let (low, end) = self.find(id)?;
        if low >= end {
            return Ok(None);
        }
        let chunk = self.read_chunk(low)?;
        Ok((chunk.id == *id).then_some((low, chunk)))
    }

    /// Where rows of `id` begin, if there are any, and where they must have ended.
    fn find(&self, id: &ChunkId) -> Result<(u32, u32)> {
        if !self.may_contain(id)? {
            return Ok((0, 0));
        }
        let bucket = bucket_of(id, self.layout.fan_out_bits);
        let bounds = self.read(Section::FanOut, bucket * 4, 8)?;
        let (begin, end) = (read_u32(bounds), read_u32(&bounds[4..]));
        if begin > end || end > self.chunk_count() {
            return Err(self.damage("its fan-out is not in order"));
        }
        // The bits behind those that chose the bucket say where in it.
        let guess = filter::leading_bits(id) << self.layout.fan_out_bits;
        let low = first_not_before(begin, end, guess, |row| Ok(self.read_chunk(row)?.id < *id))?;
        Ok((low, end))
    }

    /// Reads from a section, after comparing the blocks it touches with their checksums.
    fn read(&self, section: Section, at: u64, length: u64) -> Result<&[u8]> {
        let extent = self.layout.extent(section);
        // Row numbers are 32 bits wide, so `at` and the sum cannot wrap.
        if at + length > extent.bytes {
            return Err(self.damage("a row points outside"));
        }
        for block in at / BLOCK_BYTES..=(at + length - 1) / BLOCK_BYTES {
            let number = extent.first_block + block;
            let (word, bit) = (&self.verified[(number / 64) as usize], 1 << (number % 64));
            if word.load(Ordering::Relaxed) & bit == 0 {
                self.verify(section, block)?;
                word.fetch_or(bit, Ordering::Relaxed);
            }
        }
        let begin = (extent.begin + at) as usize;
        Ok(&self.bytes[begin..begin + length as usize])
    }

    #[cold]
    fn verify(&self, section: Section, block: u64) -> Result<()> {
        let extent = self.layout.extent(section);
        let begin = block * BLOCK_BYTES;
        let end = (begin + BLOCK_BYTES).min(extent.bytes);
        let bytes = &self.bytes[(extent.begin + begin) as usize..(extent.begin + end) as usize];
        let checksum = HEADER_BYTES + (extent.first_block + block) * CHECKSUM_BYTES;
        let checksum = &self.bytes[checksum as usize..(checksum + CHECKSUM_BYTES) as usize];
        if block_checksum(bytes) == checksum { Ok(()) } else { Err(self.damage("a block is not what was written")) }
    }

    /// Takes the table out of use: from now on it answers nothing, and its file goes, so that the
    /// next open makes it anew.
    #[cold]
    fn damage(&self, why: &str) -> Error {
        if !self.is_damaged.swap(true, Ordering::Relaxed) {
            self.remove_file();
        }
        match &self.path {
            Some(path) => Error::damaged(format!("index table {}", path.display()), why),
            None => Error::damaged("an index table in memory", why),
        }
    }

    /// How many blocks were compared with their checksums so far.
    #[cfg(test)]
    pub fn verified_blocks(&self) -> u64 {
        self.verified.iter().map(|word| u64::from(word.load(Ordering::Relaxed).count_ones())).sum()
    }

    /// Removes its file; the mapping stays whole as long as the table is held.
    pub fn remove_file(&self) {
        if let Some(path) = &self.path {
            // Best effort: a file that stays is found damaged or superseded by the next open.
            let _ = fs::remove_file(path);
        }
    }
}

/// The bucket of `id` when `bits` leading bits choose it.
pub(super) fn bucket_of(id: &ChunkId, bits: u32) -> u64 {
    // A shift by all 64 bits is not defined, so the first is done apart.
    filter::leading_bits(id) >> 1 >> (63 - bits)
}
