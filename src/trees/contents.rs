//! The content of one file.

use super::pages::read_list_page;
use crate::error::{Error, Result};
use crate::manifest::{ContentList, Item};
use crate::repository::ChunkReader;

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
