//! One folder that is being built, beside the same folder of the base.
//!
//! It finds by itself what is the same, what is not there any more, and from where the folder differs. What the walk
//! took over without a look is told by its numbers in the base: numbers that do not follow each other show what is
//! gone. What was looked at is searched in the base by its name. A folder in which nothing was looked at and nothing
//! is gone keeps its tree: nothing is read, encoded or hashed for it.

use std::ops::Range;

use super::cursor::{BaseCursor, InBase};
use super::entries::Entries;
use crate::error::{Error, Result};
use crate::manifest::{Content, Node, PageStore, TreeRef};
use crate::repository::ChunkReader;

/// A folder that is being built.
pub(super) struct Building<'b> {
    /// Its node, which has no content yet.
    pub node: Node,
    /// The same folder in the base.
    pub base: Option<Box<InBase>>,
    tree: Option<(&'b ChunkReader, TreeRef)>,
    /// So many entries of the base, from the first one on, are unchanged.
    same: u64,
    /// Opened when the first entry is searched.
    cursor: Option<BaseCursor<'b>>,
    /// The first of the unchanged ones, as far as the cursor has come: they need not be read again.
    passed: Vec<Node>,
    /// From the first difference on, all entries.
    entries: Option<Entries>,
    is_held: bool,
}

impl<'b> Building<'b> {
    /// A folder; entries of one that `is_held` may come in any order.
    pub(super) fn new(node: Node, base: Option<Box<InBase>>, reader: Option<&'b ChunkReader>, is_held: bool) -> Self {
        let tree = base.as_ref().and_then(|base| match &base.node.content {
            Content::Directory(tree) => Some(*tree),
            _ => None,
        });
        Self { node, base, tree: reader.zip(tree), same: 0, cursor: None, passed: Vec::new(), entries: None, is_held }
    }

    /// The entries of the base with these numbers stay as they are.
    ///
    /// # Errors
    /// Those of the repository.
    pub(super) fn keep(&mut self, numbers: Range<u64>, pages: &mut dyn PageStore) -> Result<()> {
        if self.tree.is_none() {
            return Err(Error::damaged("the base", "it does not have a folder of which entries stay"));
        }
        if self.entries.is_none() && numbers.start == self.same {
            self.same = numbers.end;
            return Ok(());
        }
        self.differ(pages)?;
        if let (Some(cursor), Some(entries)) = (cursor_at(&mut self.cursor, self.tree.as_ref(), numbers.start), &mut self.entries) {
            cursor.pass_to(numbers.start, &mut |_| Ok(()))?;
            cursor.pass_to(numbers.end, &mut |node| entries.push(node, pages))?;
        }
        Ok(())
    }

    /// The entry of the base that has this name; smaller ones are not searched any more.
    ///
    /// # Errors
    /// Those of the repository. What of the base cannot be read is not there: the walk has told that.
    pub(super) fn find(&mut self, name: &[u8]) -> Result<Option<InBase>> {
        let Some((reader, tree)) = &self.tree else { return Ok(None) };
        let cursor = self.cursor.get_or_insert_with(|| BaseCursor::new(reader, tree));
        if self.entries.is_none() {
            let (is_held, passed) = (self.is_held, &mut self.passed);
            cursor.pass_to(self.same, &mut |node| {
                if is_held {
                    passed.push(node);
                }
                Ok(())
            })?;
        }
        Ok(cursor.take(name))
    }

    /// Adds an entry, which is `base` there if it is in it.
    ///
    /// # Errors
    /// Those of the repository.
    pub(super) fn push(&mut self, node: Node, base: Option<&InBase>, pages: &mut dyn PageStore) -> Result<()> {
        if self.entries.is_none() && base.is_some_and(|base| base.number == self.same && base.node == node) {
            self.same += 1;
            // A folder is not searched, so the cursor may stand before it.
            if self.is_held && self.cursor.as_ref().is_some_and(|cursor| cursor.passed() == self.same) {
                self.passed.push(node);
            }
            return Ok(());
        }
        self.differ(pages)?;
        self.entries.get_or_insert_with(|| Entries::new(self.is_held)).push(node, pages)
    }

    /// From here on the folder differs from the base: takes what was the same so far from there.
    fn differ(&mut self, pages: &mut dyn PageStore) -> Result<()> {
        if self.entries.is_some() {
            return Ok(());
        }
        let mut entries = Entries::new(self.is_held);
        let passed = std::mem::take(&mut self.passed);
        let begin = passed.len() as u64;
        for node in passed {
            entries.push(node, pages)?;
        }
        if begin < self.same
            && let Some(cursor) = cursor_at(&mut self.cursor, self.tree.as_ref(), begin)
        {
            cursor.pass_to(self.same, &mut |node| entries.push(node, pages))?;
        }
        self.entries = Some(entries);
        Ok(())
    }

    /// Its tree, when all entries are there.
    ///
    /// # Errors
    /// Those of the repository.
    pub(super) fn finish(&mut self, pages: &mut dyn PageStore) -> Result<TreeRef> {
        // The page of an empty folder was not read: it is made again, and stored where it is missing.
        let is_same = |tree: &TreeRef| self.entries.is_none() && tree.entries == self.same && tree.entries > 0;
        if let Some((_, tree)) = self.tree.filter(|(_, tree)| is_same(tree)) {
            return Ok(tree);
        }
        self.differ(pages)?;
        self.entries.take().unwrap_or_else(|| Entries::new(self.is_held)).finish(pages)
    }
}

/// The cursor where at most `number` entries are passed: what is behind it is read again.
fn cursor_at<'c, 'b>(
    cursor: &'c mut Option<BaseCursor<'b>>,
    tree: Option<&(&'b ChunkReader, TreeRef)>,
    number: u64,
) -> Option<&'c mut BaseCursor<'b>> {
    let (reader, tree) = tree?;
    if cursor.as_ref().is_none_or(|cursor| cursor.passed() > number) {
        *cursor = Some(BaseCursor::new(reader, tree));
    }
    cursor.as_mut()
}
