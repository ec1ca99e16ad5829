//! Frames that lie beside each other in a pack, read by one request: for storages where one costs more than bytes.
//!
//! The header, which has the keys to the frames, is read along where it lies near.

use std::ops::Range;
use std::sync::Arc;

use super::read::{ChunkReader, call_damage, lock};
use crate::error::{Error, Result};
use crate::id::PackId;
use crate::pack::{FRAME_PLAIN_BYTES_MAX, FRAME_SEALED_BYTES_MAX, FramePlace, HEAD_BYTES, PackKeys};
use crate::repository::layout::pack_name;
use crate::storage::Share;

/// Opens the stored bytes of a frame.
type Open<'o> = dyn Fn(&PackKeys, &str, &FramePlace, &mut [u8]) -> Result<Vec<u8>> + 'o;

/// Bytes of a pack, and the keys to the frames in them.
pub(super) struct Together {
    keys: Arc<PackKeys>,
    begin: u64,
    bytes: Vec<u8>,
}

impl Together {
    /// Opens one of its frames, in place.
    pub fn open(&mut self, name: &str, place: &FramePlace, open: &Open<'_>) -> Result<Vec<u8>> {
        let Range { start, end } = place.range();
        let at = |offset: u64| offset.checked_sub(self.begin).and_then(|at| usize::try_from(at).ok());
        let sealed = at(start).zip(at(end)).and_then(|(start, end)| self.bytes.get_mut(start..end));
        open(&self.keys, name, place, sealed.ok_or_else(|| Error::damaged(name, "it ends within a frame"))?)
    }
}

impl ChunkReader {
    /// Reads and opens frames of one pack, past the cache, and gives `each` what became of them, with their number in
    /// `places`. By one request: they lie beside each other.
    pub fn read_frames_beside(&self, pack: &PackId, pack_bytes: u64, places: &[FramePlace], each: &mut dyn FnMut(usize, Result<Vec<u8>>)) {
        self.read_beside((pack, pack_bytes), places, &PackKeys::unpack_frame, each);
    }

    /// As [`ChunkReader::read_frames_beside`], but leaves them compressed.
    pub fn read_packed_frames_beside(
        &self,
        pack: &PackId,
        pack_bytes: u64,
        places: &[FramePlace],
        each: &mut dyn FnMut(usize, Result<Vec<u8>>),
    ) {
        let unseal =
            |keys: &PackKeys, name: &str, place: &FramePlace, sealed: &mut [u8]| keys.unseal_frame(name, place, sealed).map(<[u8]>::to_vec);
        self.read_beside((pack, pack_bytes), places, &unseal, each);
    }

    fn read_beside(
        &self,
        (pack, pack_bytes): (&PackId, u64),
        places: &[FramePlace],
        open: &Open<'_>,
        each: &mut dyn FnMut(usize, Result<Vec<u8>>),
    ) {
        let name = pack_name(pack);
        let _share = self.share(places);
        let mut together = self.read_together(pack, pack_bytes, places).ok();
        for (at, place) in places.iter().enumerate() {
            let opened = match &mut together {
                Some(together) => together.open(&name, place, open),
                // One by one, so that one that is damaged costs no other.
                None => {
                    self.read_together(pack, pack_bytes, std::slice::from_ref(place)).and_then(|mut alone| alone.open(&name, place, open))
                }
            };
            each(at, opened.map_err(call_damage));
        }
    }

    /// The right to have these frames in memory, all sealed and one of them plain: for the time until they are used up.
    pub(super) fn share(&self, places: &[FramePlace]) -> Option<Share<'_>> {
        let begin = places.iter().map(|place| place.offset).min().unwrap_or_default();
        let end = places.iter().map(|place| place.range().end).max().unwrap_or_default();
        // What is longer than frames are is refused.
        let plain = places.iter().map(|place| place.plain_bytes.min(FRAME_PLAIN_BYTES_MAX)).max().unwrap_or_default();
        self.objects().share_memory(end.saturating_sub(begin).saturating_add(u64::from(plain)))
    }

    /// Reads all bytes of a pack from the first of these frames to the last, and the keys to it.
    ///
    /// # Errors
    /// As [`ChunkReader::read_frame`].
    pub(super) fn read_together(&self, pack: &PackId, pack_bytes: u64, places: &[FramePlace]) -> Result<Together> {
        let (storage, name) = (&**self.objects().storage(), pack_name(pack));
        if places.iter().any(|place| place.sealed_bytes > FRAME_SEALED_BYTES_MAX) {
            return Err(Error::damaged(&name, "a frame claims to be longer than frames are"));
        }
        let start = places.iter().map(|place| place.offset).min().unwrap_or_default();
        let end = places.iter().map(|place| place.range().end).max().unwrap_or_default();
        let known = lock(&self.pack_keys).get(pack).cloned();
        let is_near = known.is_none() && start <= storage.properties().gap_bytes && end >= HEAD_BYTES;
        // One reads the header along, and whoever else wants the keys waits for that, with frames that are read meanwhile.
        let head = if is_near { self.keys_in_work.claim_if_free(*pack) } else { None };
        let begin = if head.is_some() { 0 } else { start };
        let mut bytes = vec![0; (end - begin) as usize];
        storage.read_range(&name, begin, &mut bytes).map_err(call_damage)?;
        let keys = match (known, head) {
            (Some(keys), _) => keys,
            (None, None) => self.pack_keys(pack, pack_bytes)?,
            (None, Some(work)) => match PackKeys::of_head(self.objects().keys(), &bytes, &name) {
                Ok(keys) => self.keep_keys(pack, keys),
                Err(_) => {
                    // What is wrong with it, or that it is unusually long, is found where headers are read.
                    drop(work);
                    self.pack_keys(pack, pack_bytes)?
                }
            },
        };
        Ok(Together { keys, begin, bytes })
    }
}
