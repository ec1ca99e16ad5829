//! Reads frames and verifies every chunk in them.
//!
//! Each thread has two buffers that it uses again and again: a check touches every byte once, and
//! memory that is taken and given back for each frame would cost more than the cipher.

use std::ops::{Deref, DerefMut, Range};
use std::sync::{Mutex, PoisonError};

use super::damage::{Damage, is_bad_pack};
use crate::error::Result;
use crate::id::PackId;
use crate::pack::{FRAME_PLAIN_BYTES_MAX, FRAME_SEALED_BYTES_MAX, FrameEntry, FramePlace, PackKeys, PackKind};
use crate::repository::Repository;
use crate::storage::{REQUEST_BYTES_MAX, Share, waits_for_answers};

/// Gaps between frames are hashed in pieces of this length.
const PIECE_BYTES: u64 = 1 << 20;

/// Buffers of one thread.
#[derive(Default)]
pub struct Scratch {
    sealed: Vec<u8>,
    plain: Vec<u8>,
    /// What was read at once, where a request costs more than bytes, and where it begins.
    ahead: Vec<u8>,
    ahead_begin: u64,
}

/// The buffers while they are used. Where many requests are under way, long ones are given back afterwards: nobody's
/// share has room for what lies idle.
struct Fitting<'s> {
    scratch: &'s mut Scratch,
    keeps_all: bool,
}

impl<'s> Fitting<'s> {
    fn new(scratch: &'s mut Scratch, repository: &Repository) -> Self {
        Self { scratch, keeps_all: !waits_for_answers(&**repository.storage()) }
    }
}

impl Deref for Fitting<'_> {
    type Target = Scratch;

    fn deref(&self) -> &Scratch {
        self.scratch
    }
}

impl DerefMut for Fitting<'_> {
    fn deref_mut(&mut self) -> &mut Scratch {
        self.scratch
    }
}

impl Drop for Fitting<'_> {
    fn drop(&mut self) {
        let Scratch { sealed, plain, ahead, .. } = &mut *self.scratch;
        for buffer in [sealed, plain, ahead].into_iter().filter(|buffer| !self.keeps_all && buffer.capacity() as u64 > REQUEST_BYTES_MAX) {
            *buffer = Vec::new();
        }
    }
}

/// What was read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Read {
    /// Frames.
    pub frames: u64,
    /// Their stored bytes.
    pub bytes: u64,
    /// Chunks in them.
    pub chunks: u64,
    /// Whether all of them were whole.
    pub is_whole: bool,
}

/// A pack whose frames are to be read.
pub struct OpenPack<'a> {
    pub repository: &'a Repository,
    pub id: PackId,
    pub name: &'a str,
    pub keys: &'a PackKeys,
    pub frames: &'a [FrameEntry],
    pub damage: &'a Mutex<Damage>,
}

