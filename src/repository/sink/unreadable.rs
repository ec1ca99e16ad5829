//! A page counts as known only when it can be read.
//!
//! Pages are few beside the content that they stand for, and a snapshot that refers to one that is damaged
//! loses all that lies below it. So a page that the index names is read before a run relies on it, and one
//! that cannot be read is stored again. Content is not read: that would be to read the whole repository.

use std::sync::atomic::Ordering;

use super::{Sink, lock};
use crate::id::ChunkId;

impl Sink {
    /// Takes a page that was not claimed, because it is known, for the caller to store again: true the first
    /// time that one cannot be read.
    pub(super) fn claim_unreadable(&self, id: &ChunkId) -> bool {
        // What this run stores, or has taken over after it read all of it.
        let is_taken = || lock(self.shard(id)).contains(id);
        // Whatever keeps it from being read: a page that is stored once more harms nobody.
        if is_taken() || self.reader.meta_chunk(id).is_ok() || !lock(self.shard(id)).insert(*id) {
            return false;
        }
        self.since_checkpoint.fetch_add(1, Ordering::Relaxed);
        self.counts.pages_unreadable.fetch_add(1, Ordering::Relaxed);
        true
    }
}
