//! Takes over packs that an interrupted run has left: whole, durable, and named by no segment.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use super::{Sink, lock};
use crate::error::Result;
use crate::id::PackId;
use crate::index::IndexedPack;
use crate::repository::layout;
use crate::repository::packs::read_contents;
use crate::storage::Storage;

impl Sink<'_> {
    /// Takes over packs that no segment names.
    pub(super) fn adopt_packs(&self) -> Result<()> {
        let known = self.known.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        let named: HashSet<PackId> = known.index.packs().into_iter().map(|(id, _, _)| id).collect();
        drop(known);
        let orphans: Vec<(PackId, u64)> =
            lock(&self.listing).packs().iter().filter(|(id, _)| !named.contains(id)).map(|(id, bytes)| (*id, *bytes)).collect();
        for (id, bytes) in orphans {
            // What cannot be read is left alone: it is of no use, and not ours to judge here.
            let Some(pack) = self.read_orphan(id, bytes)? else { continue };
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

    fn read_orphan(&self, id: PackId, bytes: u64) -> Result<Option<IndexedPack>> {
        let storage = &**self.repository.storage();
        let name = layout::pack_name(&id);
        if self.repository.keys().algorithm == crate::crypto::Algorithm::None && !has_hash(storage, &name, bytes, &id)? {
            return Ok(None);
        }
        read_contents(self.repository, id, bytes)
    }
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
