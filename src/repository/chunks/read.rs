//! Reads chunks: looks up the place, opens the frame, verifies the id.
//!
//! A chunk may lie in several places; all are tried before it counts as lost. When a pack is gone,
//! the index is loaded once more: a prune may have moved the chunk while we were reading. A chunk that
//! is in none of its places may still be in a pack that the index does not name, when a segment of the
//! index was lost; a reader that only reads looks there too.

use std::collections::{HashMap, VecDeque};
use std::ops::{Deref, Range};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};

use super::in_work::InWork;
use super::salvage::UnreadableSegment;
use super::{Chunks, Pace};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ChunkId, PackId};
use crate::index::{Index, Location};
use crate::pack::{FramePlace, PackKeys, PackKind};
use crate::repository::layout::pack_name;
use crate::repository::objects::Objects;

/// Frames that were opened are kept up to so many plain bytes: tree pages lie beside each other.
const FRAME_CACHE_BYTES: usize = 16 << 20;
/// Keys of so many packs are kept; they are cheap to derive again.
const PACK_KEYS_MAX: usize = 1024;

/// The bytes of one chunk, within its frame.
#[derive(Clone)]
pub struct FrameBytes {
    frame: Arc<Vec<u8>>,
    range: Range<usize>,
}

impl Deref for FrameBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.frame[self.range.clone()]
    }
}

