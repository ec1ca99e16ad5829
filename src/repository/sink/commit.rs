//! Makes what was stored count: packs are durable first, then the segment that names them, then nothing is forgotten.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Known, Sink, lock};
use crate::error::{Error, ErrorKind, Result};
use crate::index::{IndexSegment, IndexedPack};
use crate::pack::{FinishedPack, PackKind};
use crate::repository::chunks::split_segments;
use crate::repository::layout;

impl Sink {
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

    fn publish_packs(&self, packs: Vec<(PackKind, FinishedPack)>, forget: bool) -> Result<()> {
        // The packs are taken out of the list: a second try would know nothing of them, and pass.
        self.try_publish_packs(packs, forget).map_err(|error| self.fail(error))
    }

    fn try_publish_packs(&self, packs: Vec<(PackKind, FinishedPack)>, forget: bool) -> Result<()> {
        let storage = self.objects().storage();
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
                let (id, bytes) = self.objects().publish_segment(self.run, segment)?;
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
        let index = Arc::new(self.chunks.open_index()?);
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
