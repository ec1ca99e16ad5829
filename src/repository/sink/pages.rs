//! Stores the pages of trees that are built.

use super::Sink;
use crate::error::Result;
use crate::id::ChunkId;
use crate::manifest::PageStore;

/// Stores the pages of trees in a sink.
pub struct SinkPages<'s> {
    /// The sink.
    pub sink: &'s Sink,
    /// The hashes of the repository.
    pub identify: &'s crate::crypto::Identify,
}

impl PageStore for SinkPages<'_> {
    fn hash_name(&self, name: &[u8]) -> u32 {
        self.identify.name_hash(name)
    }

    fn store_page(&mut self, encoded: &[u8]) -> Result<ChunkId> {
        self.sink.store_meta(encoded)
    }
}
