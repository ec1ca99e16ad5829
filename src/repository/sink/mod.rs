//! Takes new chunks and makes packs and index segments of them.
//!
//! Any number of workers hash, gather and seal at once; a pack that is full is closed by a thread of
//! its own, which waits for the disk while the workers go on. A chunk that two workers meet at the
//! same time is stored by the one that claims it first. Nothing that a manifest may refer to counts
//! before [`Sink::commit`]: packs are durable before the segment that names them, and the segment
//! before the manifest. After the first failure nothing is committed any more.
//!
//! ```text
//! workers   chunk -> claim -> frames (gather, compress, seal) -> packs (append) --full--> closer (sync, name)
//! at an end, or every CHECKPOINT_CHUNKS new chunks:  close all packs -> segment -> sync   (commit)
//! ```

mod adoption;
mod closer;
mod commit;
mod frames;
mod packs;
mod pages;
mod relied;
#[cfg(test)]
mod tests;
mod unreadable;

pub use self::frames::{FrameGatherer, class_of_frame};
pub use self::pages::SinkPages;
pub use self::relied::Gone;

use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};

use self::closer::{ClosedPacks, Closer};
use self::frames::OpenFrame;
use self::packs::PackSlot;
use super::chunks::{ChunkReader, Chunks, PackListing};
use super::facts::Facts;
use super::objects::Objects;
use crate::error::{Error, Result};
use crate::id::{ChunkId, RunId, SegmentId};
use crate::index::{Index, IndexedPack, Presence};
use crate::pack::PackKind;

/// After so many new chunks a run makes what it has durable and forgets their ids.
const CHECKPOINT_CHUNKS: u64 = 256_000;
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

/// Takes chunks for one run.
pub struct Sink {
    chunks: Chunks,
    compression_level: i32,
    pack_bytes: u64,
    run: RunId,
    known: RwLock<Known>,
    /// Reads pages before they count as known.
    reader: ChunkReader,
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

impl Sink {
    /// A sink for `run` over the index and packs that are listed now. The caller holds the lock, and has read `facts`
    /// under it: what was recorded as lost before must not count as known.
    /// Packs that no segment names, left by a run that was interrupted, are taken over whole.
    ///
    /// # Errors
    /// Those of the storage; `Unsupported` when the repository must not be written to.
    pub fn open(chunks: &Chunks, facts: &Facts, run: RunId) -> Result<Self> {
        let sink = Self::open_to_move(chunks, facts, run)?;
        sink.adopt_packs()?;
        Ok(sink)
    }

    /// A sink for chunks that are stored already and move to new packs (see [`Sink::move_chunk`]). The
    /// caller holds the lock alone. Packs that no segment names are left as they are.
    ///
    /// # Errors
    /// As [`Sink::open`].
    pub fn open_to_move(chunks: &Chunks, facts: &Facts, run: RunId) -> Result<Self> {
        facts.check_writable()?;
        chunks.check_segment_bytes()?;
        let index = Arc::new(chunks.open_index()?);
        let listing = PackListing::read(&**chunks.objects().storage())?;
        let presence = index.presence(listing.packs());
        let closed = Arc::new(Mutex::new(ClosedPacks::default()));
        let segments = Mutex::new(index.segments().collect());
        Ok(Self {
            chunks: chunks.clone(),
            compression_level: facts.settings().compression_level,
            pack_bytes: facts.settings().pack_bytes,
            run,
            reader: chunks.reader_with(Arc::clone(&index)),
            known: RwLock::new(Known { index, presence }),
            listing: Mutex::new(listing),
            absent: facts.absent().clone(),
            pending: (0..SHARDS).map(|_| Mutex::new(HashSet::new())).collect(),
            data: PackSlot::new(PackKind::Data),
            meta: PackSlot::new(PackKind::Meta),
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
    pub fn reader(&self) -> &ChunkReader {
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

    /// Where what it stores goes.
    fn objects(&self) -> &Objects {
        self.chunks.objects()
    }

    fn shard(&self, id: &ChunkId) -> &Mutex<HashSet<ChunkId>> {
        &self.pending[usize::from(id.0[31]) % SHARDS]
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
}

impl Drop for Sink {
    /// A run that ends early leaves no thread behind; what was published stays for the next run to
    /// take over.
    fn drop(&mut self) {
        if let Some(closer) = lock(&self.closer).take() {
            closer.stop();
        }
    }
}