impl OpenPack<'_> {
    /// Reads the frames with these numbers, in this order, and verifies them.
    ///
    /// # Errors
    /// Those of the storage that are no damage.
    pub fn read_frames(&self, numbers: &[u32], scratch: &mut Scratch) -> Result<Read> {
        let mut read = Read { is_whole: true, ..Read::default() };
        let _share = self.share(numbers);
        let scratch = &mut *Fitting::new(scratch, self.repository);
        scratch.ahead.clear();
        let end = numbers.iter().map(|number| end_of(&self.frames[*number as usize])).max().unwrap_or_default();
        for number in numbers {
            let entry = &self.frames[*number as usize];
            match self.fetch(entry, end, scratch) {
                Ok(()) => self.verify(*number, scratch, &mut read),
                Err(error) if is_bad_pack(&error) => self.note_frame(*number, &error.to_string(), &mut read),
                Err(error) => return Err(error),
            }
        }
        Ok(read)
    }

    /// Reads the whole pack once, from its first byte to its last, verifies its frames, numbered
    /// `order` by their offsets, and then its name. Where nothing is sealed only the name vouches for
    /// what lies between the frames, and for lengths and ids.
    ///
    /// # Errors
    /// Those of the storage that are no damage.
    pub fn read_whole(&self, order: &[u32], pack_bytes: u64, scratch: &mut Scratch) -> Result<Read> {
        let mut read = Read { is_whole: true, ..Read::default() };
        let _share = self.share(order);
        let scratch = &mut *Fitting::new(scratch, self.repository);
        let mut hasher = blake3::Hasher::new();
        let mut at = 0;
        scratch.ahead.clear();
        let mut walk = || -> Result<()> {
            for number in order {
                let entry = &self.frames[*number as usize];
                self.hash_gap(at..entry.offset, pack_bytes, &mut hasher, scratch)?;
                self.fetch(entry, pack_bytes, scratch)?;
                hasher.update(&scratch.sealed[..entry.sealed_bytes as usize]);
                self.verify(*number, scratch, &mut read);
                at = entry.offset + u64::from(entry.sealed_bytes);
            }
            self.hash_gap(at..pack_bytes, pack_bytes, &mut hasher, scratch)
        };
        let problem = match walk() {
            Ok(()) if hasher.finalize().as_bytes() == &self.id.0 => return Ok(read),
            Ok(()) => "its bytes do not have the hash that is its name".to_owned(),
            Err(error) if is_bad_pack(&error) => {
                // The rest of the frames is still looked at, one by one.
                let rest = order.iter().copied().skip_while(|number| self.frames[*number as usize].offset < at);
                read = add(read, self.read_frames(&rest.collect::<Vec<_>>(), scratch)?);
                error.to_string()
            }
            Err(error) => return Err(error),
        };
        self.lock().add_pack(self.id, problem);
        read.is_whole = false;
        Ok(read)
    }

    /// The right to have what is read of these frames in memory: one sealed and plain, and what is read along.
    fn share(&self, numbers: &[u32]) -> Option<Share<'_>> {
        let frames = || numbers.iter().map(|number| &self.frames[*number as usize]);
        let sealed = frames().map(|entry| u64::from(entry.sealed_bytes.min(FRAME_SEALED_BYTES_MAX))).max().unwrap_or_default();
        let plain = frames().map(|entry| u64::from(entry.plain_bytes.min(FRAME_PLAIN_BYTES_MAX))).max().unwrap_or_default();
        self.repository.objects().share_memory(sealed + plain + sealed.max(REQUEST_BYTES_MAX))
    }

    fn hash_gap(&self, mut gap: Range<u64>, until: u64, hasher: &mut blake3::Hasher, scratch: &mut Scratch) -> Result<()> {
        while gap.start < gap.end {
            let piece = (gap.end - gap.start).min(PIECE_BYTES);
            hasher.update(self.read(gap.start, piece as usize, until, scratch)?);
            gap.start += piece;
        }
        Ok(())
    }

    fn fetch(&self, entry: &FrameEntry, until: u64, scratch: &mut Scratch) -> Result<()> {
        // Directories and segments were checked when they were decoded; this only bounds the memory.
        let bytes = entry.sealed_bytes.min(FRAME_SEALED_BYTES_MAX) as usize;
        self.read(entry.offset, bytes, until, scratch).map(|_| ())
    }

    /// Reads so many bytes into the buffer for sealed ones. What follows up to `until` is read next: where a request
    /// costs more than bytes, much of it is read along.
    fn read<'s>(&self, begin: u64, bytes: usize, until: u64, scratch: &'s mut Scratch) -> Result<&'s [u8]> {
        let storage = self.repository.storage();
        let Scratch { sealed, ahead, ahead_begin, .. } = scratch;
        let room = room(sealed, bytes);
        if storage.properties().gap_bytes > 0 {
            let at = |ahead_begin: u64| begin.checked_sub(ahead_begin).and_then(|at| usize::try_from(at).ok());
            let is_there = |ahead: &[u8], ahead_begin| at(ahead_begin).is_some_and(|at| at.saturating_add(bytes) <= ahead.len());
            if !is_there(ahead, *ahead_begin) {
                let end = until.min(begin.saturating_add(REQUEST_BYTES_MAX)).max(begin.saturating_add(bytes as u64));
                ahead.clear();
                ahead.resize((end - begin) as usize, 0);
                *ahead_begin = begin;
                if storage.read_range(self.name, begin, ahead).is_err() {
                    // What cannot be read is told by the frame.
                    ahead.clear();
                }
            }
            if let Some(at) = at(*ahead_begin).filter(|_| is_there(ahead, *ahead_begin)) {
                room.copy_from_slice(&ahead[at..at + bytes]);
                return Ok(room);
            }
        }
        storage.read_range(self.name, begin, room)?;
        Ok(room)
    }

    /// Verifies the frame whose stored bytes are in `scratch`.
    fn verify(&self, number: u32, scratch: &mut Scratch, read: &mut Read) {
        let entry = &self.frames[number as usize];
        let place = FramePlace {
            number,
            offset: entry.offset,
            sealed_bytes: entry.sealed_bytes,
            plain_bytes: entry.plain_bytes,
            codec: entry.codec,
        };
        let sealed = &mut scratch.sealed[..entry.sealed_bytes as usize];
        let plain = match self.keys.open_frame(self.name, &place, sealed, &mut scratch.plain) {
            Ok(plain) => plain,
            Err(error) => return self.note_frame(number, &error.to_string(), read),
        };
        let identify = &self.repository.keys().identify;
        let mut at = 0;
        for chunk in &entry.chunks {
            let end = at + chunk.bytes as usize;
            let id = plain.get(at..end).map(|plain| match self.keys.kind() {
                PackKind::Data => identify.data_chunk(plain),
                PackKind::Meta => identify.meta_chunk(plain),
            });
            if id != Some(chunk.id) {
                let problem = format!("chunk {} in frame {number} has other bytes than its id says", chunk.id.short());
                self.lock().add_chunk(self.id, number, at as u32, problem);
                read.is_whole = false;
            }
            at = end;
        }
        read.frames += 1;
        read.bytes += u64::from(entry.sealed_bytes);
        read.chunks += entry.chunks.len() as u64;
    }

    fn note_frame(&self, number: u32, problem: &str, read: &mut Read) {
        self.lock().add_frame(self.id, number, problem);
        read.is_whole = false;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Damage> {
        // Sets of finished answers, whole at any time.
        self.damage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The sum of two readings.
pub fn add(a: Read, b: Read) -> Read {
    Read { frames: a.frames + b.frames, bytes: a.bytes + b.bytes, chunks: a.chunks + b.chunks, is_whole: a.is_whole && b.is_whole }
}

/// Where the stored bytes of a frame end.
fn end_of(entry: &FrameEntry) -> u64 {
    entry.offset.saturating_add(u64::from(entry.sealed_bytes))
}

/// Numbers of frames in the order of their offsets, so that a disk streams.
pub fn order_by_offset(frames: &[FrameEntry]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..frames.len() as u32).collect();
    order.sort_unstable_by_key(|number| frames[*number as usize].offset);
    order
}

/// The first `bytes` of a buffer, which grows if need be.
fn room(buffer: &mut Vec<u8>, bytes: usize) -> &mut [u8] {
    if buffer.len() < bytes {
        buffer.resize(bytes, 0);
    }
    &mut buffer[..bytes]
}
