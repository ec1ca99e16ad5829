//! Writes tables: rows arrive in order and leave through one small buffer for each section.
//!
//! The counts are known beforehand, so every section has its place from the start, and filter and
//! fan-out follow from the sorted rows as they pass. A table of any size is written in constant
//! memory (checksums apart: a thousandth of it), into a file of the cache folder or into memory.

use std::path::Path;

use super::filter;
use super::folder::{PartialFile, table_name};
use super::layout::{BLOCK_BYTES, CHECKSUM_BYTES, Counts, HEADER_BYTES, Layout, Section, block_checksum};
use super::mapping::TableBytes;
use super::rows::{ChunkRow, FrameRow, PackRow};
use super::segment::IndexSegment;
use super::table::{Table, bucket_of};
use crate::error::{Error, ErrorKind, Result};
use crate::id::SegmentId;

/// Builds the table of one segment, in `folder` or in memory.
///
/// # Errors
/// `Damaged` when the segment contradicts itself; those of the operating system when the file
/// cannot be written.
pub(super) fn build_table(folder: Option<&Path>, id: SegmentId, segment: &IndexSegment) -> Result<Table> {
    segment.check()?;
    let frames: usize = segment.packs.iter().map(|pack| pack.frames.len()).sum();
    let mut chunks = Vec::with_capacity(segment.chunk_count() as usize);
    let counts = Counts { segments: 1, packs: segment.packs.len() as u64, frames: frames as u64, chunks: segment.chunk_count() };
    let mut writer = TableWriter::create(folder, &[id], counts)?;
    let mut frame_row = 0u32; // below the count that `create` accepted
    for (pack_row, pack) in segment.packs.iter().enumerate() {
        writer.push_pack(&PackRow { id: pack.id, bytes: pack.bytes, kind: pack.kind })?;
        for (number, frame) in pack.frames.iter().enumerate() {
            let (pack, number) = (pack_row as u32, number as u32);
            let (offset, codec) = (frame.offset, frame.codec);
            writer.push_frame(&FrameRow {
                pack,
                number,
                offset,
                codec,
                sealed_bytes: frame.sealed_bytes,
                plain_bytes: frame.plain_bytes,
            })?;
            let mut offset = 0;
            for chunk in &frame.chunks {
                chunks.push(ChunkRow { id: chunk.id, frame: frame_row, offset, bytes: chunk.bytes });
                offset += chunk.bytes; // at most `plain_bytes`, checked above
            }
            frame_row += 1;
        }
    }
    chunks.sort_unstable();
    for chunk in &chunks {
        writer.push_chunk(chunk)?;
    }
    writer.finish()
}

/// A table that is being written.
#[derive(Debug)]
pub(super) struct TableWriter {
    layout: Layout,
    target: Target,
    segments: Vec<SegmentId>,
    sections: [SectionWriter; Section::COUNT],
    checksums: Vec<u8>,
    /// Chunk rows written so far.
    rows: u32,
    /// The first bucket whose beginning is not written yet.
    next_bucket: u64,
    filter_block: [u8; filter::BLOCK_BYTES],
    filter_at: u64,
}

#[derive(Debug)]
enum Target {
    Memory(Vec<u8>),
    File(PartialFile),
}

impl Target {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        match self {
            Target::Memory(memory) => memory[offset as usize..][..bytes.len()].copy_from_slice(bytes),
            Target::File(file) => file.write_at(offset, bytes)?,
        }
        Ok(())
    }
}

/// What waits to become a block of one section.
#[derive(Debug, Default)]
struct SectionWriter {
    block: Vec<u8>,
    /// What has become blocks.
    written_bytes: u64,
}

impl TableWriter {
    /// Begins the table of `segments` (sorted) with exactly these counts.
    ///
    /// # Errors
    /// `Invalid` for counts beyond 2^32; those of the operating system.
    pub fn create(folder: Option<&Path>, segments: &[SegmentId], counts: Counts) -> Result<Self> {
        let layout = Layout::new(counts)?;
        let target = match folder {
            Some(folder) => Target::File(PartialFile::create(folder, layout.file_bytes)?),
            None => Target::Memory(vec![0; layout.file_bytes as usize]),
        };
        Ok(Self {
            target,
            segments: segments.to_vec(),
            sections: Default::default(),
            checksums: vec![0; (layout.blocks * CHECKSUM_BYTES) as usize],
            rows: 0,
            next_bucket: 0,
            filter_block: [0; filter::BLOCK_BYTES],
            filter_at: 0,
            layout,
        })
    }

