//! A directory as pages: leaf pages of nodes sorted by name, under inner pages where one leaf is not
//! enough.
//!
//! Pages are cut where a keyed hash of a name says so, so that adding an entry to a directory of a
//! million rewrites the page around it and one page per level, and an observer who can guess names
//! cannot force the cuts. Pages are encoded as they fill; a directory is never held whole.

use serde::{Deserialize, Serialize};

use super::node::{Node, TreeRef, check_name};
use crate::error::{Error, Result};
use crate::id::ChunkId;
use crate::wire;

/// A page is not cut by a name before it has so many bytes.
const PAGE_BYTES_MIN: usize = 32 * 1024;
/// A page is cut when it has so many bytes, whatever the names say.
const PAGE_BYTES_MAX: usize = 256 * 1024;
/// Encoded entries are about 280 bytes in a leaf, so one name in 128 makes pages of about 64 KiB.
const CUT_MASK: u32 = 127;
/// Four inner levels of 64 KiB pages reach beyond 10^9 entries.
const DEPTH_MAX: u8 = 8;

/// One reference of an inner page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageRef {
    /// The last name below, so that a search goes down one path.
    #[serde(with = "serde_bytes")]
    pub last_name: Vec<u8>,
    /// The page.
    pub id: ChunkId,
    /// Entries below.
    pub entries: u64,
}

/// One page of a directory, stored as a chunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Page {
    /// Entries, sorted by name.
    Leaf(Vec<Node>),
    /// Pages of the level below, sorted by last name.
    Inner(Vec<PageRef>),
}

impl Page {
    /// Checks order and contents of a page whose reference says that it is at `depth` and has
    /// `entries` entries below.
    ///
    /// # Errors
    /// `Damaged`, or `Unsupported` for an unknown critical extension of a node.
    pub fn check(&self, depth: u8, entries: u64) -> Result<()> {
        let (is_leaf, sorted, count) = match self {
            Page::Leaf(nodes) => {
                nodes.iter().try_for_each(Node::check)?;
                (true, nodes.windows(2).all(|pair| pair[0].name < pair[1].name), Some(nodes.len() as u64))
            }
            Page::Inner(refs) => {
                refs.iter().try_for_each(|page| check_name(&page.last_name))?;
                let sorted = refs.windows(2).all(|pair| pair[0].last_name < pair[1].last_name);
                let count = refs.iter().try_fold(0u64, |sum, page| sum.checked_add(page.entries));
                (false, sorted && !refs.is_empty(), count)
            }
        };
        if is_leaf != (depth == 0) || depth > DEPTH_MAX {
            return Err(Error::damaged("a tree page", "it is at another depth than its reference says"));
        }
        if !sorted {
            return Err(Error::damaged("a tree page", "its entries are not in order"));
        }
        if count != Some(entries) {
            return Err(Error::damaged("a tree page", "it has another number of entries than its reference says"));
        }
        Ok(())
    }
}

impl Page {
    /// Checks that the names of a page that [`Page::check`] passed come after `after`, and that the last
    /// is `last_name` where the reference above names it.
    ///
    /// # Errors
    /// `Damaged`.
    pub fn check_between(&self, after: &[u8], last_name: Option<&[u8]>) -> Result<()> {
        let (first, last) = match self {
            Page::Leaf(nodes) => (nodes.first().map(|node| &node.name), nodes.last().map(|node| &node.name)),
            // Only the last name below a reference is known here; the pages below are checked in turn.
            Page::Inner(refs) => (refs.first().map(|page| &page.last_name), refs.last().map(|page| &page.last_name)),
        };
        if first.is_some_and(|first| first.as_slice() <= after) || last_name.is_some_and(|name| last.map(Vec::as_slice) != Some(name)) {
            return Err(Error::damaged("a tree page", "its names lie outside the range of its reference"));
        }
        Ok(())
    }
}

