//! Writes one pack: header, frames as they come, sealed directory, footer.
//!
//! Sealing happens outside, in parallel: a worker draws a frame number from [`FrameSeal`], seals its
//! frame with it, and hands the sealed bytes to [`PackWriter::append`]. The name of the pack is the
//! BLAKE3 of its bytes, computed as they are written.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::directory::{ChunkEntry, FrameEntry, PackDirectory, PackKind};
use super::header::ObjectKind;
use super::keys::KeyRing;
use super::reader::{FOOTER_MAGIC, FOOTER_VERSION};
use crate::codec;
use crate::crypto::{Algorithm, Associated, ObjectKey, Purpose};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{PackId, RunId};
use crate::storage::Upload;
use crate::wire;

/// The directory is ids, which do not compress, and small numbers, which do.
const DIRECTORY_LEVEL: i32 = 3;

/// What sealing the frames of one pack needs; shared by the workers.
pub struct FrameSeal {
    key: ObjectKey,
    algorithm: Algorithm,
    header_hash: [u8; 32],
    drawn: AtomicU32,
}

impl FrameSeal {
    /// Draws the number of the next frame. Every number drawn must be appended before the pack is
    /// finished.
    pub fn draw_number(&self) -> u32 {
        self.drawn.fetch_add(1, Ordering::Relaxed)
    }

    /// Compresses and seals `plain` as frame `number` into `buffer`, whose content is replaced, and
    /// returns the codec.
    pub fn seal(&self, number: u32, plain: &[u8], level: i32, buffer: &mut Vec<u8>) -> u16 {
        buffer.clear();
        buffer.resize(self.algorithm.nonce_bytes(), 0);
        let codec = codec::compress(plain, level, buffer);
        self.seal_buffer(number, codec, plain.len() as u64, buffer);
        codec
    }

    /// Seals what is compressed already as frame `number` into `buffer`, whose content is replaced: for a
    /// frame that moves from one pack to another as it is.
    pub fn seal_packed(&self, number: u32, packed: &[u8], codec: u16, plain_bytes: u32, buffer: &mut Vec<u8>) {
        buffer.clear();
        buffer.resize(self.algorithm.nonce_bytes(), 0);
        buffer.extend_from_slice(packed);
        self.seal_buffer(number, codec, u64::from(plain_bytes), buffer);
    }

    fn seal_buffer(&self, number: u32, codec: u16, plain_bytes: u64, buffer: &mut Vec<u8>) {
        let (header_hash, number) = (self.header_hash, u64::from(number));
        self.key.seal(&Associated { header_hash, purpose: Purpose::Frame, number, codec, plain_bytes }, buffer);
    }
}

/// A pack that is being written.
pub struct PackWriter {
    upload: Box<dyn Upload>,
    hasher: blake3::Hasher,
    bytes: u64,
    data_begin: u64,
    /// By number; a number that was drawn and not yet appended is `None`.
    frames: Vec<Option<FrameEntry>>,
    appended: u32,
    directory_bytes: u64,
    seal: Arc<FrameSeal>,
    directory_key: ObjectKey,
}

/// A pack that is complete and has its name.
#[derive(Clone, Debug)]
pub struct FinishedPack {
    /// Its name.
    pub id: PackId,
    /// Its length.
    pub bytes: u64,
    /// Where frames begin.
    pub data_begin: u64,
    /// Where frames end and the directory begins.
    pub data_end: u64,
    /// Its frames.
    pub frames: Vec<FrameEntry>,
}

