//! Reads and writes trees and content lists, page by page.

use super::read::ChunkReader;
use super::sink::Sink;
use crate::error::{Error, Result};
use crate::id::ChunkId;
use crate::manifest::{ContentList, Item, ListPage, Node, Page, PageRef, PageStore, TreeRef};
use crate::wire;

/// Stores the pages of trees in a sink.
pub struct SinkPages<'s, 'a> {
    /// The sink.
    pub sink: &'s Sink<'a>,
    /// The hashes of the repository.
    pub identify: &'s crate::crypto::Identify,
}

impl PageStore for SinkPages<'_, '_> {
    fn hash_name(&self, name: &[u8]) -> u32 {
        self.identify.name_hash(name)
    }

    fn store_page(&mut self, encoded: &[u8]) -> Result<ChunkId> {
        self.sink.store_meta(encoded)
    }
}

/// The nodes of one directory, in order of their names, read page by page as they are asked for.
pub struct NodeStream<'r, 'a> {
    reader: &'r ChunkReader<'a>,
    /// Pages yet to be read, the next one last.
    pages: Vec<PagePlace>,
    nodes: std::vec::IntoIter<Node>,
}

impl<'r, 'a> NodeStream<'r, 'a> {
    /// The nodes of `tree`.
    pub fn new(reader: &'r ChunkReader<'a>, tree: &TreeRef) -> Self {
        Self { reader, pages: vec![PagePlace::root(tree)], nodes: Vec::new().into_iter() }
    }

    /// The next node, `None` at the end.
    ///
    /// # Errors
    /// `NotFound`, `Damaged`, `Unsupported`. After an error the rest of the page that could not be
    /// read is skipped, so that asking again goes on with what can be.
    pub fn next_node(&mut self) -> Result<Option<Node>> {
        loop {
            if let Some(node) = self.nodes.next() {
                return Ok(Some(node));
            }
            let Some(place) = self.pages.pop() else { return Ok(None) };
            match place.read(self.reader)? {
                Page::Leaf(nodes) => self.nodes = nodes.into_iter(),
                Page::Inner(refs) => {
                    let begin = self.pages.len();
                    self.pages.extend(place.below(refs));
                    self.pages[begin..].reverse();
                }
            }
        }
    }

    /// The node called `name`, going down one path of pages.
    ///
    /// # Errors
    /// As [`NodeStream::next_node`].
    pub fn find(reader: &ChunkReader<'_>, tree: &TreeRef, name: &[u8]) -> Result<Option<Node>> {
        let mut place = PagePlace::root(tree);
        loop {
            match place.read(reader)? {
                Page::Leaf(mut nodes) => {
                    let at = nodes.binary_search_by(|node| node.name.as_slice().cmp(name));
                    return Ok(at.ok().map(|at| nodes.swap_remove(at)));
                }
                Page::Inner(refs) => {
                    let at = refs.partition_point(|page| page.last_name.as_slice() < name);
                    let Some(next) = place.below(refs).nth(at) else { return Ok(None) };
                    place = next;
                }
            }
        }
    }
}

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

/// Hands out the chunks and holes of a file, in order.
///
/// # Errors
/// `NotFound`, `Damaged`; those of `each`.
pub fn read_content_items(reader: &ChunkReader<'_>, list: &ContentList, each: &mut dyn FnMut(Item) -> Result<()>) -> Result<()> {
    // Depth-first over pages; at most one page of references is held for each level.
    let mut waiting: Vec<(u8, std::vec::IntoIter<Item>)> = vec![(list.depth, list.items.clone().into_iter())];
    while let Some((depth, items)) = waiting.last_mut() {
        let depth = *depth;
        match items.next() {
            None => {
                waiting.pop();
            }
            Some(item) if depth == 0 => each(item)?,
            Some(Item::Hole(_)) => return Err(Error::damaged("a content list", "it has a hole among its pages")),
            Some(Item::Chunk(id, bytes)) => {
                waiting.push((depth - 1, read_list_page(reader, &id, depth - 1, bytes)?.items.into_iter()));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "trees_tests.rs"]
mod tests;
