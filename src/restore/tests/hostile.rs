//! A repository that was made to do harm: its nodes are written by hand.

use super::*;
use crate::id::{ChunkId, RunId};
use crate::manifest::{Content, ContentList, Item, Metadata, Node, Page, TreeRef};
use crate::repository::Sink;
use crate::trees::SnapshotView;
use crate::wire::{self, Extensions};

fn node(name: &[u8], content: Content) -> Node {
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let metadata = Metadata { mode: 0o755, uid, gid, links: 1, ..Metadata::default() };
    Node { name: name.to_vec(), metadata, content, flags: 0, extensions: Extensions::none() }
}

/// A snapshot whose source has the tree that `make` writes.
fn craft(bench: &Bench, make: impl FnOnce(&Sink) -> TreeRef) -> Manifest {
    let mut manifest = bench.snapshot();
    let sink = Sink::open(bench.repository.chunks(), &bench.repository.read_facts().unwrap(), RunId([3; 16])).unwrap();
    let tree = make(&sink);
    sink.commit().unwrap();
    manifest.entries.last_mut().unwrap().node.content = Content::Directory(tree);
    manifest
}

fn store_leaf(sink: &Sink, nodes: Vec<Node>) -> TreeRef {
    let entries = nodes.len() as u64;
    TreeRef { id: sink.store_meta(&wire::encode(&Page::Leaf(nodes))).unwrap(), depth: 0, entries }
}

#[test]
fn names_that_lead_elsewhere_restore_nothing() {
    for name in [&b".."[..], b"../evil", b"/etc/evil", b"a/b", b"", b"a\0b"] {
        let bench = Bench::new();
        let manifest = craft(&bench, |sink| store_leaf(sink, vec![node(name, Content::Fifo)]));
        let (outcome, findings) = bench.restore(&manifest, &bench.request());
        assert_eq!((outcome.others, outcome.damaged), (0, 1), "{name:?}");
        assert_eq!(findings[0].kind, FindingKind::Damaged);
        assert!(names_in(bench.target.path()).is_empty());
    }
}

#[test]
fn a_link_and_a_folder_of_one_name_are_refused_and_a_link_leads_nowhere() {
    let bench = Bench::new();
    let outside = tempfile::tempdir().unwrap();
    let link = Content::Symlink(outside.path().as_os_str().as_bytes().to_vec());
    let manifest = craft(&bench, |sink| {
        let inner = store_leaf(sink, vec![node(b"evil", Content::Fifo)]);
        store_leaf(sink, vec![node(b"a", link), node(b"a", Content::Directory(inner))])
    });
    let (outcome, _) = bench.restore(&manifest, &bench.request());
    assert_eq!(outcome.damaged, 1);
    assert!(names_in(outside.path()).is_empty());
}

#[test]
fn a_tree_that_nests_without_end_is_cut() {
    let bench = Bench::new();
    let manifest = craft(&bench, |sink| {
        (0..16_400).fold(store_leaf(sink, Vec::new()), |tree, _| store_leaf(sink, vec![node(b"d", Content::Directory(tree))]))
    });
    // Only looked at: making so many levels says no more.
    let (outcome, findings) = bench.foresee(&manifest, &bench.request());
    assert_eq!((outcome.directories, outcome.damaged), (16_385, 1), "16,384 below the destination");
    assert!(findings[0].message.contains("nest deeper"), "{findings:?}");
}

#[test]
fn a_hard_link_joins_only_a_file_of_the_same_content() {
    let bench = Bench::new();
    let file = |name: &[u8], bytes| {
        let list = ContentList { depth: 0, items: vec![Item::Hole(bytes)] };
        let mut node = node(name, Content::File(bytes, list));
        (node.metadata.inode, node.metadata.links) = (7, 3);
        node
    };
    let manifest = craft(&bench, |sink| store_leaf(sink, vec![file(b"a", 10), file(b"b", 20), file(b"c", 10)]));
    let (outcome, findings) = bench.restore(&manifest, &bench.request());
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!((outcome.files, outcome.hard_links), (2, 1));
    assert_eq!(fs::metadata(bench.restored("b")).unwrap().len(), 20);
}

#[test]
fn chunks_that_are_nowhere_or_of_another_length_leave_a_damaged_file() {
    let bench = Bench::new();
    bench.write("real", "12345");
    let mut manifest = bench.snapshot();
    let reader = bench.repository.reader().unwrap();
    let real = SnapshotView::new(&reader, &manifest).lookup(&bench.saved("real")).unwrap().unwrap();
    let Content::File(_, list) = real.content else { panic!("a file") };
    let Item::Chunk(id, _) = list.items[0] else { panic!("a chunk") };
    let file = |name: &[u8], items: Vec<Item>| {
        let bytes = items.iter().map(Item::bytes).sum();
        node(name, Content::File(bytes, ContentList { depth: 0, items }))
    };
    let longer = file(b"longer", vec![Item::Chunk(id, 1 << 40), Item::Chunk(id, 5)]);
    let nowhere = file(b"nowhere", vec![Item::Chunk(ChunkId([1; 32]), 3), Item::Hole(4)]);
    let pages = node(b"pages", Content::File(9, ContentList { depth: 2, items: vec![Item::Chunk(ChunkId([2; 32]), 9)] }));
    let sink = Sink::open(bench.repository.chunks(), &bench.repository.read_facts().unwrap(), RunId([3; 16])).unwrap();
    let tree = store_leaf(&sink, vec![longer, nowhere, pages]);
    sink.commit().unwrap();
    manifest.entries.last_mut().unwrap().node.content = Content::Directory(tree);
    let (outcome, findings) = bench.restore(&manifest, &bench.request());
    assert_eq!((outcome.files, outcome.damaged), (0, 3));
    assert_eq!(names_in(bench.target.path()), ["longer.damaged", "nowhere.damaged", "pages.damaged"]);
    let said = |name: &str| findings.iter().find(|finding| finding.path.ends_with(name.as_bytes())).unwrap().message.clone();
    assert!(said("nowhere").contains("of 7 bytes 0 to 2 "), "{}", said("nowhere"));
    assert!(said("pages").contains("of 9 bytes 0 to 8 "), "{}", said("pages"));
}

#[test]
fn a_device_without_the_rights_for_it_is_a_note() {
    let bench = Bench::new();
    let mut evil = node(b"device", Content::BlockDevice(8, 0));
    evil.metadata.mode = 0o666;
    let manifest = craft(&bench, |sink| store_leaf(sink, vec![evil]));
    let (outcome, findings) = bench.restore(&manifest, &bench.request());
    if outcome.others == 0 {
        assert_eq!((outcome.failed, findings[0].kind), (1, FindingKind::NotRestored));
        assert!(names_in(bench.target.path()).is_empty(), "no temporary name stays");
    }
}
