//! Pages of large directories.

use std::collections::HashMap;

use super::*;
use crate::manifest::{Content, Metadata};
use crate::wire::Extensions;

#[derive(Default)]
struct Pages(HashMap<ChunkId, Page>);

impl PageStore for Pages {
    fn hash_name(&self, name: &[u8]) -> u32 {
        let hash = blake3::hash(name);
        let bytes = hash.as_bytes();
        u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
    }

    fn store_page(&mut self, encoded: &[u8]) -> Result<ChunkId> {
        let id = ChunkId(*blake3::hash(encoded).as_bytes());
        self.0.insert(id, wire::decode(encoded, "a page")?);
        Ok(id)
    }
}

impl Pages {
    fn write(&mut self, nodes: impl IntoIterator<Item = Node>) -> TreeRef {
        let mut writer = TreeWriter::default();
        for node in nodes {
            writer.push(node, self).unwrap();
        }
        writer.finish(self).unwrap()
    }

    /// All names in order, with every page checked on the way.
    fn names(&self, id: &ChunkId, depth: u8, entries: u64, after: &[u8], last_name: Option<&[u8]>) -> Vec<Vec<u8>> {
        let page = &self.0[id];
        page.check(depth, entries).unwrap();
        page.check_between(after, last_name).unwrap();
        match page {
            Page::Leaf(nodes) => nodes.iter().map(|node| node.name.clone()).collect(),
            Page::Inner(refs) => {
                let mut after = after.to_vec();
                let mut names = Vec::new();
                for below in refs {
                    names.extend(self.names(&below.id, depth - 1, below.entries, &after, Some(&below.last_name)));
                    after.clone_from(&below.last_name);
                }
                names
            }
        }
    }
}

fn node(name: impl Into<Vec<u8>>) -> Node {
    Node { name: name.into(), metadata: Metadata::default(), content: Content::Fifo, flags: 0, extensions: Extensions::none() }
}

fn many(count: u32) -> Vec<Node> {
    (0..count).map(|n| node(format!("entry-{n:07}"))).collect()
}

#[test]
fn directories_of_every_size_come_back_in_order() {
    for count in [0, 1, 2, 300, 5000, 100_000] {
        let mut pages = Pages::default();
        let tree = pages.write(many(count));
        assert_eq!(tree.entries, u64::from(count));
        let names = pages.names(&tree.id, tree.depth, tree.entries, b"", None);
        assert!(names == many(count).into_iter().map(|node| node.name).collect::<Vec<_>>(), "{count} entries");
    }
}

#[test]
fn one_more_entry_among_a_hundred_thousand_rewrites_few_pages() {
    let mut pages = Pages::default();
    let mut nodes = many(100_000);
    let before = pages.write(nodes.clone());
    assert!(before.depth >= 1, "it has inner pages");
    let count = pages.0.len();
    nodes.insert(50_001, node("entry-0050000x"));
    let after = pages.write(nodes);
    assert_ne!(before.id, after.id);
    let new = pages.0.len() - count;
    assert!(new <= 4, "{new} new pages of {count}");
}

#[test]
fn equal_directories_have_equal_trees_however_they_came_about() {
    let mut pages = Pages::default();
    let direct = pages.write(many(20_000));
    let mut nodes = many(20_001);
    pages.write(nodes.clone());
    nodes.pop();
    assert_eq!(pages.write(nodes), direct);
}

#[test]
fn a_node_that_no_reader_would_accept_is_refused_before_it_spoils_a_page() {
    let mut writer = TreeWriter::default();
    assert!(writer.push(node("a/b"), &mut Pages::default()).unwrap_err().is_damage());
    let link = Node { content: Content::Symlink(Vec::new()), ..node("link") };
    assert!(writer.push(link, &mut Pages::default()).unwrap_err().is_damage());
}

#[test]
fn pages_that_contradict_their_reference_are_refused() {
    let leaf = Page::Leaf(vec![node("b"), node("c")]);
    leaf.check(0, 2).unwrap();
    for (depth, entries) in [(1, 2), (0, 3), (255, 2)] {
        assert!(leaf.check(depth, entries).is_err());
    }
    leaf.check_between(b"a", Some(b"c")).unwrap();
    assert!(leaf.check_between(b"b", Some(b"c")).is_err());
    assert!(leaf.check_between(b"a", Some(b"d")).is_err());
    let page = |name: &[u8]| PageRef { last_name: name.to_vec(), id: ChunkId([0; 32]), entries: u64::MAX };
    assert!(Page::Inner(vec![page(b"a"), page(b"b")]).check(1, u64::MAX - 1).is_err(), "the sum is not wrapped");
    assert!(Page::Inner(vec![page(b"b"), page(b"a")]).check(1, 0).is_err());
    assert!(Page::Inner(Vec::new()).check(1, 0).is_err());
    assert!(Page::Leaf(vec![node("a"), node("a")]).check(0, 2).is_err());
}
