//! Takes new chunks and makes packs and index segments of them.
//!
//! Any number of workers hash, gather and seal at once; a pack that is full is closed by a thread of
//! its own, which waits for the disk while the workers go on. A chunk that two workers meet at the
//! same time is stored by the one that claims it first. Nothing that a manifest may refer to counts
//! before [`Sink::commit`]: packs are durable before the segment that names them, and the segment
//! before the manifest. After the first failure nothing is committed any more.

mod adoption;
mod closer;
mod relied;
#[cfg(test)]
mod tests;
mod unreadable;

use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};

use self::closer::{ClosedPacks, Closer};
pub use self::relied::Gone;
use super::Repository;
use super::layout;
use super::packs::PackListing;
use super::read::ChunkReader;
use super::segments::split_segments;
use crate::chunker::Class;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ChunkId, RunId, SegmentId};
use crate::index::{Index, IndexSegment, IndexedPack, Presence};
use crate::pack::{ChunkEntry, FRAME_PLAIN_BYTES_MAX, FinishedPack, FrameEntry, FrameSeal, PackKind, PackWriter};

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
/// After so many new chunks a run makes what it has durable and forgets their ids.
const CHECKPOINT_CHUNKS: u64 = 256_000;
/// A pack is closed when its directory has so many plain bytes, however small its frames are: chunks
/// that shrink to almost nothing must not make a directory that readers refuse.
const PACK_DIRECTORY_BYTES: u64 = 8 << 20;
/// Claims are spread over so many locks.
const SHARDS: usize = 64;

/// What a sink did, in numbers.
#[derive(Debug, Default)]
pub struct SinkCounts {
    /// Chunks of file content that were not known.
    pub chunks_new: AtomicU64,
    /// Their plain bytes.
    pub bytes_new: AtomicU64,
    /// Bytes of finished packs and segments.
    pub bytes_stored: AtomicU64,
    /// Packs of earlier, interrupted runs that were taken over.
    pub packs_adopted: AtomicU64,
    /// Pages that the index names and that could not be read, so that they are stored again.
    pub pages_unreadable: AtomicU64,
}

/// What is in the repository already.
struct Known {
    index: Arc<Index>,
    presence: Presence,
}

/// The packs of one kind that is being written.
type OpenPack = Arc<Mutex<Option<PackWriter>>>;

struct PackSlot {
    kind: PackKind,
    open: Mutex<Option<(OpenPack, Arc<FrameSeal>)>>,
}