/// Builds the pages of one directory from nodes in order of their names.
#[derive(Debug, Default)]
pub struct TreeWriter {
    leaf: Vec<Node>,
    leaf_bytes: usize,
    /// References that wait at each inner level.
    inner: Vec<Vec<PageRef>>,
    encoded: Vec<u8>,
}

/// What a [`TreeWriter`] needs from outside: a keyed hash of names, and a place for pages.
pub trait PageStore {
    /// 32 bits of a keyed hash of `name`.
    fn hash_name(&self, name: &[u8]) -> u32;
    /// Keeps an encoded page and returns its id.
    ///
    /// # Errors
    /// Those of the repository.
    fn store_page(&mut self, encoded: &[u8]) -> Result<ChunkId>;
}

impl TreeWriter {
    /// Adds the next node; names must ascend.
    ///
    /// # Errors
    /// Those of `store`; `Damaged` for a node that no reader would accept: it would take the others of
    /// its page with it.
    pub fn push(&mut self, node: Node, store: &mut dyn PageStore) -> Result<()> {
        node.check()?;
        debug_assert!(self.leaf.last().is_none_or(|last| last.name < node.name), "names ascend");
        self.encoded.clear();
        wire::encode_into(&node, &mut self.encoded);
        self.leaf_bytes += self.encoded.len();
        let cut = self.leaf_bytes >= PAGE_BYTES_MAX || (self.leaf_bytes >= PAGE_BYTES_MIN && store.hash_name(&node.name) & CUT_MASK == 0);
        self.leaf.push(node);
        if cut { self.close_leaf(store) } else { Ok(()) }
    }

    fn close_leaf(&mut self, store: &mut dyn PageStore) -> Result<()> {
        let nodes = std::mem::take(&mut self.leaf);
        self.leaf_bytes = 0;
        let entries = nodes.len() as u64;
        let last_name = nodes.last().map(|node| node.name.clone()).unwrap_or_default();
        let id = self.store(&Page::Leaf(nodes), store)?;
        self.push_ref(0, PageRef { last_name, id, entries }, store)
    }

    fn push_ref(&mut self, level: usize, page: PageRef, store: &mut dyn PageStore) -> Result<()> {
        if self.inner.len() == level {
            self.inner.push(Vec::new());
        }
        // The bits above those that cut the leaves: the last name of a leaf has those clear already.
        let cuts = store.hash_name(&page.last_name).rotate_right(7 * (level as u32 + 1)) & CUT_MASK == 0;
        let refs = &mut self.inner[level];
        refs.push(page);
        let bytes: usize = refs.len() * 64;
        if bytes >= PAGE_BYTES_MAX || (bytes >= PAGE_BYTES_MIN && cuts) { self.close_inner(level, store) } else { Ok(()) }
    }

    fn close_inner(&mut self, level: usize, store: &mut dyn PageStore) -> Result<()> {
        let refs = std::mem::take(&mut self.inner[level]);
        let entries = refs.iter().map(|page| page.entries).sum();
        let last_name = refs.last().map(|page| page.last_name.clone()).unwrap_or_default();
        let id = self.store(&Page::Inner(refs), store)?;
        self.push_ref(level + 1, PageRef { last_name, id, entries }, store)
    }

    fn store(&mut self, page: &Page, store: &mut dyn PageStore) -> Result<ChunkId> {
        self.encoded.clear();
        wire::encode_into(page, &mut self.encoded);
        store.store_page(&self.encoded)
    }

    /// Closes the directory; one without entries is an empty leaf.
    ///
    /// # Errors
    /// Those of `store`.
    pub fn finish(mut self, store: &mut dyn PageStore) -> Result<TreeRef> {
        if !self.leaf.is_empty() || self.inner.is_empty() {
            self.close_leaf(store)?;
        }
        let mut level = 0;
        loop {
            let is_top = level + 1 == self.inner.len();
            match self.inner[level].as_slice() {
                [only] if is_top => return Ok(TreeRef { id: only.id, depth: level as u8, entries: only.entries }),
                [] => {}
                _ => self.close_inner(level, store)?,
            }
            level += 1;
        }
    }
}

#[cfg(test)]
mod tests;
