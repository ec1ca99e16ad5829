//! The pages of trees and content lists, checked against what the pages above say of them.

use crate::error::Result;
use crate::id::ChunkId;
use crate::manifest::{ListPage, Page, PageRef, TreeRef};
use crate::repository::ChunkReader;
use crate::wire;

/// What the pages above say of a page. Whoever reads a tree page reads it through this, so that all refuse
/// the same.
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

    /// Reads and checks the page.
    ///
    /// # Errors
    /// `NotFound`, `Damaged`, `Unsupported`.
    pub fn read(&self, reader: &ChunkReader<'_>) -> Result<Page> {
        self.decode(&reader.meta_chunk(&self.id)?)
    }

    /// Checks the page that these bytes are. Its names must lie between those of its neighbours: a folder
    /// that shows one name twice, or another to a search than to a walk, is refused.
    ///
    /// # Errors
    /// `Damaged`, `Unsupported`.
    pub fn decode(&self, bytes: &[u8]) -> Result<Page> {
        let page: Page = wire::decode(bytes, "a tree page")?;
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

/// Reads and checks a page of a content list, of which its reference says that it is at `depth` and stands
/// for `bytes` of the file.
///
/// # Errors
/// `NotFound`, `Damaged`.
pub fn read_list_page(reader: &ChunkReader<'_>, id: &ChunkId, depth: u8, bytes: u64) -> Result<ListPage> {
    decode_list_page(&reader.meta_chunk(id)?, depth, bytes)
}

/// As [`read_list_page`], of a page that was read.
///
/// # Errors
/// `Damaged`.
pub fn decode_list_page(encoded: &[u8], depth: u8, bytes: u64) -> Result<ListPage> {
    let page: ListPage = wire::decode(encoded, "a list page")?;
    page.check(depth, bytes)?;
    Ok(page)
}
