//! The pieces of a file in order, from its content list.
//!
//! A list page that cannot be read costs the bytes that it stands for; the pages after it are read all
//! the same, so that as much of the file comes back as there is.

use std::ops::Range;

use super::task::is_shortage;
use crate::error::Result;
use crate::id::ChunkId;
use crate::manifest::{ContentList, Item};
use crate::repository::ChunkReader;
use crate::trees::read_list_page;

/// A piece of a file.
#[derive(Debug)]
pub(super) enum Piece {
    /// A chunk of so many bytes, at an offset of the file.
    Chunk(ChunkId, u64, u64),
    /// Zero bytes that take no space.
    Hole(Range<u64>),
    /// Bytes of which nothing is known.
    Lost(Range<u64>),
}

/// Hands out the pieces of the file with the content `list`, in order. One page is held for each
/// level of the list.
///
/// # Errors
/// Those of `each`; when the system is short of something.
pub(super) fn each_piece(reader: &ChunkReader<'_>, list: &ContentList, each: &mut dyn FnMut(Piece) -> Result<()>) -> Result<()> {
    let mut offset = 0u64;
    let mut waiting = vec![(list.depth, list.items.clone().into_iter())];
    while let Some((depth, items)) = waiting.last_mut() {
        let depth = *depth;
        let Some(item) = items.next() else {
            waiting.pop();
            continue;
        };
        // Lengths were added up and checked against the file's before, so this cannot overflow in a
        // list that passed; one that did not is cut off at the end of what a file can hold.
        let end = offset.saturating_add(item.bytes());
        match item {
            Item::Hole(_) if depth == 0 => each(Piece::Hole(offset..end))?,
            Item::Chunk(id, bytes) if depth == 0 => each(Piece::Chunk(id, offset, bytes))?,
            Item::Hole(_) => each(Piece::Lost(offset..end))?,
            Item::Chunk(id, bytes) => match read_list_page(reader, &id, depth - 1, bytes) {
                Ok(page) => {
                    waiting.push((depth - 1, page.items.into_iter()));
                    continue;
                }
                Err(error) if is_shortage(&error) => return Err(error),
                Err(_) => each(Piece::Lost(offset..end))?,
            },
        }
        offset = end;
    }
    Ok(())
}