    /// Adds the next pack row.
    ///
    /// # Errors
    /// Those of the operating system, as for every `push`.
    pub fn push_pack(&mut self, pack: &PackRow) -> Result<()> {
        self.append(Section::Packs, &pack.encode())
    }

    /// Adds the next frame row; its pack must have come.
    pub fn push_frame(&mut self, frame: &FrameRow) -> Result<()> {
        self.append(Section::Frames, &frame.encode())
    }

    /// Adds the next chunk row; ids must not descend.
    pub fn push_chunk(&mut self, chunk: &ChunkRow) -> Result<()> {
        self.fill_fan_out(bucket_of(&chunk.id, self.layout.fan_out_bits) + 1)?;
        self.fill_filter(filter::block_of(&chunk.id, self.layout.filter_blocks))?;
        filter::insert(&mut self.filter_block, &chunk.id);
        self.rows += 1;
        self.append(Section::Chunks, &chunk.encode())
    }

    /// Completes the table and opens it.
    ///
    /// # Errors
    /// `Invalid` when the rows are not as many as were announced; those of the operating system.
    pub fn finish(mut self) -> Result<Table> {
        self.fill_fan_out((1 << self.layout.fan_out_bits) + 1)?;
        self.fill_filter(self.layout.filter_blocks)?;
        for section in [Section::Packs, Section::Frames, Section::FanOut, Section::Filter, Section::Chunks] {
            self.write_block(section)?;
            if self.sections[section as usize].written_bytes != self.layout.extent(section).bytes {
                return Err(Error::new(ErrorKind::Invalid, "an index table got other rows than were announced"));
            }
        }
        let mut prelude = std::mem::take(&mut self.checksums);
        for segment in &self.segments {
            prelude.extend(segment.0);
        }
        self.target.write_at(HEADER_BYTES, &prelude)?;
        self.target.write_at(0, &self.layout.header(&prelude))?;
        match self.target {
            Target::Memory(bytes) => Table::from_bytes(TableBytes::Memory(bytes), None),
            Target::File(file) => {
                let (file, path) = file.publish(&table_name(&self.segments))?;
                Table::from_file(&file, path)
            }
        }
    }

    /// Writes the beginnings of all buckets below `end`: the row that comes next.
    fn fill_fan_out(&mut self, end: u64) -> Result<()> {
        while self.next_bucket < end {
            self.next_bucket += 1;
            self.append(Section::FanOut, &self.rows.to_le_bytes())?;
        }
        Ok(())
    }

    /// Writes filter blocks until `block` is the open one.
    fn fill_filter(&mut self, block: u64) -> Result<()> {
        while self.filter_at < block {
            self.filter_at += 1;
            let full = std::mem::replace(&mut self.filter_block, [0; filter::BLOCK_BYTES]);
            self.append(Section::Filter, &full)?;
        }
        Ok(())
    }

    fn append(&mut self, section: Section, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let block = &mut self.sections[section as usize].block;
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK_BYTES as usize - block.len()));
            block.extend_from_slice(now);
            bytes = later;
            if block.len() as u64 == BLOCK_BYTES {
                self.write_block(section)?;
            }
        }
        Ok(())
    }

    fn write_block(&mut self, section: Section) -> Result<()> {
        let extent = self.layout.extent(section);
        let writer = &mut self.sections[section as usize];
        let begin = writer.written_bytes;
        if writer.block.is_empty() {
            return Ok(());
        }
        if begin + writer.block.len() as u64 > extent.bytes {
            return Err(Error::new(ErrorKind::Invalid, "an index table got more rows than were announced"));
        }
        let checksum = ((extent.first_block + begin / BLOCK_BYTES) * CHECKSUM_BYTES) as usize;
        self.checksums[checksum..checksum + CHECKSUM_BYTES as usize].copy_from_slice(&block_checksum(&writer.block));
        self.target.write_at(extent.begin + begin, &writer.block)?;
        writer.written_bytes += writer.block.len() as u64;
        writer.block.clear();
        Ok(())
    }
}