/// Reads chunks of one repository. Methods are called from any thread.
pub struct ChunkReader {
    chunks: Chunks,
    index: RwLock<Arc<Index>>,
    pub(super) pack_keys: Mutex<HashMap<PackId, Arc<PackKeys>>>,
    /// Packs whose keys somebody reads at the moment, and frames: nobody reads them a second time meanwhile.
    pub(super) keys_in_work: InWork<PackId>,
    frames: Mutex<FrameCache>,
    frames_in_work: InWork<FrameKey>,
    /// Whether the index may have changed since it was opened.
    may_reload: bool,
    /// Segments that could not be read when it was made; none: a damaged index ends the reading.
    unreadable: Option<Vec<UnreadableSegment>>,
    /// What packs hold that the index does not name, when that was asked for.
    salvaged: Mutex<Option<Arc<Index>>>,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is kept under these locks is valid at every step, so a panic elsewhere does not spoil it.
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl ChunkReader {
    pub(super) fn new(chunks: Chunks, index: Arc<Index>) -> Self {
        Self {
            chunks,
            index: RwLock::new(index),
            pack_keys: Mutex::new(HashMap::new()),
            keys_in_work: InWork::default(),
            frames: Mutex::new(FrameCache::default()),
            frames_in_work: InWork::default(),
            may_reload: true,
            unreadable: None,
            salvaged: Mutex::new(None),
        }
    }

    /// The same over an index that lacks these segments: their packs are looked into when a chunk is not found.
    pub(super) fn sparing(self, unreadable: Vec<UnreadableSegment>) -> Self {
        Self { unreadable: Some(unreadable), ..self }
    }

    /// The same, for who holds the lock alone: what is missing is not looked for in a newer index.
    #[must_use]
    pub fn without_reload(self) -> Self {
        Self { may_reload: false, ..self }
    }

    /// The objects of the repository that it reads.
    pub fn objects(&self) -> &Objects {
        self.chunks.objects()
    }

    /// The chunks that it reads.
    pub fn chunks(&self) -> &Chunks {
        &self.chunks
    }

    /// The index that it looks up.
    pub fn index(&self) -> Arc<Index> {
        Arc::clone(&self.index.read().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }

    /// Segments of the index that could not be read. Their packs are found all the same, but slower.
    pub fn unreadable_segments(&self) -> &[UnreadableSegment] {
        self.unreadable.as_deref().unwrap_or_default()
    }

    /// A tree page or list page, by its id.
    ///
    /// # Errors
    /// `Damaged` when no place has it whole, also where there is none: whoever asks has the id from what was stored.
    pub fn meta_chunk(&self, id: &ChunkId) -> Result<FrameBytes> {
        self.chunk(PackKind::Meta, id)
    }

    /// A chunk of file content, by its id.
    ///
    /// # Errors
    /// As [`ChunkReader::meta_chunk`].
    pub fn data_chunk(&self, id: &ChunkId) -> Result<FrameBytes> {
        self.chunk(PackKind::Data, id)
    }

    fn chunk(&self, kind: PackKind, id: &ChunkId) -> Result<FrameBytes> {
        let found = match self.chunk_once(kind, id) {
            Err(error) if error.is_damage() && self.may_reload => {
                // Worth a second look only when the index has changed since.
                let again = if self.reload_index()? { self.chunk_once(kind, id) } else { Err(error) };
                match again {
                    Err(error) if error.is_damage() && self.salvage() => self.chunk_once(kind, id),
                    other => other,
                }
            }
            other => other,
        };
        // Nobody asked for a pack by its name: that it is gone is damage to what needs it.
        found.map_err(|error| if error.is_not_found() { error.with_kind(ErrorKind::Damaged) } else { error })
    }

    /// Looks into the packs that the index does not name, once; true when there are any.
    fn salvage(&self) -> bool {
        if self.unreadable.is_none() {
            return false;
        }
        if let Some(salvaged) = &*lock(&self.salvaged) {
            return salvaged.chunk_count() > 0;
        }
        // Not under the lock: the work is spread over threads, which may come here too. What is done
        // twice is the same.
        let Ok(salvaged) = self.chunks.salvage_index(&self.index()) else { return false };
        let has_any = salvaged.chunk_count() > 0;
        *lock(&self.salvaged) = Some(Arc::new(salvaged));
        has_any
    }

    fn chunk_once(&self, kind: PackKind, id: &ChunkId) -> Result<FrameBytes> {
        let mut failure = None;
        for place in self.places(id)? {
            match self.frame(&place).and_then(|frame| self.cut_out(kind, id, &place, frame)) {
                Ok(bytes) => return Ok(bytes),
                Err(error) if error.is_damage() => failure = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(failure.unwrap_or_else(|| Error::new(ErrorKind::NotFound, format!("chunk {} is in no pack", id.short()))))
    }

    /// Whether a chunk can be read whole from a pack that `may_stand_in` accepts, by its id and the length
    /// that the index expects.
    ///
    /// # Errors
    /// Those of the storage that are no damage.
    pub(in crate::repository) fn is_whole_in(
        &self,
        kind: PackKind,
        id: &ChunkId,
        may_stand_in: &dyn Fn(&PackId, u64) -> bool,
    ) -> Result<bool> {
        for place in self.places(id)?.into_iter().filter(|place| may_stand_in(&place.pack, place.pack_bytes)) {
            match self.frame(&place).and_then(|frame| self.cut_out(kind, id, &place, frame)) {
                Ok(_) => return Ok(true),
                Err(error) if error.is_damage() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// All places of a chunk; none when the index does not name it.
    ///
    /// # Errors
    /// `Damaged` when this machine's tables are and hold no other place.
    pub fn places(&self, id: &ChunkId) -> Result<Vec<Location>> {
        let mut places = Vec::new();
        let outcome = self.index().places(id, &mut places);
        let salvaged = lock(&self.salvaged).clone();
        if let Some(salvaged) = salvaged {
            let mut more = Vec::new();
            // It is in memory, where nothing is damaged.
            let _ = salvaged.places(id, &mut more);
            places.extend(more.into_iter().filter(|place| !places.contains(place)).collect::<Vec<_>>());
        }
        if places.is_empty() {
            outcome?;
        }
        Ok(places)
    }

    /// Loads the index again; true when it is over other segments or tables than before.
    fn reload_index(&self) -> Result<bool> {
        let old = self.index();
        let pace = Pace::OneByOne;
        let new = if self.unreadable.is_some() { self.chunks.open_index_to_read(pace)?.0 } else { self.chunks.open_index_by(pace)? };
        let differs = old.is_damaged() || old.packs() != new.packs();
        *self.index.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = Arc::new(new);
        Ok(differs)
    }

    /// The plain bytes of the frame at `place`, from the cache if it was read lately.
    fn frame(&self, place: &Location) -> Result<Arc<Vec<u8>>> {
        let key = (place.frame.number, place.pack);
        let cached = || lock(&self.frames).get(&key);
        if let Some(frame) = cached() {
            return Ok(frame);
        }
        // Before the claim: who waits for a share must have nothing that others wait for.
        let _share = self.share(&[place.frame.in_pack()]);
        let _work = match self.frames_in_work.claim_unless(key, cached) {
            Ok(work) => work,
            Err(frame) => return Ok(frame),
        };
        let frame = Arc::new(self.read_shared_frame(&place.pack, place.pack_bytes, &place.frame.in_pack())?);
        lock(&self.frames).insert(key, Arc::clone(&frame));
        Ok(frame)
    }

    /// Reads and opens the frame at `place`, past the cache. Ids of chunks are not verified yet.
    ///
    /// # Errors
    /// `NotFound` when the pack is gone; `Damaged`.
    pub fn read_frame(&self, place: &Location) -> Result<Vec<u8>> {
        self.read_frame_at(&place.pack, place.pack_bytes, &place.frame.in_pack())
    }

    /// Reads and opens a frame of a pack, past the cache. Ids of chunks are not verified yet.
    ///
    /// # Errors
    /// As [`ChunkReader::read_frame`].
    pub fn read_frame_at(&self, pack: &PackId, pack_bytes: u64, place: &FramePlace) -> Result<Vec<u8>> {
        let _share = self.share(std::slice::from_ref(place));
        self.read_shared_frame(pack, pack_bytes, place)
    }

    /// The same, for who has a share for it.
    fn read_shared_frame(&self, pack: &PackId, pack_bytes: u64, place: &FramePlace) -> Result<Vec<u8>> {
        if self.objects().storage().properties().gap_bytes == 0 {
            let keys = self.pack_keys(pack, pack_bytes)?;
            return keys.read_frame(&**self.objects().storage(), &pack_name(pack), place).map_err(call_damage);
        }
        let mut read = self.read_together(pack, pack_bytes, std::slice::from_ref(place))?;
        read.open(&pack_name(pack), place, &PackKeys::unpack_frame).map_err(call_damage)
    }

    /// Reads a frame into `buffer` and opens it there, but leaves it compressed.
    ///
    /// # Errors
    /// As [`ChunkReader::read_frame`].
    pub fn read_packed_frame<'b>(&self, pack: &PackId, pack_bytes: u64, place: &FramePlace, buffer: &'b mut Vec<u8>) -> Result<&'b [u8]> {
        let (keys, name) = (self.pack_keys(pack, pack_bytes)?, pack_name(pack));
        // What directories and segments say was capped when they were decoded.
        buffer.clear();
        buffer.resize(place.sealed_bytes as usize, 0);
        self.objects().storage().read_range(&name, place.offset, buffer).map_err(call_damage)?;
        keys.unseal_frame(&name, place, buffer).map_err(call_damage)
    }

    pub(super) fn pack_keys(&self, pack: &PackId, pack_bytes: u64) -> Result<Arc<PackKeys>> {
        let cached = || lock(&self.pack_keys).get(pack).cloned();
        if let Some(keys) = cached() {
            return Ok(keys);
        }
        let _work = match self.keys_in_work.claim_unless(*pack, cached) {
            Ok(work) => work,
            Err(keys) => return Ok(keys),
        };
        let keys = PackKeys::read(&**self.objects().storage(), self.objects().keys(), &pack_name(pack), pack_bytes);
        Ok(self.keep_keys(pack, keys.map_err(call_damage)?))
    }

    pub(super) fn keep_keys(&self, pack: &PackId, keys: PackKeys) -> Arc<PackKeys> {
        let keys = Arc::new(keys);
        let mut kept = lock(&self.pack_keys);
        if kept.len() >= PACK_KEYS_MAX {
            kept.clear();
        }
        kept.insert(*pack, Arc::clone(&keys));
        keys
    }

    fn cut_out(&self, kind: PackKind, id: &ChunkId, place: &Location, frame: Arc<Vec<u8>>) -> Result<FrameBytes> {
        let range = place.chunk_offset as usize..place.chunk_offset as usize + place.chunk_bytes as usize;
        match frame.get(range.clone()) {
            Some(plain) if self.verify(kind, id, plain) => Ok(FrameBytes { frame, range }),
            _ => Err(Error::damaged(format!("chunk {} in pack {}", id.short(), place.pack.short()), "its bytes do not have its id")),
        }
    }

    /// Whether `plain` has the id `id`.
    pub fn verify(&self, kind: PackKind, id: &ChunkId, plain: &[u8]) -> bool {
        let identify = &self.objects().keys().identify;
        let found = match kind {
            PackKind::Data => identify.data_chunk(plain),
            PackKind::Meta => identify.meta_chunk(plain),
        };
        found == *id
    }
}

/// A repository that this version may open has no packs of a later one: where a header says so, a bit
/// of it has flipped, and another place of the chunk may be whole.
pub(super) fn call_damage(error: Error) -> Error {
    if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::WrongKey) { error.with_kind(ErrorKind::Damaged) } else { error }
}

/// A frame: its number and its pack. Frames that are kept are mostly of one pack, so the number, which
/// is compared first, tells them apart.
type FrameKey = (u32, PackId);

/// The frames that were opened last. So few are kept that looking through them all is quick.
#[derive(Default)]
struct FrameCache {
    frames: VecDeque<(FrameKey, Arc<Vec<u8>>)>,
    plain_bytes: usize,
}

impl FrameCache {
    fn get(&mut self, key: &FrameKey) -> Option<Arc<Vec<u8>>> {
        let at = self.frames.iter().position(|(kept, _)| kept == key)?;
        let entry = self.frames.remove(at)?;
        let frame = Arc::clone(&entry.1);
        self.frames.push_front(entry);
        Some(frame)
    }

    fn insert(&mut self, key: FrameKey, frame: Arc<Vec<u8>>) {
        self.plain_bytes += frame.len();
        self.frames.push_front((key, frame));
        while self.plain_bytes > FRAME_CACHE_BYTES && self.frames.len() > 1 {
            if let Some((_, dropped)) = self.frames.pop_back() {
                self.plain_bytes -= dropped.len();
            }
        }
    }
}
