//! The content of a file: data and holes, in order, in the node or in list pages.
//!
//! Up to [`CONTENT_ITEMS_IN_NODE`] items stand in the node. A longer list moves into list pages that
//! are chunks themselves, cut where the bytes of an id say so, and the pages' references take the
//! items' place, level by level. A change in the middle of a file of millions of chunks so rewrites
//! the page around it and one page per level above, not the list.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::id::ChunkId;

/// So many items at most stand in a node itself.
pub const CONTENT_ITEMS_IN_NODE: usize = 256;
/// A list page has so many items at most.
const PAGE_ITEMS_MAX: usize = 1024;
/// A list page is not cut before it has so many items, unless the list ends.
const PAGE_ITEMS_MIN: usize = 128;
/// A page ends after an id whose first two bytes have these bits clear: one id in 256.
const CUT_MASK: u16 = 0x00ff;
/// 256 items of one page each of 128 or more, four levels deep, are beyond 2^60 bytes.
const DEPTH_MAX: u8 = 8;

/// One piece of a file, or of its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Item {
    /// A chunk, or at depth above 0 a list page, and how many bytes of the file it stands for.
    Chunk(ChunkId, u64),
    /// So many zero bytes that take no space.
    Hole(u64),
}

impl Item {
    /// How many bytes of the file it stands for.
    pub fn bytes(&self) -> u64 {
        match *self {
            Item::Chunk(_, bytes) | Item::Hole(bytes) => bytes,
        }
    }

    /// The chunk; none for a hole.
    pub fn chunk(&self) -> Option<&ChunkId> {
        match self {
            Item::Chunk(id, _) => Some(id),
            Item::Hole(_) => None,
        }
    }
}

/// The top of a content list: at depth 0 the items are chunks and holes, above they are pages of
/// the depth below.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentList {
    /// How many levels of pages lie below.
    pub depth: u8,
    /// The items, in file order.
    pub items: Vec<Item>,
}

impl ContentList {
    /// Checks the list of a file of `file_bytes`.
    ///
    /// # Errors
    /// `Damaged` when counts, depth or lengths do not fit.
    pub fn check(&self, file_bytes: u64) -> Result<()> {
        if self.items.len() > CONTENT_ITEMS_IN_NODE || self.depth > DEPTH_MAX {
            return Err(Error::damaged("a node", "its content list is too long"));
        }
        if self.items.is_empty() && self.depth > 0 {
            return Err(Error::damaged("a node", "its content list has pages and no item"));
        }
        check_items(&self.items, self.depth, file_bytes, "a node")
    }
}

fn check_items(items: &[Item], depth: u8, bytes: u64, what: &str) -> Result<()> {
    let mut sum = 0u64;
    for item in items {
        if item.bytes() == 0 {
            return Err(Error::damaged(what, "its content list has an empty item"));
        }
        if depth > 0 && matches!(item, Item::Hole(_)) {
            return Err(Error::damaged(what, "its content list has a hole among its pages"));
        }
        sum = sum.checked_add(item.bytes()).ok_or_else(|| Error::damaged(what, "its content is too long"))?;
    }
    if sum != bytes { Err(Error::damaged(what, "its content does not add up to its length")) } else { Ok(()) }
}

/// A page of a content list, stored as a chunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListPage {
    /// 0 when the items are chunks and holes; else pages of the depth below.
    pub depth: u8,
    /// 1 to 1,024 items.
    pub items: Vec<Item>,
}

impl ListPage {
    /// Checks a page that its reference says to be of `depth` and to stand for `bytes`.
    ///
    /// # Errors
    /// `Damaged`.
    pub fn check(&self, depth: u8, bytes: u64) -> Result<()> {
        if self.depth != depth || self.items.is_empty() || self.items.len() > PAGE_ITEMS_MAX {
            return Err(Error::damaged("a list page", "it has another depth or count than its reference"));
        }
        check_items(&self.items, depth, bytes, "a list page")
    }
}

/// Builds a content list from items in order, handing out each page as it is full.
#[derive(Debug, Default)]
pub struct ListWriter {
    /// Items that wait at each depth; the last level is the one that may end in the node.
    levels: Vec<Vec<Item>>,
}

impl ListWriter {
    /// Adds the next item. `store` keeps a page and returns its id.
    ///
    /// # Errors
    /// Those of `store`.
    pub fn push(&mut self, item: Item, store: &mut dyn FnMut(&ListPage) -> Result<ChunkId>) -> Result<()> {
        self.push_at(0, item, store)
    }

    fn push_at(&mut self, depth: usize, item: Item, store: &mut dyn FnMut(&ListPage) -> Result<ChunkId>) -> Result<()> {
        if self.levels.len() == depth {
            self.levels.push(Vec::new());
        }
        let level = &mut self.levels[depth];
        level.push(item);
        // Nothing is cut until the whole list is known not to fit a node, but where it is cut does
        // not depend on that: the rule looks at the items alone.
        let is_top = self.levels.len() == depth + 1;
        if is_top && self.levels[depth].len() <= CONTENT_ITEMS_IN_NODE {
            return Ok(());
        }
        let mut start = 0;
        let items = std::mem::take(&mut self.levels[depth]);
        let scan_from = if is_top { 0 } else { items.len() - 1 };
        for at in scan_from..items.len() {
            if ends_page(&items[at], at + 1 - start) {
                let page = ListPage { depth: depth as u8, items: items[start..=at].to_vec() };
                let bytes = page.items.iter().map(Item::bytes).sum();
                let id = store(&page)?;
                start = at + 1;
                self.levels[depth] = items[start..].to_vec();
                self.push_at(depth + 1, Item::Chunk(id, bytes), store)?;
            }
        }
        if start == 0 {
            self.levels[depth] = items;
        }
        Ok(())
    }