impl PackWriter {
    /// Begins a pack of `kind` in `upload`.
    ///
    /// # Errors
    /// Those of the storage; `Other` when the operating system has no random numbers.
    pub fn create(keys: &KeyRing, kind: PackKind, run: RunId, upload: Box<dyn Upload>) -> Result<Self> {
        let object_kind = match kind {
            PackKind::Data => ObjectKind::DataPack,
            PackKind::Meta => ObjectKind::MetaPack,
        };
        let (header, key) = keys.new_object(object_kind, run, Purpose::Frame)?;
        let directory_key = keys.object_key(&header, Purpose::Directory, "a new pack")?;
        let header = header.encode();
        let seal = FrameSeal { key, algorithm: keys.algorithm, header_hash: *blake3::hash(&header).as_bytes(), drawn: AtomicU32::new(0) };
        let mut writer = Self {
            upload,
            hasher: blake3::Hasher::new(),
            bytes: 0,
            data_begin: header.len() as u64,
            frames: Vec::new(),
            appended: 0,
            directory_bytes: 0,
            seal: Arc::new(seal),
            directory_key,
        };
        writer.write(&header)?;
        Ok(writer)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        self.upload.write(bytes)
    }

    /// How many bytes were written so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many plain bytes its directory will have, but for a few.
    pub fn directory_bytes(&self) -> u64 {
        self.directory_bytes
    }

    /// What the frames of this pack are sealed with.
    pub fn seal(&self) -> Arc<FrameSeal> {
        Arc::clone(&self.seal)
    }

    /// Adds the sealed frame `number`.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn append(&mut self, number: u32, sealed: &[u8], codec: u16, chunks: Vec<ChunkEntry>) -> Result<()> {
        let plain_bytes = chunks.iter().map(|chunk| chunk.bytes).sum();
        let entry = FrameEntry { offset: self.bytes, sealed_bytes: sealed.len() as u32, plain_bytes, codec, chunks };
        let at = number as usize;
        if self.frames.len() <= at {
            self.frames.resize_with(at + 1, || None);
        }
        self.directory_bytes += entry.encoded_bytes();
        self.frames[at] = Some(entry);
        self.appended += 1;
        self.write(sealed)
    }

    /// True when every number that was drawn was appended.
    pub fn is_complete(&self) -> bool {
        self.appended == self.seal.drawn.load(Ordering::Relaxed)
    }

    /// Writes directory and footer, makes the pack durable and gives it its name, as `name` says it.
    /// Every frame drawn must have been appended.
    ///
    /// # Errors
    /// Those of the storage; `Invalid` when a frame is missing.
    pub fn finish(mut self, name: &dyn Fn(&PackId) -> String) -> Result<FinishedPack> {
        // Its number is its place: with one missing, none behind it could be opened.
        if !self.is_complete() || self.frames.iter().any(Option::is_none) {
            return Err(Error::new(ErrorKind::Invalid, "a frame of the pack was drawn and never written"));
        }
        let data_end = self.bytes;
        let directory = PackDirectory { frames: std::mem::take(&mut self.frames).into_iter().flatten().collect(), ..Default::default() };
        let plain = wire::encode(&directory);
        let mut sealed = vec![0; self.seal.algorithm.nonce_bytes()];
        let codec = codec::compress(&plain, DIRECTORY_LEVEL, &mut sealed);
        let plain_bytes = plain.len() as u64;
        let associated = Associated { header_hash: self.seal.header_hash, purpose: Purpose::Directory, number: 0, codec, plain_bytes };
        self.directory_key.seal(&associated, &mut sealed);
        let mut footer = Vec::new();
        footer.extend_from_slice(&(sealed.len() as u64).to_le_bytes());
        footer.extend_from_slice(&plain_bytes.to_le_bytes());
        footer.extend_from_slice(&codec.to_le_bytes());
        footer.extend_from_slice(&FOOTER_VERSION.to_le_bytes());
        footer.extend_from_slice(&0u32.to_le_bytes());
        footer.extend_from_slice(FOOTER_MAGIC);
        self.write(&sealed)?;
        self.write(&footer)?;
        let id = PackId(*self.hasher.finalize().as_bytes());
        self.upload.publish(&name(&id))?;
        Ok(FinishedPack { id, bytes: self.bytes, data_begin: self.data_begin, data_end, frames: directory.frames })
    }
}
