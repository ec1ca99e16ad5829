//! What a walk does with pages that are lost, and trees that only a hostile writer would make.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use crate::crypto::{Algorithm, Argon2Cost};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ChunkId, RunId};
use crate::manifest::{Content, ContentList, Item, ListPage, Metadata, Node, Page, PageRef, TreeRef};
use crate::repository::{ChunkReader, CreateOptions, OpenOptions, Repository, Sink, create};
use crate::storage::far::Far;
use crate::storage::{MemoryStorage, Storage};
use crate::units::Timestamp;
use crate::wire::{self, Extensions};

fn node(name: &str) -> Node {
    Node { name: name.into(), metadata: Metadata::default(), content: Content::Fifo, flags: 0, extensions: Extensions::none() }
}

fn new_repository() -> Repository {
    new_repository_in(Arc::new(MemoryStorage::new()))
}

fn new_repository_in(storage: Arc<dyn Storage>) -> Repository {
    let options = CreateOptions { algorithm: Algorithm::None, credential: None, cost: Argon2Cost::STANDARD, now: Timestamp::default() };
    create(&*storage, &options).unwrap();
    Repository::open(storage, OpenOptions::default()).unwrap()
}

/// A directory of two leaf pages whose references name `last` as their last names.
fn read_two_pages(leaves: [&[&str]; 2], last: [&str; 2], wanted: &str) -> (Result<Vec<Vec<u8>>>, Result<Option<Node>>) {
    let repository = new_repository();
    let sink = Sink::open(repository.chunks(), &repository.read_facts().unwrap(), RunId([1; 16])).unwrap();
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

/// A content list of two pages of two chunks each, the second of which is in no place.
fn list_with_lost_page(sink: &Sink) -> ContentList {
    let chunk = |number: u8| Item::Chunk(ChunkId([number; 32]), 10);
    let page = wire::encode(&ListPage { depth: 0, items: vec![chunk(1), Item::Hole(5), chunk(2)] });
    let id = sink.store_meta(&page).unwrap();
    let pages = [Item::Chunk(id, 25), Item::Chunk(ChunkId([9; 32]), 100), Item::Chunk(id, 25)];
    ContentList { depth: 1, items: pages.to_vec() }
}

/// Notes where pieces begin and which bytes are lost.
#[derive(Default)]
struct Noting {
    pieces: Vec<u64>,
    lost: Vec<std::ops::Range<u64>>,
    passes_by: bool,
}

impl ContentVisitor for Noting {
    fn take(&mut self, piece: Piece) -> Result<()> {
        self.pieces.push(match piece {
            Piece::Chunk { offset, .. } => offset,
            Piece::Hole(range) => range.start,
        });
        Ok(())
    }

    fn enter(&mut self, page: &ListPlace) -> Result<bool> {
        Ok(!self.passes_by || page.range().start > 0)
    }

    fn lose(&mut self, page: &ListPlace, error: Error) -> Result<()> {
        assert!(error.is_damage());
        self.lost.push(page.range());
        Ok(())
    }
}

#[test]
fn a_lost_page_of_a_list_ends_the_walk_or_costs_the_bytes_it_stands_for_as_the_visitor_likes() {
    let repository = new_repository();
    let sink = Sink::open(repository.chunks(), &repository.read_facts().unwrap(), RunId([1; 16])).unwrap();
    let list = list_with_lost_page(&sink);
    sink.commit().unwrap();
    let reader = repository.reader().unwrap();

    let mut chunks = 0;
    let stopped = visit_content(&reader, &list, &mut |_: Piece| {
        chunks += 1;
        Ok(())
    });
    assert_eq!(stopped.unwrap_err().kind(), ErrorKind::Damaged);
    assert_eq!(chunks, 3);

    let mut noting = Noting::default();
    visit_content(&reader, &list, &mut noting).unwrap();
    assert_eq!((noting.pieces, noting.lost), (vec![0, 10, 15, 125, 135, 140], std::iter::once(25..125).collect()));

    let mut noting = Noting { passes_by: true, ..Noting::default() };
    visit_content(&reader, &list, &mut noting).unwrap();
    assert_eq!(noting.pieces, [125, 135, 140], "offsets go on behind a page that is passed by");
}

#[test]
fn a_page_that_says_another_length_or_depth_than_its_list_is_refused() {
    let repository = new_repository();
    let sink = Sink::open(repository.chunks(), &repository.read_facts().unwrap(), RunId([1; 16])).unwrap();
    let list = list_with_lost_page(&sink);
    sink.commit().unwrap();
    let reader = repository.reader().unwrap();
    let Item::Chunk(id, _) = list.items[0] else { panic!("a page") };
    for (depth, bytes) in [(1, 24), (2, 25)] {
        let wrong = ContentList { depth, items: vec![Item::Chunk(id, bytes)] };
        assert_eq!(visit_content(&reader, &wrong, &mut |_: Piece| Ok(())).unwrap_err().kind(), ErrorKind::Damaged);
    }
    let hole = ContentList { depth: 1, items: vec![Item::Hole(5)] };
    assert_eq!(visit_content(&reader, &hole, &mut Noting::default()).unwrap_err().kind(), ErrorKind::Damaged);
}

/// Counts what it comes to; each page is looked into once.
#[derive(Default)]
struct Counting {
    met: Mutex<HashSet<ChunkId>>,
    entered: AtomicU64,
    files: AtomicU64,
    lost: AtomicU64,
    only_names: bool,
}

impl TreeVisitor for Counting {
    fn enter(&self, page: &PagePlace) -> Result<Look> {
        self.entered.fetch_add(1, Ordering::Relaxed);
        let is_first = self.met.lock().unwrap().insert(*page.id());
        Ok(match (is_first, self.only_names) {
            (false, _) => Look::Past,
            (true, true) => Look::Names,
            (true, false) => Look::Below,
        })
    }

    fn take_file(&self, _: &ContentList) -> Result<()> {
        self.files.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn lose(&self, _: PagePlace, error: Error) -> Result<()> {
        assert!(error.is_damage());
        self.lost.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

impl Counting {
    fn counts(&self) -> [u64; 3] {
        [&self.entered, &self.files, &self.lost].map(|count| count.load(Ordering::Relaxed))
    }
}

/// Folders within folders, of one page or several, some of which are in no place; and an empty one.
fn store_forest(sink: &Sink) -> TreeRef {
    let file = |name: &str| Node { content: Content::File(0, ContentList::default()), ..node(name) };
    let folder = |name: &str, tree| Node { content: Content::Directory(tree), ..node(name) };
    let store = |nodes: Vec<Node>| {
        let entries = nodes.len() as u64;
        TreeRef { id: sink.store_meta(&wire::encode(&Page::Leaf(nodes))).unwrap(), depth: 0, entries }
    };
    let page = |tree: TreeRef, last: &str| PageRef { last_name: last.into(), id: tree.id, entries: tree.entries };
    let lost = |number: u8| TreeRef { id: ChunkId([number; 32]), depth: 0, entries: 1 };
    let empty = store(Vec::new());
    let mut tree = store(vec![file("a"), folder("b", empty), file("c")]);
    for level in 0..4_u8 {
        let first = store(vec![folder("a", tree), folder("b", lost(level)), folder("c", empty), file(&format!("d{level}"))]);
        let last = store(vec![folder("f", tree), file("g"), folder("h", tree)]);
        let refs = vec![page(first, &format!("d{level}")), page(lost(100 + level), "e"), page(last, "h")];
        let entries = refs.iter().map(|page| page.entries).sum();
        tree = TreeRef { id: sink.store_meta(&wire::encode(&Page::Inner(refs))).unwrap(), depth: 1, entries };
    }
    tree
}

/// Every step of a walk, and every page that it could not read; folders called `skipped` are not entered.
fn steps(reader: &ChunkReader, tree: TreeRef, skipped: &str, is_ahead: &mut bool) -> Vec<String> {
    read_ahead(reader, |ahead| {
        *is_ahead = ahead.is_some();
        let view = SnapshotView::of_entries(reader, &[]).with_ahead(ahead);
        let top = Node { content: Content::Directory(tree), ..node("top") };
        let (mut walk, mut steps) = (view.walk_below(b"/top", &top), Vec::new());
        loop {
            let step = walk.next_step();
            let path = String::from_utf8_lossy(walk.path()).into_owned();
            match step {
                Ok(None) => return steps,
                Ok(Some(Step::Leave)) => steps.push(format!("leave {path}")),
                Ok(Some(Step::Entry(node))) => {
                    if node.name == skipped.as_bytes() {
                        walk.skip_entries();
                    }
                    steps.push(path);
                }
                Err(error) => steps.push(format!("{path}: {error}")),
            }
        }
    })
}

#[test]
fn a_walk_whose_pages_are_read_ahead_sees_and_misses_what_another_one_does() {
    let storage = Arc::new(Far::in_real_time(MemoryStorage::new(), Duration::ZERO));
    let far = new_repository_in(Arc::clone(&storage) as _);
    let sink = Sink::open(far.chunks(), &far.read_facts().unwrap(), RunId([1; 16])).unwrap();
    let tree = store_forest(&sink);
    sink.commit().unwrap();
    let near = Repository::open(Arc::new(storage.inner().clone()), OpenOptions::default()).unwrap();
    for skipped in ["", "a", "f"] {
        let (mut is_far, mut is_near) = (false, true);
        let ahead = steps(&far.reader().unwrap(), tree, skipped, &mut is_far);
        let behind = steps(&near.reader().unwrap(), tree, skipped, &mut is_near);
        assert_eq!((is_far, is_near), (true, false));
        assert!(ahead.len() > 20 && ahead == behind, "{skipped}: {ahead:#?} {behind:#?}");
        assert!(ahead.iter().any(|step| step.contains("is in no pack")));
    }
}

#[test]
fn all_threads_visit_what_one_visits_in_order() {
    for storage in [Arc::new(MemoryStorage::new()) as Arc<dyn Storage>, Arc::new(Far::in_real_time(MemoryStorage::new(), Duration::ZERO))] {
        all_visit_what_one_visits(&new_repository_in(storage));
    }
}

fn all_visit_what_one_visits(repository: &Repository) {
    let sink = Sink::open(repository.chunks(), &repository.read_facts().unwrap(), RunId([1; 16])).unwrap();
    let file = |name: &str| Node { content: Content::File(0, ContentList::default()), ..node(name) };
    let folder = |name: &str, tree| Node { content: Content::Directory(tree), ..node(name) };
    let store = |nodes: Vec<Node>| {
        let entries = nodes.len() as u64;
        TreeRef { id: sink.store_meta(&wire::encode(&Page::Leaf(nodes))).unwrap(), depth: 0, entries }
    };
    let below = store(vec![file("a"), file("b")]);
    let lost = TreeRef { id: ChunkId([9; 32]), depth: 0, entries: 1 };
    let top = store(vec![file("a"), folder("b", below), folder("c", lost), folder("d", below)]);
    sink.commit().unwrap();
    let reader = repository.reader().unwrap();
    let roots = [Content::Directory(top), Content::File(0, ContentList::default())];

    for (only_names, expected) in [(false, [4, 4, 1]), (true, [1, 1, 0])] {
        let (one, all) = (Counting { only_names, ..Counting::default() }, Counting { only_names, ..Counting::default() });
        read_ahead(&reader, |ahead| visit_in_order(&reader, ahead, Unvisited::below(&roots), &one)).unwrap();
        visit_by_all(&**reader.objects().storage(), &reader, Unvisited::below(&roots), &all).unwrap();
        assert_eq!((one.counts(), all.counts()), (expected, expected), "only names: {only_names}");
    }
}
