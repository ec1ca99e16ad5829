//! While a page is lost, what lies below it is unknown.

use std::sync::Arc;

use super::beside::{lose, tree_of};
use super::{Bench, Request, noise, open, request, run};
use crate::id::SnapshotId;
use crate::progress::Silent;
use crate::repository::PACKS;
use crate::storage::Storage;
use crate::storage::recorder::Verb;

/// Three snapshots; the folder `sub` of the last two is lost and the source of the second, and recorded so.
fn lost() -> (Bench, Vec<SnapshotId>) {
    let bench = Bench::new();
    bench.write("sub/old", noise("old", 200_000));
    let first = bench.snapshot().id.unwrap();
    (0..6).for_each(|n| bench.write(&format!("sub/{n}"), noise(&n.to_string(), 200_000)));
    let second = bench.snapshot().id.unwrap();
    bench.write("beside", "the page of the source is another now");
    let third = bench.snapshot().id.unwrap();
    lose(&bench, &tree_of(&bench, third, "sub"));
    (bench, vec![first, second, third])
}

fn pack_bytes(bench: &Bench) -> u64 {
    bench.storage.list(PACKS).unwrap().iter().map(|listed| listed.bytes).sum()
}

#[test]
fn while_a_page_is_lost_nothing_goes_until_that_is_accepted() {
    let (bench, ids) = lost();
    let before = pack_bytes(&bench);
    for remove in [&ids[..0], &ids[..1], &ids[..2]] {
        bench.storage.clear();
        let error = run(&open(Arc::clone(&bench.storage) as _), &request(remove), &Silent).unwrap_err();
        assert!(
            error.is_damage() && matches!(error.hint(), crate::error::Hint::Instead(hint) if hint.contains("--accept-loss")),
            "{error}"
        );
        assert_eq!((bench.storage.count(Verb::Remove, ""), bench.storage.count(Verb::Publish, "")), (0, 0));
    }
    let accepted = Request { accept_loss: true, ..request(&ids[..1]) };
    let outcome = run(&open(Arc::clone(&bench.storage) as _), &accepted, &Silent).unwrap();
    assert_eq!((outcome.pages_given_up, outcome.snapshots_removed), (2, 1));
    assert!(pack_bytes(&bench) < before);
}

#[test]
fn a_lost_page_of_a_snapshot_that_goes_stops_nothing() {
    let (bench, ids) = lost();
    let outcome = run(&open(Arc::clone(&bench.storage) as _), &request(&ids[1..]), &Silent).unwrap();
    assert_eq!((outcome.snapshots_removed, outcome.pages_given_up), (2, 0));
    bench.read_from(&open(Arc::clone(&bench.storage) as _), ids[0]);
}

#[test]
fn after_a_snapshot_that_heals_a_prune_goes_on_and_what_stays_is_whole() {
    let (bench, ids) = lost();
    let healing = Bench { storage: Arc::clone(&bench.storage), repository: open(Arc::clone(&bench.storage) as _), source: bench.source };
    let entries = healing.read(&healing.snapshot());
    let outcome = run(&open(Arc::clone(&healing.storage) as _), &request(&ids[..2]), &Silent).unwrap();
    assert_eq!((outcome.snapshots_removed, outcome.pages_given_up), (2, 0));
    let repository = open(Arc::clone(&healing.storage) as _);
    let contents = |entries: crate::snapshot::tests::Entries| entries.into_values().map(|(_, plain)| plain).collect::<Vec<_>>();
    assert!(contents(healing.read_from(&repository, ids[2])) == contents(entries));
}
