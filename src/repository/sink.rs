//! Takes new chunks and makes packs and index segments of them.
//!
//! Any number of workers hash, gather and seal at once; a pack that is full is closed by a thread of
//! its own, which waits for the disk while the workers go on. A chunk that two workers meet at the
//! same time is stored by the one that claims it first. Nothing that a manifest may refer to counts
//! before [`Sink::commit`]: packs are durable before the segment that names them, and the segment
//! before the manifest.

use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};
use std::thread::JoinHandle;

use super::Repository;
use super::layout;
use super::packs::PackListing;
use crate::chunker::Class;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ChunkId, PackId, RunId};
use crate::index::{Index, IndexSegment, IndexedPack, Presence};
use crate::pack::{ChunkEntry, FinishedPack, PackKind, PackWriter, read_directory};
use crate::storage::Storage;
use crate::wire::Extensions;

/// Frames of general content and small media are closed at so many plain bytes: enough for small
/// files to compress together, few enough to read one of them back quickly.
const FRAME_BYTES: usize = 1 << 20;
/// Frames of database pages: a night's change to one page should not cost a MiB to read back.
const DATABASE_FRAME_BYTES: usize = 256 << 10;
/// Frames of tree pages.
const META_FRAME_BYTES: usize = 256 << 10;
/// A chunk of this length or more travels alone.
const ALONE_BYTES: usize = 512 << 10;
/// After so many new chunks a run makes what it has durable and forgets their ids.
const CHECKPOINT_CHUNKS: u64 = 256_000;
/// So many full packs may wait for the disk before workers wait for it too.
const CLOSING_PACKS_MAX: usize = 2;
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
}

/// What is in the repository already.
struct Known {
    index: Index,
    presence: Presence,
}

/// The packs of one kind that is being written.
type OpenPack = Arc<Mutex<Option<PackWriter>>>;

struct PackSlot {
    kind: PackKind,
    open: Mutex<Option<(OpenPack, Arc<crate::pack::FrameSeal>)>>,
}

/// Takes chunks for one run.
pub struct Sink<'a> {
    repository: &'a Repository,
    run: RunId,
    known: RwLock<Known>,
    listing: Mutex<PackListing>,
    absent: HashSet<ChunkId>,
    pending: Vec<Mutex<HashSet<ChunkId>>>,
    data: PackSlot,
    meta: PackSlot,
    meta_frame: Mutex<OpenFrame>,
    closer: Mutex<Option<Closer>>,
    closed: Arc<Mutex<ClosedPacks>>,
    adopted: Mutex<Vec<IndexedPack>>,
    since_checkpoint: AtomicU64,
    checkpoint_chunks: u64,
    is_dry: bool,
    counts: SinkCounts,
}

#[derive(Default)]
struct ClosedPacks {
    packs: Vec<(PackKind, FinishedPack)>,
    /// Set for good: what was stored before cannot be committed any more.
    has_failed: bool,
    failure: Option<Error>,
}

impl ClosedPacks {
    fn check(&mut self) -> Result<()> {
        if !self.has_failed {
            return Ok(());
        }
        Err(self.failure.take().unwrap_or_else(|| Error::new(ErrorKind::Other, "an earlier pack could not be stored")))
    }
}

