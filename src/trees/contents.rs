//! The content of one file, piece by piece.

use std::ops::Range;

use super::pages::{ListPlace, PageReader};
use crate::error::{Error, Result};
use crate::id::ChunkId;
use crate::manifest::{ContentList, Item};

/// A piece of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A chunk.
    Chunk {
        /// Its id.
        id: ChunkId,
        /// Where in the file it begins.
        offset: u64,
        /// Its length, as the list has it.
        bytes: u64,
    },
    /// Zero bytes that take no space.
    Hole(Range<u64>),
}

/// What a walk through a content list tells, in the order of the file. A closure that takes pieces is one that
/// stops at the first page that cannot be read.
///
/// An error that a method returns ends the walk.
pub trait ContentVisitor {
    /// Takes the next piece.
    ///
    /// # Errors
    /// As the visitor likes.
    fn take(&mut self, piece: Piece) -> Result<()>;

    /// The next page of the list. False: the walk goes on behind it.
    ///
    /// # Errors
    /// As the visitor likes.
    fn enter(&mut self, _page: &ListPlace) -> Result<bool> {
        Ok(true)
    }

    /// A page that cannot be read. The walk goes on behind it, unless this returns an error: `error` to stop.
    ///
    /// # Errors
    /// As the visitor likes.
    fn lose(&mut self, _page: &ListPlace, error: Error) -> Result<()> {
        Err(error)
    }
}

impl<F: FnMut(Piece) -> Result<()>> ContentVisitor for F {
    fn take(&mut self, piece: Piece) -> Result<()> {
        self(piece)
    }
}

/// Walks through a content list from the beginning of the file to its end. One page is held for each level.
///
/// # Errors
/// Those of `visitor`; `Damaged` when a list that was never checked has a hole among its pages.
pub fn visit_content<R, V>(reader: &R, list: &ContentList, visitor: &mut V) -> Result<()>
where
    R: PageReader + ?Sized,
    V: ContentVisitor + ?Sized,
{
    visit_items(reader, list.depth, &list.items, 0, visitor)
}

/// Calls itself once for each level of pages; a list that was checked has at most 8.
fn visit_items<R, V>(reader: &R, depth: u8, items: &[Item], mut offset: u64, visitor: &mut V) -> Result<()>
where
    R: PageReader + ?Sized,
    V: ContentVisitor + ?Sized,
{
    for item in items {
        let bytes = item.bytes();
        let end = offset.saturating_add(bytes);
        match (*item, depth.checked_sub(1)) {
            (Item::Chunk(id, _), None) => visitor.take(Piece::Chunk { id, offset, bytes })?,
            (Item::Hole(_), None) => visitor.take(Piece::Hole(offset..end))?,
            (Item::Hole(_), Some(_)) => return Err(Error::damaged("a content list", "it has a hole among its pages")),
            (Item::Chunk(id, _), Some(below)) => {
                let page = ListPlace::new(id, below, offset, bytes);
                if visitor.enter(&page)? {
                    match page.read(reader) {
                        Ok(read) => visit_items(reader, below, &read.items, offset, visitor)?,
                        Err(error) => visitor.lose(&page, error)?,
                    }
                }
            }
        }
        offset = end;
    }
    Ok(())
}
