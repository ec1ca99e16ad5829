//! The entries of two folders side by side, in order of their names.
//!
//! Pages that both folders share are skipped without being read. As pages are cut where the names say
//! so, two versions of a folder of a million entries fall back into step at the next page after a
//! change, and comparing them reads the pages that differ and the inner pages above them.

use std::cmp::Ordering;

use super::nodes::NodeStream;
use super::pages::PagePlace;
use crate::error::Result;
use crate::id::ChunkId;
use crate::manifest::Node;

/// The entries of an old and a new folder. Holds one page of each.
pub struct Paired<'r> {
    old: NodeStream<'r>,
    new: NodeStream<'r>,
}

impl<'r> Paired<'r> {
    /// Both folders; nothing of either was read before.
    pub fn new(old: NodeStream<'r>, new: NodeStream<'r>) -> Self {
        Self { old, new }
    }

    /// The next name and the entries that have it; `None` at the end. Entries in shared pages are
    /// left out.
    ///
    /// # Errors
    /// `NotFound`, `Damaged`, `Unsupported` when a page cannot be read. What follows then would be
    /// paired wrongly: the rest of both folders has to be left alone.
    pub fn next_pair(&mut self) -> Result<Option<(Option<Node>, Option<Node>)>> {
        self.fill()?;
        let order = match (self.old.peek(), self.new.peek()) {
            (None, None) => return Ok(None),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => old.name.cmp(&new.name),
        };
        let old = if order.is_le() { self.old.next_node()? } else { None };
        let new = if order.is_ge() { self.new.next_node()? } else { None };
        Ok(Some((old, new)))
    }

    /// Opens pages until each side has an entry or is at its end.
    fn fill(&mut self) -> Result<()> {
        loop {
            let key = |nodes: &NodeStream<'_>| nodes.next_page().map(PagePlace::key);
            let (old_page, new_page) = (key(&self.old), key(&self.new));
            match (self.old.peek().is_none(), self.new.peek().is_none()) {
                // Both stand between two pages behind the same name: only here can a page be shared.
                (true, true) => match (old_page, new_page) {
                    (None, None) => return Ok(()),
                    (Some(old), Some(new)) if old == new => {
                        self.old.skip_page();
                        self.new.skip_page();
                    }
                    (old, new) => {
                        // The deeper side first, until both are about to open leaves.
                        let depth = |page: Option<(ChunkId, u8, u64)>| page.map(|(_, depth, _)| depth);
                        if depth(old) >= depth(new) {
                            self.old.open_page()?;
                        }
                        if depth(new) >= depth(old) {
                            self.new.open_page()?;
                        }
                    }
                },
                (true, false) if old_page.is_some() => self.old.open_page()?,
                (false, true) if new_page.is_some() => self.new.open_page()?,
                _ => return Ok(()),
            }
        }
    }
}
