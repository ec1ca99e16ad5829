//! Trees that only a hostile writer would make.

use std::sync::Arc;

use super::NodeStream;
use crate::crypto::{Algorithm, Argon2Cost};
use crate::error::Result;
use crate::id::RunId;
use crate::manifest::{Content, Metadata, Node, Page, PageRef, TreeRef};
use crate::repository::{CreateOptions, OpenOptions, Repository, Sink, create};
use crate::storage::{MemoryStorage, Storage};
use crate::units::Timestamp;
use crate::wire::{self, Extensions};

fn node(name: &str) -> Node {
    Node { name: name.into(), metadata: Metadata::default(), content: Content::Fifo, flags: 0, extensions: Extensions::none() }
}

/// A directory of two leaf pages whose references name `last` as their last names.
fn read_two_pages(leaves: [&[&str]; 2], last: [&str; 2], wanted: &str) -> (Result<Vec<Vec<u8>>>, Result<Option<Node>>) {
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    let options = CreateOptions { algorithm: Algorithm::None, credential: None, cost: Argon2Cost::STANDARD, now: Timestamp::default() };
    create(&*storage, &options).unwrap();
    let repository = Repository::open(storage, OpenOptions::default()).unwrap();
    let sink = Sink::open(&repository, RunId([1; 16])).unwrap();
    let mut refs = Vec::new();
    for (names, last) in leaves.iter().zip(last) {
        let leaf = Page::Leaf(names.iter().map(|name| node(name)).collect());
        let id = sink.store_meta(&wire::encode(&leaf)).unwrap();
        refs.push(PageRef { last_name: last.into(), id, entries: names.len() as u64 });
    }
    let entries = refs.iter().map(|page| page.entries).sum();
    let id = sink.store_meta(&wire::encode(&Page::Inner(refs))).unwrap();
    sink.commit().unwrap();
    let (reader, tree) = (repository.reader().unwrap(), TreeRef { id, depth: 1, entries });
    let mut nodes = NodeStream::new(&reader, &tree);
    let names = std::iter::from_fn(|| nodes.next_node().transpose()).map(|node| Ok(node?.name)).collect();
    let found = NodeStream::find(&reader, &tree, wanted.as_bytes());
    (names, found)
}

#[test]
fn pages_in_order_are_read_and_searched() {
    let (names, found) = read_two_pages([&["a", "b"], &["c", "d"]], ["b", "d"], "c");
    assert_eq!(names.unwrap(), [b"a", b"b", b"c", b"d"]);
    assert_eq!(found.unwrap(), Some(node("c")));
}

/// A name that comes twice is how a link is first made and then written through.
#[test]
fn a_name_that_comes_again_on_another_page_is_refused() {
    let (names, _) = read_two_pages([&["a", "c"], &["b", "d"]], ["c", "d"], "b");
    assert!(names.unwrap_err().is_damage());
    let (names, _) = read_two_pages([&["a", "b"], &["b", "d"]], ["b", "d"], "b");
    assert!(names.unwrap_err().is_damage());
}

#[test]
fn a_search_sees_what_a_walk_sees_or_fails() {
    let (names, found) = read_two_pages([&["a", "b"], &["c", "d"]], ["b", "e"], "e");
    assert!(names.unwrap_err().is_damage());
    assert!(found.unwrap_err().is_damage());
}
