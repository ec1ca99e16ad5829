//! Takes over packs that an interrupted run has left: whole, durable, and named by no segment.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use super::{Sink, lock};
use crate::error::Result;
use crate::id::PackId;
use crate::repository::chunks::read_whole_contents;

impl Sink {
    /// Takes over packs that no segment names.
    pub(super) fn adopt_packs(&self) -> Result<()> {
        let known = self.known.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        let named: HashSet<PackId> = known.index.packs().into_iter().map(|(id, _, _)| id).collect();
        drop(known);
        let orphans: Vec<(PackId, u64)> =
            lock(&self.listing).packs().iter().filter(|(id, _)| !named.contains(id)).map(|(id, bytes)| (*id, *bytes)).collect();
        for (id, bytes) in orphans {
            // What cannot be read is left alone: it is of no use, and not ours to judge here. It is read whole: the
            // snapshot that is reported rests on it, and nobody else has looked at it since it was written.
            let Some(pack) = read_whole_contents(self.objects(), id, bytes)? else { continue };
            for chunk in pack.frames.iter().flat_map(|frame| &frame.chunks) {
                // A chunk that is recorded as lost may be recorded because of this very pack.
                if !self.absent.contains(&chunk.id) {
                    lock(self.shard(&chunk.id)).insert(chunk.id);
                }
            }
            self.counts.packs_adopted.fetch_add(1, Ordering::Relaxed);
            lock(&self.adopted).push(pack);
        }
        Ok(())
    }
}
