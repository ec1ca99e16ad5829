//! The entries of one directory.

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
}

impl<'r> NodeStream<'r> {
    /// The nodes of `tree`.
    pub fn new(reader: &'r ChunkReader, tree: &TreeRef) -> Self {
        Self { reader, nodes: Vec::new().into_iter(), pages: vec![PagePlace::root(tree)] }
    }

    /// Nodes that are at hand, sorted by name.
    pub fn of_nodes(reader: &'r ChunkReader, nodes: Vec<Node>) -> Self {
        Self { reader, nodes: nodes.into_iter(), pages: Vec::new() }
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
        match place.read(self.reader)? {
            Page::Leaf(nodes) => self.nodes = nodes.into_iter(),
            Page::Inner(refs) => {
                let begin = self.pages.len();
                self.pages.extend(place.below(refs));
                self.pages[begin..].reverse();
            }
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