/// Takes chunks for one run.
pub struct Sink<'a> {
    repository: &'a Repository,
    run: RunId,
    known: RwLock<Known>,
    /// Reads pages before they count as known.
    reader: ChunkReader<'a>,
    listing: Mutex<PackListing>,
    absent: HashSet<ChunkId>,
    pending: Vec<Mutex<HashSet<ChunkId>>>,
    data: PackSlot,
    meta: PackSlot,
    meta_frame: Mutex<OpenFrame>,
    closer: Mutex<Option<Closer>>,
    closed: Arc<Mutex<ClosedPacks>>,
    adopted: Mutex<Vec<IndexedPack>>,
    /// Segments by which chunks were known, and those that this run has published.
    segments: Mutex<BTreeSet<SegmentId>>,
    since_checkpoint: AtomicU64,
    checkpoint_chunks: u64,
    is_dry: bool,
    counts: SinkCounts,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A worker that panics ends the run; until then every state here is usable.
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl<'a> Sink<'a> {
    /// A sink for `run` over the index and packs that are listed now. The caller holds the lock.
    /// Packs that no segment names, left by a run that was interrupted, are taken over whole.
    ///
    /// # Errors
    /// Those of the storage; `Unsupported` when the repository must not be written to.
    pub fn open(repository: &'a Repository, run: RunId) -> Result<Self> {
        let sink = Self::open_to_move(repository, run)?;
        sink.adopt_packs()?;
        Ok(sink)
    }

    /// A sink for chunks that are stored already and move to new packs (see [`Sink::move_chunk`]). The
    /// caller holds the lock alone. Packs that no segment names are left as they are.
    ///
    /// # Errors
    /// As [`Sink::open`].
    pub fn open_to_move(repository: &'a Repository, run: RunId) -> Result<Self> {
        // Read again: between the opening of the repository and the lock a chunk may have been recorded as
        // lost, and such a chunk must not count as known.
        let facts = repository.read_facts()?;
        facts.check_writable()?;
        repository.check_segment_bytes()?;
        let index = Arc::new(repository.open_index()?);
        let listing = PackListing::read(&**repository.storage())?;
        let presence = index.presence(listing.packs());
        let closed = Arc::new(Mutex::new(ClosedPacks::default()));
        let segments = Mutex::new(index.segments().collect());
        Ok(Self {
            repository,
            run,
            reader: repository.reader_with(Arc::clone(&index)),
            known: RwLock::new(Known { index, presence }),
            listing: Mutex::new(listing),
            absent: facts.absent().clone(),
            pending: (0..SHARDS).map(|_| Mutex::new(HashSet::new())).collect(),
            data: PackSlot { kind: PackKind::Data, open: Mutex::new(None) },
            meta: PackSlot { kind: PackKind::Meta, open: Mutex::new(None) },
            meta_frame: Mutex::new(OpenFrame::default()),
            closer: Mutex::new(None),
            closed,
            adopted: Mutex::new(Vec::new()),
            segments,
            since_checkpoint: AtomicU64::new(0),
            checkpoint_chunks: CHECKPOINT_CHUNKS,
            is_dry: false,
            counts: SinkCounts::default(),
        })
    }

    /// Sets after how many new chunks [`Sink::is_checkpoint_due`].
    pub fn set_checkpoint_chunks(&mut self, chunks: u64) {
        self.checkpoint_chunks = chunks;
    }

    /// From now on chunks are only counted; nothing is stored.
    pub fn set_dry(&mut self) {
        self.is_dry = true;
    }

    /// What it did so far.
    pub fn counts(&self) -> &SinkCounts {
        &self.counts
    }

    /// The bytes of all packs, those of this run with them as soon as they are durable.
    pub fn pack_bytes(&self) -> u64 {
        lock(&self.listing).stored_bytes()
    }

    /// The index of what is stored: as it was when the sink was opened, or at the last checkpoint.
    pub fn index(&self) -> Arc<Index> {
        Arc::clone(&self.known.read().unwrap_or_else(|poisoned| poisoned.into_inner()).index)
    }

    /// A reader of what was stored before this run.
    pub fn reader(&self) -> &ChunkReader<'a> {
        &self.reader
    }

    /// The segments that name every chunk that was known to this run, or taken by it. Complete after a
    /// commit.
    pub fn segments(&self) -> BTreeSet<SegmentId> {
        lock(&self.segments).clone()
    }

    /// True when every pack that the index names is there and no chunk is recorded as lost: what the
    /// index names can be trusted without looking at presence.
    pub fn is_whole(&self) -> bool {
        let known = self.known.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        self.absent.is_empty() && known.presence.missing_packs().is_empty()
    }

    /// The chunks that were recorded as lost and that this run has stored again. After a commit they are
    /// durable.
    pub fn healed(&self) -> Vec<ChunkId> {
        self.absent.iter().filter(|id| lock(self.shard(id)).contains(id)).copied().collect()
    }

    /// True when the chunk is in the repository, or was taken by this run.
    pub fn is_known(&self, id: &ChunkId) -> bool {
        let is_stored = || {
            let known = self.known.read().unwrap_or_else(|poisoned| poisoned.into_inner());
            known.index.is_known(id, &known.presence)
        };
        lock(self.shard(id)).contains(id) || (!self.absent.contains(id) && is_stored())
    }

    /// Takes the chunk for the caller to store: true the first time that an unknown id is claimed.
    fn claim(&self, id: &ChunkId) -> bool {
        if !self.absent.contains(id) {
            let known = self.known.read().unwrap_or_else(|poisoned| poisoned.into_inner());
            if known.index.is_known(id, &known.presence) {
                return false;
            }
        }
        if !lock(self.shard(id)).insert(*id) {
            return false;
        }
        self.since_checkpoint.fetch_add(1, Ordering::Relaxed);
        true
    }

    fn shard(&self, id: &ChunkId) -> &Mutex<HashSet<ChunkId>> {
        &self.pending[usize::from(id.0[31]) % SHARDS]
    }

    /// Hashes a chunk of file content and, when it is new, gathers it in `gatherer`.
    ///
    /// # Errors
    /// Those of the storage, of this chunk or of packs before it.
    pub fn store_data(&self, gatherer: &mut FrameGatherer, class: Class, plain: &[u8]) -> Result<ChunkId> {
        let id = self.repository.keys().identify.data_chunk(plain);
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
        let id = self.repository.keys().identify.meta_chunk(plain);
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

    fn flush_frame(&self, slot: &PackSlot, open: &mut OpenFrame) -> Result<()> {
        if !open.chunks.is_empty() {
            let chunks = std::mem::take(&mut open.chunks);
            let outcome = self.store_frame(slot, &open.plain, chunks);
            // Cleared in any case: bytes without their entries would shift the chunks after them.
            open.plain.clear();
            outcome?;
        }
        Ok(())
    }

    /// Closes the frames that `gatherer` has open.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn flush(&self, gatherer: &mut FrameGatherer) -> Result<()> {
        gatherer.frames.iter_mut().try_for_each(|open| self.flush_frame(&self.data, open))
    }

    fn store_frame(&self, slot: &PackSlot, plain: &[u8], chunks: Vec<ChunkEntry>) -> Result<()> {
        // The chunks were claimed: others count on them, whether they hear of this failure or not.
        self.try_store_frame(slot, plain, chunks).map_err(|error| self.fail(error))
    }

    /// Remembers that something could not be stored, so that nothing is committed any more.
    fn fail(&self, error: Error) -> Error {
        let mut closed = lock(&self.closed);
        closed.has_failed = true;
        if closed.failure.is_none() {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            closed.failure = Some(Error::new(error.kind(), format!("{error}{cause}")));
        }
        error
    }

    fn try_store_frame(&self, slot: &PackSlot, plain: &[u8], chunks: Vec<ChunkEntry>) -> Result<()> {
        let level = self.repository.facts().settings().compression_level;
        self.try_store_sealed(slot, chunks, &|seal, number, sealed| seal.seal(number, plain, level, sealed))
    }

    /// Draws a number, lets `seal` make the sealed bytes for it and say their codec, and writes them.
    fn try_store_sealed(
        &self,
        slot: &PackSlot,
        chunks: Vec<ChunkEntry>,
        seal_frame: &dyn Fn(&FrameSeal, u32, &mut Vec<u8>) -> u16,
    ) -> Result<()> {
        thread_local! {
            // A sealed frame is written at once, so one buffer serves each worker for the whole run.
            static SEALED: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) };
        }
        let settings = self.repository.facts().settings();
        // The buffer is taken, not borrowed: while a worker waits in here it may be given other work.
        let mut sealed = SEALED.take();
        let (pack, seal, number) = self.draw_frame(slot)?;
        let codec = seal_frame(&seal, number, &mut sealed);
        let finished = {
            let mut writer = lock(&pack);
            let open = writer.as_mut().ok_or_else(|| Error::new(ErrorKind::Other, "a pack was closed while it was written to"))?;
            open.append(number, &sealed, codec, chunks)?;
            let is_full = open.bytes() >= settings.pack_bytes || open.directory_bytes() >= PACK_DIRECTORY_BYTES;
            if is_full {
                let mut current = lock(&slot.open);
                if current.as_ref().is_some_and(|(current, _)| Arc::ptr_eq(current, &pack)) {
                    *current = None;
                }
            }
            // The last frame that was drawn from a full pack closes it.
            let is_current = !is_full && lock(&slot.open).as_ref().is_some_and(|(current, _)| Arc::ptr_eq(current, &pack));
            if !is_current && open.is_complete() { writer.take() } else { None }
        };
        SEALED.set(sealed);
        match finished {
            Some(writer) => self.close_pack(slot.kind, writer),
            None => Ok(()),
        }
    }

    fn draw_frame(&self, slot: &PackSlot) -> Result<(OpenPack, Arc<FrameSeal>, u32)> {
        let mut open = lock(&slot.open);
        if open.is_none() {
            lock(&self.closed).check()?;
            let upload = self.repository.storage().create(layout::PACKS)?;
            let writer = PackWriter::create(self.repository.keys(), slot.kind, self.run, upload)?;
            let seal = writer.seal();
            *open = Some((Arc::new(Mutex::new(Some(writer))), seal));
        }
        let Some((pack, seal)) = open.as_ref() else { unreachable!("it was opened above") };
        // Drawn under the lock of the slot: a pack that left the slot has no new numbers.
        Ok((Arc::clone(pack), Arc::clone(seal), seal.draw_number()))
    }

    /// Hands a complete pack to the thread that makes it durable.
    fn close_pack(&self, kind: PackKind, writer: PackWriter) -> Result<()> {
        let sender = {
            let mut closer = lock(&self.closer);
            let started = match closer.take() {
                Some(started) => started,
                None => Closer::start(Arc::clone(&self.closed)).map_err(|error| self.fail(error))?,
            };
            closer.insert(started).sender.clone()
        };
        sender.send((kind, writer)).map_err(|_| Error::new(ErrorKind::Other, "the thread that closes packs has ended"))
    }

    /// True when so much was stored that a crash now would hurt.
    pub fn is_checkpoint_due(&self) -> bool {
        self.since_checkpoint.load(Ordering::Relaxed) >= self.checkpoint_chunks
    }

    /// Makes everything durable that is in packs by now, publishes a segment for it, and forgets the
    /// ids that the segment names. Workers may go on meanwhile.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn checkpoint(&self) -> Result<()> {
        if self.is_dry {
            return Ok(());
        }
        self.since_checkpoint.store(0, Ordering::Relaxed);
        // A pack that workers still write to is closed by the last of them and belongs to the next
        // checkpoint.
        self.retire_pack(&self.data)?;
        self.retire_pack(&self.meta)?;
        let packs = self.take_closed_packs()?;
        self.publish_packs(packs, true)
    }

    /// Makes everything durable and publishes the last segment: what a manifest names may be named
    /// from here on. Gatherers must have been flushed. `index` is synced even when nothing was stored:
    /// an earlier run may have died between publishing a segment and syncing it.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn commit(&self) -> Result<()> {
        self.flush_frame(&self.meta, &mut lock(&self.meta_frame))?;
        let is_complete = self.retire_pack(&self.data)? & self.retire_pack(&self.meta)?;
        if !is_complete {
            return Err(self.fail(Error::new(ErrorKind::Other, "a frame was begun and never stored")));
        }
        let packs = self.take_closed_packs()?;
        self.publish_packs(packs, false)?;
        if let Some(closer) = lock(&self.closer).take() {
            closer.stop();
        }
        Ok(())
    }

    /// Takes the open pack out of its slot; the last frame drawn from it closes it. False when there are
    /// frames to come.
    fn retire_pack(&self, slot: &PackSlot) -> Result<bool> {
        let Some((pack, _)) = lock(&slot.open).take() else { return Ok(true) };
        let writer = {
            let mut writer = lock(&pack);
            match writer.as_ref().map(PackWriter::is_complete) {
                Some(true) => writer.take(),
                Some(false) => return Ok(false),
                None => None,
            }
        };
        writer.map_or(Ok(()), |writer| self.close_pack(slot.kind, writer))?;
        Ok(true)
    }

    /// Waits until the packs that were handed over are durable, and takes them.
    fn take_closed_packs(&self) -> Result<Vec<(PackKind, FinishedPack)>> {
        // Stopping the thread is how we wait for it; the next full pack starts another.
        // It is taken out first: who closes a pack meanwhile does not wait for the lock.
        let closer = lock(&self.closer).take();
        if let Some(closer) = closer {
            closer.stop();
        }
        let mut closed = lock(&self.closed);
        closed.check()?;
        Ok(std::mem::take(&mut closed.packs))
    }

    fn publish_packs(&self, packs: Vec<(PackKind, FinishedPack)>, forget: bool) -> Result<()> {
        // The packs are taken out of the list: a second try would know nothing of them, and pass.
        self.try_publish_packs(packs, forget).map_err(|error| self.fail(error))
    }

    fn try_publish_packs(&self, packs: Vec<(PackKind, FinishedPack)>, forget: bool) -> Result<()> {
        let storage = self.repository.storage();
        let mut indexed = std::mem::take(&mut *lock(&self.adopted));
        for (kind, pack) in packs {
            self.counts.bytes_stored.fetch_add(pack.bytes, Ordering::Relaxed);
            lock(&self.listing).add(pack.id, pack.bytes);
            let FinishedPack { id, bytes, data_begin, data_end, frames } = pack;
            indexed.push(IndexedPack { id, kind, bytes, data_begin, data_end, frames });
        }
        if !indexed.is_empty() {
            let folders: BTreeSet<String> = indexed.iter().map(|pack| layout::pack_folder(pack.id.0[0])).collect();
            storage.sync(&folders.into_iter().collect::<Vec<_>>())?;
            let segments = split_segments(indexed);
            for segment in &segments {
                let (id, bytes) = self.repository.publish_segment(self.run, segment)?;
                lock(&self.segments).insert(id);
                self.counts.bytes_stored.fetch_add(bytes, Ordering::Relaxed);
            }
            storage.sync(&[layout::INDEX.to_owned()])?;
            if forget {
                self.forget_indexed(&segments)?;
            }
        } else if !forget {
            storage.sync(&[layout::INDEX.to_owned()])?;
        }
        Ok(())
    }

    /// Looks the chunks of `segments` up in the index from now on.
    fn forget_indexed(&self, segments: &[IndexSegment]) -> Result<()> {
        let index = Arc::new(self.repository.open_index()?);
        let presence = index.presence(lock(&self.listing).packs());
        lock(&self.segments).extend(index.segments());
        *self.known.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = Known { index, presence };
        for chunk in segments.iter().flat_map(|segment| &segment.packs).flat_map(|pack| &pack.frames).flat_map(|frame| &frame.chunks) {
            // A chunk that was lost and is stored again stays known to this run.
            if !self.absent.contains(&chunk.id) {
                lock(self.shard(&chunk.id)).remove(&chunk.id);
            }
        }
        Ok(())
    }
}

impl Drop for Sink<'_> {
    /// A run that ends early leaves no thread behind; what was published stays for the next run to
    /// take over.
    fn drop(&mut self) {
        if let Some(closer) = lock(&self.closer).take() {
            closer.stop();
        }
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

/// The frames that one worker has open, one for each class.
#[derive(Default)]
pub struct FrameGatherer {
    frames: [OpenFrame; 3],
}

#[derive(Default)]
struct OpenFrame {
    plain: Vec<u8>,
    chunks: Vec<ChunkEntry>,
}