    /// Closes the list.
    ///
    /// # Errors
    /// Those of `store`.
    pub fn finish(mut self, store: &mut dyn FnMut(&ListPage) -> Result<ChunkId>) -> Result<ContentList> {
        let mut depth = 0;
        while depth < self.levels.len() {
            let is_top = depth + 1 == self.levels.len();
            if is_top && self.levels[depth].len() <= CONTENT_ITEMS_IN_NODE {
                return Ok(ContentList { depth: depth as u8, items: std::mem::take(&mut self.levels[depth]) });
            }
            let items = std::mem::take(&mut self.levels[depth]);
            if !items.is_empty() {
                let page = ListPage { depth: depth as u8, items };
                let bytes = page.items.iter().map(Item::bytes).sum();
                let id = store(&page)?;
                self.push_at(depth + 1, Item::Chunk(id, bytes), store)?;
            }
            depth += 1;
        }
        Ok(ContentList::default())
    }
}

/// Whether a page ends after `item`, the `count`th of its page.
fn ends_page(item: &Item, count: usize) -> bool {
    let cut = match item {
        Item::Chunk(id, _) => u16::from_le_bytes([id.0[0], id.0[1]]) & CUT_MASK == 0,
        Item::Hole(_) => false,
    };
    count >= PAGE_ITEMS_MAX || (cut && count >= PAGE_ITEMS_MIN)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::wire;

    #[derive(Default)]
    struct Pages(HashMap<ChunkId, ListPage>);

    impl Pages {
        fn store(&mut self, page: &ListPage) -> Result<ChunkId> {
            let id = ChunkId(*blake3::hash(&wire::encode(page)).as_bytes());
            self.0.insert(id, page.clone());
            Ok(id)
        }

        fn write(&mut self, items: &[Item]) -> ContentList {
            let mut writer = ListWriter::default();
            for item in items {
                writer.push(*item, &mut |page| self.store(page)).unwrap();
            }
            writer.finish(&mut |page| self.store(page)).unwrap()
        }

        fn read(&self, list: &ContentList) -> Vec<Item> {
            let mut items = list.items.clone();
            for depth in (0..list.depth).rev() {
                items = items
                    .iter()
                    .flat_map(|item| match item {
                        Item::Chunk(id, bytes) => {
                            let page = &self.0[id];
                            page.check(depth, *bytes).unwrap();
                            page.items.clone()
                        }
                        Item::Hole(_) => panic!("a hole above the leaves"),
                    })
                    .collect();
            }
            items
        }
    }

    fn items(count: u32) -> Vec<Item> {
        (0..count).map(|n| Item::Chunk(ChunkId(*blake3::hash(&n.to_le_bytes()).as_bytes()), 16384)).collect()
    }

    #[test]
    fn lists_of_every_length_come_back_in_order() {
        for count in [0, 1, 256, 257, 1024, 5000, 300_000] {
            let mut pages = Pages::default();
            let items = items(count);
            let list = pages.write(&items);
            list.check(u64::from(count) * 16384).unwrap();
            assert!(pages.read(&list) == items, "{count} items differ");
        }
    }

    #[test]
    fn lists_that_contradict_themselves_are_refused() {
        let chunk = |bytes| Item::Chunk(ChunkId([1; 32]), bytes);
        let wrong = |depth: u8, items: Vec<Item>, bytes: u64| {
            assert!(ContentList { depth, items: items.clone() }.check(bytes).unwrap_err().is_damage(), "{items:?}");
            assert!(ListPage { depth, items: items.clone() }.check(depth, bytes).unwrap_err().is_damage(), "{items:?}");
        };
        wrong(0, vec![chunk(0)], 0);
        wrong(0, vec![Item::Hole(5)], 6);
        wrong(0, vec![chunk(u64::MAX), chunk(2)], 1);
        wrong(1, vec![chunk(5), Item::Hole(5)], 10);
        wrong(1, Vec::new(), 0);
        ContentList::default().check(0).unwrap();
        ContentList { depth: 1, items: vec![chunk(5), chunk(5)] }.check(10).unwrap();
    }

    #[test]
    fn holes_alone_do_not_make_a_page_longer_than_its_limit() {
        let mut pages = Pages::default();
        let list = pages.write(&vec![Item::Hole(4096); 5000]);
        assert!(pages.0.values().all(|page| page.items.len() <= PAGE_ITEMS_MAX));
        assert_eq!(pages.read(&list).len(), 5000);
    }

    #[test]
    fn one_changed_chunk_among_many_rewrites_few_pages() {
        let mut pages = Pages::default();
        let mut items = items(200_000);
        pages.write(&items);
        let before = pages.0.len();
        items[100_000] = Item::Chunk(ChunkId([7; 32]), 16384);
        pages.write(&items);
        assert!(pages.0.len() - before <= 4, "{} new pages", pages.0.len() - before);
    }
}
