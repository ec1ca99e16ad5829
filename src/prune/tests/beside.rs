//! Prune beside a snapshot that stores again what was lost.

use crate::cancel::Cancel;
use std::sync::Arc;

use super::{Bench, noise, open, request, run};
use crate::id::SnapshotId;
use crate::manifest::{Content, TreeRef};
use crate::progress::{Progress, Silent};
use crate::repository::pack_name;
use crate::snapshot::tests::Entries;
use crate::storage::Storage;
use crate::units::Timestamp;

/// Takes a snapshot after the first marking, in the moment in which prune waits for running snapshots.
struct Beside<'a> {
    bench: &'a Bench,
    healed: std::sync::Mutex<Option<(SnapshotId, Entries)>>,
}

impl Cancel for Beside<'_> {}

impl Progress for Beside<'_> {
    fn stage(&self, stage: crate::progress::Stage) {
        if stage == crate::progress::Stage::WaitForSnapshots {
            // Opened now: a run that began a moment ago knows what is recorded as lost.
            let bench = Bench {
                storage: Arc::clone(&self.bench.storage),
                repository: open(Arc::clone(&self.bench.storage) as _),
                source: tempfile::tempdir().unwrap(),
            };
            let outcome = crate::snapshot::run(&bench.repository, &self.bench.request(), &Silent).unwrap();
            *self.healed.lock().unwrap() = Some((outcome.id.unwrap(), bench.read(&outcome)));
        }
    }
}

/// The tree of the source, or of the folder `name` in it.
pub(super) fn tree_of(bench: &Bench, id: SnapshotId, name: &str) -> TreeRef {
    let view_of = bench.read_from(&bench.repository, id);
    let path = bench.source.path().join(name);
    match view_of[path.to_str().unwrap().trim_end_matches('/')].0.content {
        Content::Directory(tree) => tree,
        _ => panic!("no folder"),
    }
}

/// Loses every pack that has this page, and records that.
pub(super) fn lose(bench: &Bench, tree: &TreeRef) {
    for place in bench.repository.reader().unwrap().places(&tree.id).unwrap() {
        bench.storage.remove(&pack_name(&place.pack)).unwrap();
    }
    let request = crate::repair::Request { dry_run: false, clock: || Timestamp::new(1_800_000_000, 0) };
    assert!(crate::repair::run(&open(Arc::clone(&bench.storage) as _), &request, &Silent).unwrap().chunks_lost > 0);
}

/// Prunes `remove` beside a snapshot that heals, and looks whether that snapshot is whole afterwards.
#[track_caller]
fn assert_healed_stays_whole(bench: &Bench, remove: &[SnapshotId]) {
    let beside = Beside { bench, healed: std::sync::Mutex::default() };
    let repository = open(Arc::clone(&bench.storage) as _);
    run(&repository, &request(remove), &beside).unwrap();
    let (id, entries) = beside.healed.into_inner().unwrap().unwrap();
    assert!(bench.read_from(&open(Arc::clone(&bench.storage) as _), id) == entries);
}

#[test]
fn what_lies_below_a_lost_page_stays_when_a_snapshot_stores_the_page_again_meanwhile() {
    let bench = Bench::new();
    (0..6).for_each(|n| bench.write(&format!("sub/{n}"), noise(&n.to_string(), 200_000)));
    let first = bench.snapshot().id.unwrap();
    lose(&bench, &tree_of(&bench, first, ""));
    assert_healed_stays_whole(&bench, &[]);
}

#[test]
fn what_lies_below_a_lost_page_stays_although_the_page_above_it_was_looked_into_before() {
    let bench = Bench::new();
    (0..6).for_each(|n| bench.write(&format!("sub/{n}"), noise(&n.to_string(), 200_000)));
    let first = bench.snapshot().id.unwrap();
    bench.write("beside", "the page of the source is another now");
    let second = bench.snapshot().id.unwrap();
    assert_eq!(tree_of(&bench, first, "sub").id, tree_of(&bench, second, "sub").id);
    lose(&bench, &tree_of(&bench, second, "sub"));
    assert!(bench.repository.reader().unwrap().meta_chunk(&tree_of_root(&bench, second).id).is_ok());
    assert_healed_stays_whole(&bench, &[first]);
}

/// The tree of the source, from the manifest alone.
fn tree_of_root(bench: &Bench, id: SnapshotId) -> TreeRef {
    let manifest = bench.repository.objects().read_manifest(&id).unwrap();
    let mut trees = manifest.entries.iter().filter_map(|entry| match entry.node.content {
        Content::Directory(tree) => Some(tree),
        _ => None,
    });
    trees.next_back().unwrap()
}

#[test]
fn what_a_lost_page_of_a_content_list_names_stays_when_a_snapshot_stores_the_page_again_meanwhile() {
    let bench = Bench::new();
    // Fixed pieces of 16 KiB: more than stand in a node.
    bench.write("database", [b"SQLite format 3\0".to_vec(), noise("database", 6 << 20)].concat());
    let first = bench.snapshot().id.unwrap();
    bench.write("beside", "x");
    let second = bench.snapshot().id.unwrap();
    let file = bench.read_from(&bench.repository, second).remove(bench.source.path().join("database").to_str().unwrap()).unwrap().0;
    let Content::File(_, list) = file.content else { panic!("no file") };
    assert!(list.depth > 0);
    lose(&bench, &TreeRef { id: *list.items[0].chunk().unwrap(), depth: 0, entries: 0 });
    assert_healed_stays_whole(&bench, &[first]);
}
