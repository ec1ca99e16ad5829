//! The entries of two folders side by side, in order of their names.
//!
//! Pages that both folders share are skipped without being read. As pages are cut where the names say
//! so, two versions of a folder of a million entries fall back into step at the next page after a
//! change, and comparing them reads the pages that differ and the inner pages above them.

use std::cmp::Ordering;

use super::pages::PagePlace;
use crate::error::Result;
use crate::id::ChunkId;
use crate::manifest::{Node, Page, TreeRef};
use crate::repository::ChunkReader;

/// The entries of one folder: those of the page that is open, and the pages behind it.
#[derive(Default)]
pub struct Entries {
    nodes: std::vec::IntoIter<Node>,
    /// The next one last.
    pages: Vec<PagePlace>,
}

impl Entries {
    /// The entries of a directory.
    pub fn of_tree(tree: &TreeRef) -> Self {
        Self { nodes: Vec::new().into_iter(), pages: vec![PagePlace::root(tree)] }
    }

    /// Entries that are at hand, sorted by name.
    pub fn of_nodes(nodes: Vec<Node>) -> Self {
        Self { nodes: nodes.into_iter(), pages: Vec::new() }
    }

    fn peek(&self) -> Option<&Node> {
        self.nodes.as_slice().first()
    }

    fn open_next(&mut self, reader: &ChunkReader<'_>) -> Result<()> {
        let Some(place) = self.pages.pop() else { return Ok(()) };
        match place.read(reader)? {
            Page::Leaf(nodes) => self.nodes = nodes.into_iter(),
            Page::Inner(refs) => {
                let begin = self.pages.len();
                self.pages.extend(place.below(refs));
                self.pages[begin..].reverse();
            }
        }
        Ok(())
    }
}

/// The entries of an old and a new folder. Holds one page of each.
pub struct Paired {
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
            let key = |entries: &Entries| entries.pages.last().map(PagePlace::key);
            let (old_page, new_page) = (key(&self.old), key(&self.new));
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
                        let depth = |page: Option<(ChunkId, u8, u64)>| page.map(|(_, depth, _)| depth);
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
