//! The entries of one directory.

use super::ahead::{Ahead, Key, key_below};
use super::pages::PagePlace;
use crate::error::Result;
use crate::manifest::{Node, Page, TreeRef};
use crate::repository::ChunkReader;

/// The nodes of one directory, in order of their names, read page by page as they are asked for.
pub struct NodeStream<'r> {
    reader: &'r ChunkReader,
    nodes: std::vec::IntoIter<Node>,
    /// Pages yet to be read, the next one last.
    pages: Vec<PagePlace>,
    ahead: Option<AheadOf<'r>>,
}

/// Where a stream stands, for who reads ahead of it.
struct AheadOf<'r> {
    ahead: &'r Ahead<'r>,
    /// The keys of the pages yet to be read.
    pages: Vec<Key>,
    /// The key of the page that is open, and how many nodes are on it.
    open: Key,
    nodes: usize,
}

impl<'r> NodeStream<'r> {
    /// The nodes of `tree`.
    pub fn new(reader: &'r ChunkReader, tree: &TreeRef) -> Self {
        Self { reader, nodes: Vec::new().into_iter(), pages: vec![PagePlace::root(tree)], ahead: None }
    }

    /// The nodes of `tree`, to which a walk comes at `key` that has its pages read ahead.
    pub(super) fn ahead(reader: &'r ChunkReader, tree: &TreeRef, ahead: &'r Ahead<'r>, key: Key) -> Self {
        let ahead = AheadOf { ahead, pages: vec![key], open: Key::new(), nodes: 0 };
        Self { ahead: Some(ahead), ..Self::new(reader, tree) }
    }

    /// The nodes of `tree`, the one with this number of those that a walk begins with; its pages, and those of the
    /// folders below it, may be read `ahead`.
    pub fn of_root(reader: &'r ChunkReader, tree: &TreeRef, ahead: Option<&'r Ahead<'r>>, number: usize) -> Self {
        match ahead {
            Some(ahead) => Self::ahead(reader, tree, ahead, key_below(&[], number)),
            None => Self::new(reader, tree),
        }
    }

    /// The nodes of `tree`, the folder that is the last node which was given.
    pub fn below_last(&self, tree: &TreeRef) -> Self {
        match &self.ahead {
            Some(AheadOf { ahead, .. }) => Self::ahead(self.reader, tree, ahead, self.key_of_last()),
            None => Self::new(self.reader, tree),
        }
    }

    /// The key of the folder that is the last node which was given.
    pub(super) fn key_of_last(&self) -> Key {
        let Some(AheadOf { open, nodes, .. }) = &self.ahead else { return Key::new() };
        key_below(open, (nodes - self.nodes.len()).saturating_sub(1))
    }

    /// Nodes that are at hand, sorted by name.
    pub fn of_nodes(reader: &'r ChunkReader, nodes: Vec<Node>) -> Self {
        Self { reader, nodes: nodes.into_iter(), pages: Vec::new(), ahead: None }
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
            if self.pages.is_empty() {
                return Ok(None);
            }
            self.open_page()?;
        }
    }

    /// The next node of the page that is open.
    pub(super) fn peek(&self) -> Option<&Node> {
        self.nodes.as_slice().first()
    }

    /// The page behind the one that is open.
    pub(super) fn next_page(&self) -> Option<&PagePlace> {
        self.pages.last()
    }

    /// Leaves out the page behind the one that is open.
    pub(super) fn skip_page(&mut self) {
        self.pages.pop();
    }

    /// Reads the next page: a leaf is open then, and the pages of an inner one come next. The one that was open
    /// is at its end.
    ///
    /// # Errors
    /// As [`NodeStream::next_node`].
    pub(super) fn open_page(&mut self) -> Result<()> {
        let Some(place) = self.pages.pop() else { return Ok(()) };
        let page = match &mut self.ahead {
            Some(AheadOf { ahead, pages, open, nodes }) => {
                (*open, *nodes) = (pages.pop().unwrap_or_default(), 0);
                ahead.take(open, &place, self.reader)?
            }
            None => place.read(self.reader)?,
        };
        match page {
            Page::Leaf(nodes) => self.nodes = nodes.into_iter(),
            Page::Inner(refs) => {
                let begin = self.pages.len();
                self.pages.extend(place.below(refs));
                self.pages[begin..].reverse();
                if let Some(AheadOf { pages, open, .. }) = &mut self.ahead {
                    pages.extend((0..self.pages.len() - begin).rev().map(|number| key_below(open, number)));
                }
            }
        }
        if let Some(ahead) = &mut self.ahead {
            ahead.nodes = self.nodes.len();
        }
        Ok(())
    }

    /// The node called `name`, going down one path of pages.
    ///
    /// # Errors
    /// As [`NodeStream::next_node`].
    pub fn find(reader: &ChunkReader, tree: &TreeRef, name: &[u8]) -> Result<Option<Node>> {
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
