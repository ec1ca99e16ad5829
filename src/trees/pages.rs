//! The pages of trees and content lists, checked against what the pages above say of them.

use std::ops::Range;

use crate::error::Result;
use crate::id::ChunkId;
use crate::manifest::{ContentList, Item, ListPage, Page, PageRef, TreeRef};
use crate::repository::{ChunkReader, FrameBytes};
use crate::wire;

/// Where pages are read.
pub trait PageReader {
    /// The bytes of a page of a tree or of a content list, verified by its id.
    ///
    /// # Errors
    /// `NotFound`, `Damaged`.
    fn read_page(&self, id: &ChunkId) -> Result<FrameBytes>;
}

impl PageReader for ChunkReader {
    fn read_page(&self, id: &ChunkId) -> Result<FrameBytes> {
        self.meta_chunk(id)
    }
}

/// A page of a tree, and what the pages above say of it. Every tree page is read through this, so that all
/// readers refuse the same.
#[derive(Clone, Debug)]
pub struct PagePlace {
    id: ChunkId,
    depth: u8,
    entries: u64,
    /// All names come after this one; empty for the first page.
    after: Vec<u8>,
    /// The last name; the root page may end with any.
    last_name: Option<Vec<u8>>,
}

impl PagePlace {
    /// The place of the root page of a directory.
    pub fn root(tree: &TreeRef) -> Self {
        Self { id: tree.id, depth: tree.depth, entries: tree.entries, after: Vec::new(), last_name: None }
    }

    /// The page.
    pub fn id(&self) -> &ChunkId {
        &self.id
    }

    /// The page as its reference alone has it, without its neighbours: its id, its depth and the entries
    /// below it. Pages that agree in these hold the same.
    pub fn key(&self) -> (ChunkId, u8, u64) {
        (self.id, self.depth, self.entries)
    }

    /// The names between which those of the page must lie; none for a root page.
    pub fn bounds(&self) -> Option<(&[u8], &[u8])> {
        self.last_name.as_deref().map(|last_name| (self.after.as_slice(), last_name))
    }

    /// Reads and checks the page. Its names must lie between those of its neighbours: a folder that shows one
    /// name twice, or another to a search than to a walk, is refused.
    ///
    /// # Errors
    /// `NotFound`, `Damaged`, `Unsupported`.
    pub fn read<R: PageReader + ?Sized>(&self, reader: &R) -> Result<Page> {
        let page: Page = wire::decode(&reader.read_page(&self.id)?, "a tree page")?;
        page.check(self.depth, self.entries)?;
        page.check_between(&self.after, self.last_name.as_deref())?;
        Ok(page)
    }

    /// The places of the pages that `refs` of this page lead to; a checked inner page is not at depth 0.
    pub fn below(&self, refs: Vec<PageRef>) -> impl Iterator<Item = PagePlace> {
        let (mut after, depth) = (self.after.clone(), self.depth.saturating_sub(1));
        refs.into_iter().map(move |PageRef { last_name, id, entries }| {
            let after = std::mem::replace(&mut after, last_name.clone());
            PagePlace { id, depth, entries, after, last_name: Some(last_name) }
        })
    }
}

/// A page of a content list, and what the list or the page above says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListPlace {
    id: ChunkId,
    depth: u8,
    offset: u64,
    bytes: u64,
}

impl ListPlace {
    /// The page `id` at `depth`, 0 when its items are chunks and holes. It stands for `bytes` of the file from
    /// `offset` on.
    pub(super) fn new(id: ChunkId, depth: u8, offset: u64, bytes: u64) -> Self {
        Self { id, depth, offset, bytes }
    }

    /// The page.
    pub fn id(&self) -> &ChunkId {
        &self.id
    }

    /// The page as its reference has it: its id, its depth and its bytes. Pages that agree in these hold the
    /// same.
    pub fn key(&self) -> (ChunkId, u8, u64) {
        (self.id, self.depth, self.bytes)
    }

    /// The bytes of the file that it stands for.
    pub fn range(&self) -> Range<u64> {
        // Lengths that passed a check add up to that of the file; others end where a file must.
        self.offset..self.offset.saturating_add(self.bytes)
    }

    /// A list of this page alone.
    pub fn to_list(&self) -> ContentList {
        ContentList { depth: self.depth + 1, items: vec![Item::Chunk(self.id, self.bytes)] }
    }

    /// Reads and checks the page.
    ///
    /// # Errors
    /// `NotFound`, `Damaged`.
    pub(super) fn read<R: PageReader + ?Sized>(&self, reader: &R) -> Result<ListPage> {
        let page: ListPage = wire::decode(&reader.read_page(&self.id)?, "a list page")?;
        page.check(self.depth, self.bytes)?;
        Ok(page)
    }
}
