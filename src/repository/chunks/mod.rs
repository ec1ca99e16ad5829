//! Finds and reads chunks: the index over the packs that are there, and the frames in them.
//!
//! [`Chunks`] opens the index and hands out readers. Most of this room is about what is not as it should be: segments that
//! cannot be read, packs that no segment names, chunks that lie in several places of which one is bad.

mod in_work;
mod packs;
mod proven;
mod read;
mod read_together;
mod salvage;
mod segments;
mod unnamed;

pub use packs::PackListing;
pub use read::{ChunkReader, FrameBytes};
pub use salvage::UnreadableSegment;
pub use segments::split_segments;
pub use unnamed::UnnamedPacks;

pub(super) use packs::read_whole_contents;

use std::sync::Arc;

use crate::error::Result;
use crate::index::Index;
use crate::repository::objects::Objects;
use crate::storage::ask_both;

/// The chunks of one repository, and the index that finds them. Cheap to clone.
#[derive(Clone)]
pub struct Chunks {
    objects: Objects,
}

/// How the segments of an index are read that this machine has no tables of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::repository) enum Pace {
    /// By as many threads as there are.
    Together,
    /// One after the other, by the thread that asks: for who reads while others work, such as the builder of trees in
    /// the middle of a snapshot, and has nothing to do with the threads that those have.
    OneByOne,
}

impl Chunks {
    pub(super) fn new(objects: Objects) -> Self {
        Self { objects }
    }

    /// The objects that they lie in.
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// Opens the index over the segments that are listed now.
    ///
    /// # Errors
    /// Those of the storage; `Damaged` when a segment is.
    pub fn open_index(&self) -> Result<Index> {
        self.open_index_by(Pace::Together)
    }

    /// As [`Chunks::open_index`], at a pace.
    pub(in crate::repository) fn open_index_by(&self, pace: Pace) -> Result<Index> {
        let tables = self.objects.cache().map(|cache| cache.tables());
        let storage = &**self.objects.storage();
        let (spared, listed) = ask_both(storage, || self.list_set_aside_segments(), || self.objects.list_segments_to_load());
        let (spared, (segments, at_once)) = (spared?, listed?);
        let at_once = if pace == Pace::OneByOne { 1 } else { at_once };
        Index::open_sparing(tables.as_deref(), &spared, &segments, at_once, &|id| self.objects.read_segment(id))
    }

    /// A reader for those who only read: it goes on without index segments that cannot be read (see
    /// [`ChunkReader::unreadable_segments`]).
    ///
    /// # Errors
    /// Those of the storage that are no damage.
    pub fn reader(&self) -> Result<ChunkReader> {
        let (index, unreadable) = self.open_index_to_read(Pace::Together)?;
        Ok(self.reader_with(Arc::new(index)).sparing(unreadable))
    }

    /// A reader over an index that is open already. What the index does not name is not there.
    pub fn reader_with(&self, index: Arc<Index>) -> ChunkReader {
        ChunkReader::new(self.clone(), index)
    }
}
