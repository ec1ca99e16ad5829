//! Gathers chunks into frames: what is compressed and sealed together.
//!
//! Each worker has a frame open for each class of content; pages of trees share one. A frame is closed before a chunk that
//! would make it longer than its class wants, and a long chunk travels alone:
//!
//! ```text
//! hash -> known or claimed by another? -> done
//!      -> long? -> a frame of its own
//!      -> no room in the open frame? -> compress, seal, append that -> join the open one
//! ```

use std::sync::atomic::Ordering;

use super::packs::PackSlot;
use super::{Sink, lock};
use crate::chunker::Class;
use crate::error::{Error, ErrorKind, Result};
use crate::id::ChunkId;
use crate::pack::{ChunkEntry, FRAME_PLAIN_BYTES_MAX, FrameEntry, FrameSeal, PackKind};

/// Frames of general content and small media are closed at so many plain bytes: enough for small
/// files to compress together, few enough to read one of them back quickly.
const FRAME_BYTES: usize = 2 << 20;
/// Frames of database pages: a night's change to one page should not cost a MiB to read back.
const DATABASE_FRAME_BYTES: usize = 256 << 10;
/// Database files are cut into chunks of this length.
const DATABASE_CHUNK_BYTES: u32 = 16 << 10;
/// Frames of tree pages.
const META_FRAME_BYTES: usize = 256 << 10;
/// A chunk of this length or more travels alone.
const ALONE_BYTES: usize = 512 << 10;

/// The frames that one worker has open, one for each class.
#[derive(Default)]
pub struct FrameGatherer {
    frames: [OpenFrame; 3],
}

#[derive(Default)]
pub(super) struct OpenFrame {
    plain: Vec<u8>,
    chunks: Vec<ChunkEntry>,
}

impl Sink {
    /// Hashes a chunk of file content and, when it is new, gathers it in `gatherer`.
    ///
    /// # Errors
    /// Those of the storage, of this chunk or of packs before it.
    pub fn store_data(&self, gatherer: &mut FrameGatherer, class: Class, plain: &[u8]) -> Result<ChunkId> {
        let id = self.objects().keys().identify.data_chunk(plain);
        if self.claim(&id) {
            self.counts.chunks_new.fetch_add(1, Ordering::Relaxed);
            self.counts.bytes_new.fetch_add(plain.len() as u64, Ordering::Relaxed);
            self.gather(&self.data, &mut gatherer.frames[class.number()], frame_bytes(class), id, plain)?;
        }
        Ok(id)
    }

    /// Hashes a tree page or list page and stores it when it is new, or known and not to be read.
    ///
    /// # Errors
    /// As [`Sink::store_data`].
    pub fn store_meta(&self, plain: &[u8]) -> Result<ChunkId> {
        let id = self.objects().keys().identify.meta_chunk(plain);
        if self.claim(&id) || self.claim_unreadable(&id) {
            self.gather(&self.meta, &mut lock(&self.meta_frame), META_FRAME_BYTES, id, plain)?;
        }
        Ok(id)
    }

    /// Stores a chunk again although it is known. The caller read it by its id, which is thereby
    /// verified, and moves it once.
    ///
    /// # Errors
    /// As [`Sink::store_data`].
    pub fn move_chunk(&self, gatherer: &mut FrameGatherer, kind: PackKind, class: Class, id: ChunkId, plain: &[u8]) -> Result<()> {
        match kind {
            PackKind::Data => self.gather(&self.data, &mut gatherer.frames[class.number()], frame_bytes(class), id, plain),
            PackKind::Meta => self.gather(&self.meta, &mut lock(&self.meta_frame), META_FRAME_BYTES, id, plain),
        }
    }

    /// Stores a frame of a pack of `kind` again as it is, still compressed. All its chunks are needed, and
    /// move with it.
    ///
    /// # Errors
    /// As [`Sink::store_data`].
    pub fn move_frame(&self, kind: PackKind, entry: &FrameEntry, packed: &[u8]) -> Result<()> {
        let slot = if kind == PackKind::Data { &self.data } else { &self.meta };
        let seal = |seal: &FrameSeal, number: u32, sealed: &mut Vec<u8>| {
            seal.seal_packed(number, packed, entry.codec, entry.plain_bytes, sealed);
            entry.codec
        };
        self.try_store_sealed(slot, entry.chunks.clone(), &seal).map_err(|error| self.fail(error))
    }

    /// Closes the frames that `gatherer` has open.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn flush(&self, gatherer: &mut FrameGatherer) -> Result<()> {
        gatherer.frames.iter_mut().try_for_each(|open| self.flush_frame(&self.data, open))
    }

    fn gather(&self, slot: &PackSlot, open: &mut OpenFrame, target_bytes: usize, id: ChunkId, plain: &[u8]) -> Result<()> {
        if self.is_dry {
            return Ok(());
        }
        if plain.len() > FRAME_PLAIN_BYTES_MAX as usize {
            // Nobody could read it back.
            let message = format!("a chunk of {} bytes is longer than frames are", plain.len());
            return Err(self.fail(Error::new(ErrorKind::Invalid, message)));
        }
        let chunk = ChunkEntry { id, bytes: plain.len() as u32 };
        if plain.len() >= ALONE_BYTES {
            return self.store_frame(slot, plain, vec![chunk]);
        }
        if open.plain.len() + plain.len() > target_bytes && !open.plain.is_empty() {
            self.flush_frame(slot, open)?;
        }
        open.plain.extend_from_slice(plain);
        open.chunks.push(chunk);
        Ok(())
    }

    pub(super) fn flush_frame(&self, slot: &PackSlot, open: &mut OpenFrame) -> Result<()> {
        if !open.chunks.is_empty() {
            let chunks = std::mem::take(&mut open.chunks);
            let outcome = self.store_frame(slot, &open.plain, chunks);
            // Cleared in any case: bytes without their entries would shift the chunks after them.
            open.plain.clear();
            outcome?;
        }
        Ok(())
    }

    fn store_frame(&self, slot: &PackSlot, plain: &[u8], chunks: Vec<ChunkEntry>) -> Result<()> {
        // The chunks were claimed: others count on them, whether they hear of this failure or not.
        self.try_store_frame(slot, plain, chunks).map_err(|error| self.fail(error))
    }

    fn try_store_frame(&self, slot: &PackSlot, plain: &[u8], chunks: Vec<ChunkEntry>) -> Result<()> {
        let level = self.compression_level;
        self.try_store_sealed(slot, chunks, &|seal, number, sealed| seal.seal(number, plain, level, sealed))
    }
}

/// The plain length at which frames of a class are closed.
fn frame_bytes(class: Class) -> usize {
    if class == Class::Database { DATABASE_FRAME_BYTES } else { FRAME_BYTES }
}

/// The class in which the chunks of a stored frame are gathered again: nothing says it, but only frames
/// of database pages are as short, of chunks as short.
pub fn class_of_frame(kind: PackKind, frame: &FrameEntry) -> Class {
    let is_database = kind == PackKind::Data
        && frame.plain_bytes as usize <= DATABASE_FRAME_BYTES
        && frame.chunks.iter().all(|chunk| chunk.bytes <= DATABASE_CHUNK_BYTES);
    if is_database { Class::Database } else { Class::General }
}