struct Closer {
    sender: SyncSender<(PackKind, PackWriter)>,
    thread: JoinHandle<()>,
    closed: Arc<Mutex<ClosedPacks>>,
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
        repository.facts().check_writable()?;
        let index = repository.open_index()?;
        let listing = PackListing::read(&**repository.storage())?;
        let presence = index.presence(listing.packs());
        let closed = Arc::new(Mutex::new(ClosedPacks::default()));
        Ok(Self {
            repository,
            run,
            known: RwLock::new(Known { index, presence }),
            listing: Mutex::new(listing),
            absent: repository.facts().absent().clone(),
            pending: (0..SHARDS).map(|_| Mutex::new(HashSet::new())).collect(),
            data: PackSlot { kind: PackKind::Data, open: Mutex::new(None) },
            meta: PackSlot { kind: PackKind::Meta, open: Mutex::new(None) },
            meta_frame: Mutex::new(OpenFrame::default()),
            closer: Mutex::new(None),
            closed,
            adopted: Mutex::new(Vec::new()),
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

    /// True when every pack that the index names is there and no chunk is recorded as lost, so that
    /// the content of a base can be trusted without looking it up.
    pub fn is_whole(&self) -> bool {
        let known = self.known.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        self.absent.is_empty() && known.presence.missing_packs().is_empty()
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

    /// Hashes a tree page or list page and stores it when it is new.
    ///
    /// # Errors
    /// As [`Sink::store_data`].
    pub fn store_meta(&self, plain: &[u8]) -> Result<ChunkId> {
        let id = self.repository.keys().identify.meta_chunk(plain);
        if self.claim(&id) {
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

    fn gather(&self, slot: &PackSlot, open: &mut OpenFrame, target_bytes: usize, id: ChunkId, plain: &[u8]) -> Result<()> {
        if self.is_dry {
            return Ok(());
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
            self.store_frame(slot, &open.plain, chunks)?;
            open.plain.clear();
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
        thread_local! {
            // A sealed frame is written at once, so one buffer serves each worker for the whole run.
            static SEALED: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) };
        }
        let settings = self.repository.facts().settings();
        // The buffer is taken, not borrowed: while a worker waits in here it may be given other work.
        let mut sealed = SEALED.take();
        let (pack, seal, number) = self.draw_frame(slot)?;
        let codec = seal.seal(number, plain, settings.compression_level, &mut sealed);
        let finished = {
            let mut writer = lock(&pack);
            let open = writer.as_mut().ok_or_else(|| Error::new(ErrorKind::Other, "a pack was closed while it was written to"))?;
            open.append(number, &sealed, codec, chunks)?;
            let is_full = open.bytes() >= settings.pack_bytes;
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

    fn draw_frame(&self, slot: &PackSlot) -> Result<(OpenPack, Arc<crate::pack::FrameSeal>, u32)> {
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
            let closer = closer.get_or_insert_with(|| Closer::start(Arc::clone(&self.closed)));
            closer.sender.clone()
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
        self.since_checkpoint.store(0, Ordering::Relaxed);
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
        self.retire_pack(&self.data)?;
        self.retire_pack(&self.meta)?;
        let packs = self.take_closed_packs()?;
        self.publish_packs(packs, false)?;
        if let Some(closer) = lock(&self.closer).take() {
            closer.stop();
        }
        Ok(())
    }

    /// Takes the open pack out of its slot; the last frame drawn from it closes it.
    fn retire_pack(&self, slot: &PackSlot) -> Result<()> {
        let Some((pack, _)) = lock(&slot.open).take() else { return Ok(()) };
        let writer = {
            let mut writer = lock(&pack);
            if writer.as_ref().is_some_and(PackWriter::is_complete) { writer.take() } else { None }
        };
        match writer {
            Some(writer) => self.close_pack(slot.kind, writer),
            None => Ok(()),
        }
    }

    /// Waits until the packs that were handed over are durable, and takes them.
    fn take_closed_packs(&self) -> Result<Vec<(PackKind, FinishedPack)>> {
        // Stopping the thread is how we wait for it; the next full pack starts another.
        if let Some(closer) = lock(&self.closer).take() {
            closer.stop();
        }
        let mut closed = lock(&self.closed);
        closed.check()?;
        Ok(std::mem::take(&mut closed.packs))
    }

    fn publish_packs(&self, packs: Vec<(PackKind, FinishedPack)>, forget: bool) -> Result<()> {
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
            indexed.sort_by_key(|pack| pack.id);
            indexed.dedup_by_key(|pack| pack.id);
            let segment = IndexSegment { packs: indexed, extensions: Extensions::none() };
            let (_, bytes) = self.repository.publish_segment(self.run, &segment)?;
            self.counts.bytes_stored.fetch_add(bytes, Ordering::Relaxed);
            storage.sync(&[layout::INDEX.to_owned()])?;
            if forget {
                self.forget_indexed(&segment)?;
            }
        } else if !forget {
            storage.sync(&[layout::INDEX.to_owned()])?;
        }
        Ok(())
    }

    /// Looks the chunks of `segment` up in the index from now on.
    fn forget_indexed(&self, segment: &IndexSegment) -> Result<()> {
        let index = self.repository.open_index()?;
        let presence = index.presence(lock(&self.listing).packs());
        *self.known.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = Known { index, presence };
        for chunk in segment.packs.iter().flat_map(|pack| &pack.frames).flat_map(|frame| &frame.chunks) {
            // A chunk that was lost and is stored again stays known to this run.
            if !self.absent.contains(&chunk.id) {
                lock(self.shard(&chunk.id)).remove(&chunk.id);
            }
        }
        Ok(())
    }

    /// Takes over packs that no segment names.
    fn adopt_packs(&self) -> Result<()> {
        let known = self.known.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        let named: HashSet<PackId> = known.index.packs().into_iter().map(|(id, _, _)| id).collect();
        drop(known);
        let orphans: Vec<(PackId, u64)> =
            lock(&self.listing).packs().iter().filter(|(id, _)| !named.contains(id)).map(|(id, bytes)| (*id, *bytes)).collect();
        for (id, bytes) in orphans {
            // What cannot be read is left alone: it is of no use, and not ours to judge here.
            let Some(pack) = self.read_orphan(id, bytes)? else { continue };
            for chunk in pack.frames.iter().flat_map(|frame| &frame.chunks) {
                lock(self.shard(&chunk.id)).insert(chunk.id);
            }
            self.counts.packs_adopted.fetch_add(1, Ordering::Relaxed);
            lock(&self.adopted).push(pack);
        }
        Ok(())
    }

    fn read_orphan(&self, id: PackId, bytes: u64) -> Result<Option<IndexedPack>> {
        let storage = &**self.repository.storage();
        let name = layout::pack_name(&id);
        if self.repository.keys().algorithm == crate::crypto::Algorithm::None && !has_hash(storage, &name, bytes, &id)? {
            return Ok(None);
        }
        match read_directory(storage, self.repository.keys(), &name, bytes) {
            Ok((directory, kind, (data_begin, data_end))) => {
                Ok(Some(IndexedPack { id, kind, bytes, data_begin, data_end, frames: directory.frames }))
            }
            Err(error) if error.is_damage() || error.kind() == ErrorKind::Unsupported => Ok(None),
            Err(error) => Err(error),
        }
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

/// Whether the bytes of an object have the hash that is its name.
fn has_hash(storage: &dyn Storage, name: &str, bytes: u64, id: &PackId) -> Result<bool> {
    let (mut hasher, mut at, mut buffer) = (blake3::Hasher::new(), 0, vec![0; 1 << 20]);
    while at < bytes {
        let part = (bytes - at).min(buffer.len() as u64) as usize;
        match storage.read_range(name, at, &mut buffer[..part]) {
            Ok(()) => hasher.update(&buffer[..part]),
            Err(error) if error.is_damage() => return Ok(false),
            Err(error) => return Err(error),
        };
        at += part as u64;
    }
    Ok(hasher.finalize().as_bytes() == &id.0)
}

impl Closer {
    fn start(closed: Arc<Mutex<ClosedPacks>>) -> Self {
        let (sender, receiver): (_, Receiver<(PackKind, PackWriter)>) = sync_channel(CLOSING_PACKS_MAX);
        let shared = Arc::clone(&closed);
        let thread = std::thread::spawn(move || {
            for (kind, writer) in receiver {
                let outcome = writer.finish(&layout::pack_name);
                let mut closed = lock(&closed);
                match outcome {
                    Ok(pack) => closed.packs.push((kind, pack)),
                    Err(error) => {
                        closed.has_failed = true;
                        closed.failure = closed.failure.take().or(Some(error));
                    }
                }
            }
        });
        Self { sender, thread, closed: shared }
    }

    /// Waits for everything that was handed over.
    fn stop(self) {
        drop(self.sender);
        // The thread runs nothing that panics; if it did, its pack is missing and `commit` must not pass.
        if self.thread.join().is_err() {
            lock(&self.closed).has_failed = true;
        }
    }
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
