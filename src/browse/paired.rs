//! The entries of two folders side by side, in order of their names.
//!
//! Pages that both folders share are skipped without being read. As pages are cut where the names say
//! so, two versions of a folder of a million entries fall back into step at the next page after a
//! change, and comparing them reads the pages that differ and the inner pages above them.

use std::cmp::Ordering;

use crate::error::Result;
use crate::id::ChunkId;
use crate::manifest::{Node, Page, TreeRef};
use crate::repository::ChunkReader;
use crate::wire;

/// A page yet to be read: what its reference says.
#[derive(Clone, Copy, PartialEq, Eq)]
struct PageAt {
    id: ChunkId,
    depth: u8,
    entries: u64,
}

/// The entries of one folder: those of the page that is open, and the pages behind it.
#[derive(Default)]
pub(super) struct Entries {
    nodes: std::vec::IntoIter<Node>,
    /// The next one last.
    pages: Vec<PageAt>,
}

impl Entries {
    /// The entries of a directory.
    pub fn of_tree(tree: &TreeRef) -> Self {
        let root = PageAt { id: tree.id, depth: tree.depth, entries: tree.entries };
        Self { nodes: Vec::new().into_iter(), pages: vec![root] }
    }

    /// Entries that are at hand, sorted by name.
    pub fn of_nodes(nodes: Vec<Node>) -> Self {
        Self { nodes: nodes.into_iter(), pages: Vec::new() }
    }

    fn peek(&self) -> Option<&Node> {
        self.nodes.as_slice().first()
    }

    fn open_next(&mut self, reader: &ChunkReader<'_>) -> Result<()> {
        let Some(PageAt { id, depth, entries }) = self.pages.pop() else { return Ok(()) };
        let page: Page = wire::decode(&reader.meta_chunk(&id)?, "a tree page")?;
        page.check(depth, entries)?;
        match page {
            Page::Leaf(nodes) => self.nodes = nodes.into_iter(),
            // A page with references was checked to be at a depth above 0.
            Page::Inner(refs) => {
                self.pages.extend(refs.iter().rev().map(|page| PageAt { id: page.id, depth: depth - 1, entries: page.entries }))
            }
        }
        Ok(())
    }
}

/// The entries of an old and a new folder. Holds one page of each.
pub(super) struct Paired {
    old: Entries,
    new: Entries,
}

impl Paired {
    /// Both folders from their beginning.
    pub fn new(old: Entries, new: Entries) -> Self {
        Self { old, new }
    }

    /// The next name and the entries that have it; `None` at the end. Entries in shared pages are
    /// left out.
    ///
    /// # Errors
    /// `NotFound`, `Damaged`, `Unsupported` when a page cannot be read. What follows then would be
    /// paired wrongly: the rest of both folders has to be left alone.
    pub fn next(&mut self, reader: &ChunkReader<'_>) -> Result<Option<(Option<Node>, Option<Node>)>> {
        self.fill(reader)?;
        let order = match (self.old.peek(), self.new.peek()) {
            (None, None) => return Ok(None),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => old.name.cmp(&new.name),
        };
        let old = if order.is_le() { self.old.nodes.next() } else { None };
        let new = if order.is_ge() { self.new.nodes.next() } else { None };
        Ok(Some((old, new)))
    }

    /// Opens pages until each side has an entry or is at its end.
    fn fill(&mut self, reader: &ChunkReader<'_>) -> Result<()> {
        loop {
            let (old_page, new_page) = (self.old.pages.last().copied(), self.new.pages.last().copied());
            match (self.old.peek().is_none(), self.new.peek().is_none()) {
                // Both stand between two pages behind the same name: only here can a page be shared.
                (true, true) => match (old_page, new_page) {
                    (None, None) => return Ok(()),
                    (Some(old), Some(new)) if old == new => {
                        self.old.pages.pop();
                        self.new.pages.pop();
                    }
                    (old, new) => {
                        // The deeper side first, until both are about to open leaves.
                        let depth = |page: Option<PageAt>| page.map(|page| page.depth);
                        if depth(old) >= depth(new) {
                            self.old.open_next(reader)?;
                        }
                        if depth(new) >= depth(old) {
                            self.new.open_next(reader)?;
                        }
                    }
                },
                (true, false) if old_page.is_some() => self.old.open_next(reader)?,
                (false, true) if new_page.is_some() => self.new.open_next(reader)?,
                _ => return Ok(()),
            }
        }
    }
}
