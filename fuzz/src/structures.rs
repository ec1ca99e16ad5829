//! The structures inside sealed objects. Their seal keeps strangers out, but not a thief of the key,
//! and a repository without encryption has none.

use serde::Serialize;
use serde::de::DeserializeOwned;
use strongroom::index::IndexSegment;
use strongroom::manifest::{
    ABSENT, AbsentChunks, CONTENT_ITEMS_IN_NODE, Content, HEALED, HealedChunks, Item, ListPage, Manifest, PIN, Page, Pin, REMOVED, Record,
    Removed, KEPT, Kept, SETTING, SETTINGS, Setting, Settings, TAG, TOMBSTONE, TagChange, Tombstone, UNFORGOTTEN, Unforgotten,
};
use strongroom::pack::PackDirectory;
use strongroom::wire;

/// What decodes encodes to the same bytes.
fn decode<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let value: T = wire::decode(bytes, "input").ok()?;
    assert_eq!(wire::encode(&value), bytes);
    Some(value)
}

/// A page of a folder: its own number of entries is accepted, any other refused.
pub fn tree_page(bytes: &[u8]) {
    let Some(page) = decode::<Page>(bytes) else { return };
    let (depth, entries) = match &page {
        Page::Leaf(nodes) => (0, nodes.len() as u64),
        Page::Inner(pages) => (1, pages.iter().fold(0, |sum: u64, page| sum.wrapping_add(page.entries))),
    };
    if page.check(depth, entries).is_err() {
        return;
    }
    assert!(page.check(1 - depth, entries).is_err() && page.check(depth, entries.wrapping_add(1)).is_err());
    let Page::Leaf(nodes) = page else { return };
    for node in nodes {
        assert!(!node.name.contains(&b'/') && node.name != b"..", "no name leads out of its folder");
        if let Content::File(file_bytes, list) = &node.content {
            assert!(list.items.len() <= CONTENT_ITEMS_IN_NODE);
            assert_eq!(list.items.iter().map(Item::bytes).sum::<u64>(), *file_bytes);
        }
    }
}

/// A page of a content list.
pub fn list_page(bytes: &[u8]) {
    let Some(page) = decode::<ListPage>(bytes) else { return };
    let file_bytes = page.items.iter().fold(0, |sum: u64, item| sum.wrapping_add(item.bytes()));
    if page.check(page.depth, file_bytes).is_ok() {
        assert!(page.check(page.depth.wrapping_add(1), file_bytes).is_err());
        assert!(page.check(page.depth, file_bytes.wrapping_add(1)).is_err());
    }
}

/// The directory of a pack of 64 MiB.
pub fn pack_directory(bytes: &[u8]) {
    const BEGIN: u64 = 130;
    const END: u64 = 64 << 20;
    let Some(directory) = decode::<PackDirectory>(bytes) else { return };
    if directory.check(BEGIN, END).is_ok() {
        let sealed_bytes: u64 = directory.frames.iter().map(|frame| u64::from(frame.sealed_bytes)).sum();
        assert!(sealed_bytes <= END - BEGIN, "frames that do not overlap fit into their pack");
    }
}

/// An index segment.
pub fn index_segment(bytes: &[u8]) {
    if let Ok(segment) = IndexSegment::decode(bytes) {
        assert_eq!(segment.encode(), bytes);
        assert_eq!(IndexSegment::new(segment.packs.clone()).packs, segment.packs, "its packs are sorted and each is there once");
        assert!(segment.chunk_count() * 36 <= bytes.len() as u64);
    }
}

/// A manifest.
pub fn manifest(bytes: &[u8]) {
    let Ok(manifest) = Manifest::decode(bytes) else { return };
    assert_eq!(manifest.encode(), bytes);
    for entry in &manifest.entries {
        assert!(entry.path.starts_with(b"/") && entry.path.split(|byte| *byte == b'/').all(|part| part != b".."));
    }
}

/// A record, and what it says where that is a structure of its own.
pub fn record(bytes: &[u8]) {
    let Ok(record) = Record::decode(bytes) else { return };
    assert_eq!(record.encode(), bytes);
    let _ = record.check_known();
    let payload = &record.payload;
    match record.record_type {
        SETTINGS => drop(decode::<Settings>(payload)),
        ABSENT => drop(decode::<AbsentChunks>(payload)),
        TAG => drop(decode::<TagChange>(payload)),
        PIN => drop(decode::<Pin>(payload)),
        TOMBSTONE => drop(decode::<Tombstone>(payload)),
        UNFORGOTTEN => drop(decode::<Unforgotten>(payload)),
        KEPT => drop(decode::<Kept>(payload)),
        SETTING => drop(decode::<Setting>(payload)),
        HEALED => drop(decode::<HealedChunks>(payload)),
        REMOVED => drop(decode::<Removed>(payload)),
        _ => {}
    }
}
