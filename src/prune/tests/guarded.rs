//! What prune refuses to remove, whoever asks for it, and what it leaves behind.

use super::*;
use crate::error::{Error, Hint};
use crate::manifest::{KEPT, PIN, Pin, REMOVED, SETTING, TAG, TOMBSTONE, TagChange, Tombstone};
use crate::repository::{Protection, snapshot_name};
use crate::wire;

const DAY: u64 = 86_400;

fn in_a_week() -> Timestamp {
    Timestamp::now().plus_seconds(7 * DAY as i64 + 2 * 3600)
}

fn long_ago() -> Timestamp {
    Timestamp::new(1_000_000_000, 0)
}

/// Three snapshots of one file that changes.
pub(super) fn three() -> (Bench, Vec<SnapshotId>) {
    let bench = Bench::new();
    let snapshot = |n: u8| {
        bench.write("a", noise(&format!("a {n}"), 400_000));
        bench.snapshot().id.unwrap()
    };
    let ids = (0..3).map(snapshot).collect();
    (bench, ids)
}

pub(super) fn publish(bench: &Bench, record_type: u16, payload: Vec<u8>) {
    bench.repository.publish_record(record_type, payload, Timestamp::now()).unwrap();
}

/// The types of all records, sorted.
pub(super) fn records(bench: &Bench) -> Vec<u16> {
    let listing = open(Arc::clone(&bench.storage) as _).catalogued().unwrap().listing;
    // What stayed is said twice, and settings are kept twice, which is not our business here.
    let mut types: Vec<u16> = listing.records().iter().map(|(_, row)| row.record_type & 0x7fff).filter(|kind| *kind != 1).collect();
    types.sort_unstable();
    let kept = types.iter().filter(|kind| **kind == KEPT).count();
    assert_eq!(kept, 2);
    types.pop();
    types
}

/// Whether an error, or what it says is to be done, has this text.
fn says(error: &Error, text: &str) -> bool {
    error.to_string().contains(text) || matches!(error.hint(), Hint::Instead(hint) if hint.contains(text))
}

#[test]
fn where_all_manifests_are_gone_nothing_is_freed_until_that_is_accepted() {
    let (bench, ids) = three();
    for id in &ids {
        bench.storage.remove(&snapshot_name(id)).unwrap();
    }
    let is_seen = || {
        let request = crate::check::Request { data: crate::check::Data::None, clock: Timestamp::now };
        let found = crate::check::run(&open(Arc::clone(&bench.storage) as _), &request, &Silent).unwrap();
        found.damaged.iter().any(|object| object.name == "snapshots")
    };
    // As a repository from before, in which no record names a snapshot, is seen by a machine that does not know it.
    for known in [true, false] {
        if !known {
            let listing = bench.repository.catalogued().unwrap().listing;
            for (id, _) in listing.records().iter().filter(|(_, row)| row.record_type == KEPT) {
                bench.storage.remove(&format!("records/{id}")).unwrap();
            }
        }
        // Where records name them, they are missed one by one.
        assert!(is_seen() || known);
        let packs = bench.storage.list("packs").unwrap().len();
        let error = run(&open(Arc::clone(&bench.storage) as _), &request(&[]), &Silent).unwrap_err();
        assert!(error.is_damage() && says(&error, "--accept-rollback"), "{error}");
        assert_eq!(bench.storage.list("packs").unwrap().len(), packs);
    }
    let accepted = Request { accept_rollback: true, ..request(&[]) };
    assert!(run(&open(Arc::clone(&bench.storage) as _), &accepted, &Silent).unwrap().packs_removed > 0);
    run(&open(Arc::clone(&bench.storage) as _), &request(&[]), &Silent).unwrap();
}

#[test]
fn a_snapshot_that_could_not_be_removed_is_missed_when_it_is_gone_afterwards() {
    let (bench, ids) = three();
    let now = || open(Arc::clone(&bench.storage) as _);
    let (is_there, is_named) =
        (|| now().objects().list_snapshots().unwrap().contains(&ids[0]), || now().facts().removed().contains(&ids[0]));
    let mut was_named = true;
    for call in 1.. {
        let faults = Arc::new(Faults::new(Arc::clone(&bench.storage)));
        faults.fail_writing_call(call, ErrorKind::Other, Lasts::Once);
        let failed = run(&open(Arc::clone(&faults) as _), &request(&ids[..1]), &Silent).is_err();
        if !is_there() {
            break;
        }
        assert!(failed, "call {call}");
        was_named = is_named();
        if was_named {
            // The call that failed was a sync, after which nothing can be synced. The next run says it.
            crate::snapshot::run(&now(), &bench.request(), &Silent).unwrap();
            assert!(!is_named());
        }
    }
    // The last call that left it there was that which should have removed it.
    assert!(!was_named);
}

#[test]
fn a_snapshot_that_was_put_back_is_missed_when_it_is_lost_after_the_next_run() {
    let (bench, ids) = three();
    let name = snapshot_name(&ids[0]);
    let bytes = bench.storage.read(&name, u64::MAX).unwrap();
    prune(&bench, &ids[..1]);
    let mut upload = bench.storage.create("snapshots").unwrap();
    upload.write(&bytes).unwrap();
    upload.publish(&name).unwrap();
    crate::snapshot::run(&open(Arc::clone(&bench.storage) as _), &bench.request(), &Silent).unwrap();
    bench.storage.remove(&name).unwrap();
    let error = run(&open(Arc::clone(&bench.storage) as _), &request(&[]), &Silent).unwrap_err();
    assert!(error.is_damage() && error.to_string().contains(&ids[0].short()), "{error}");
}

#[test]
fn what_was_committed_too_recently_stays_whoever_asks_until_its_time_has_gone_by() {
    let (bench, ids) = three();
    publish(&bench, SETTING, Protection::setting(7 * DAY));
    let outcome = prune(&bench, &ids[..2]);
    assert_eq!((outcome.snapshots_removed, outcome.snapshots_protected, outcome.packs_removed), (0, 2, 0));
    let planned = expect(&bench.repository, &request(&ids[..2])).unwrap();
    assert_eq!((planned.snapshots_removed, planned.snapshots_protected), (0, 2));
    // Taking the protection away does not help at once.
    publish(&bench, SETTING, Protection::setting(0));
    assert_eq!(prune(&bench, &ids[..1]).snapshots_protected, 1);
    let overridden = Request { override_protection: true, ..request(&ids[..1]) };
    assert_eq!(run(&bench.repository, &overridden, &Silent).unwrap().snapshots_removed, 1);
    let waited = Request { clock: in_a_week, ..request(&ids[1..2]) };
    let outcome = run(&bench.repository, &waited, &Silent).unwrap();
    assert_eq!((outcome.snapshots_removed, outcome.snapshots_protected), (1, 0));
    assert_eq!(bench.repository.objects().list_snapshots().unwrap(), ids[2..]);
}

#[test]
fn a_clock_that_is_behind_removes_nothing_but_frees_what_nothing_needs() {
    let (bench, ids) = three();
    let behind = |remove: &[SnapshotId]| Request { clock: long_ago, ..request(remove) };
    let error = run(&bench.repository, &behind(&ids[..1]), &Silent).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().starts_with("clock says"), "{error}");
    run(&bench.repository, &behind(&[]), &Silent).unwrap();
    assert_eq!(bench.repository.objects().list_snapshots().unwrap().len(), 3);
    let overridden = Request { override_protection: true, ..behind(&ids[..1]) };
    assert_eq!(run(&bench.repository, &overridden, &Silent).unwrap().snapshots_removed, 1);
}

#[test]
fn a_snapshot_that_vanished_stops_every_prune_until_that_is_accepted() {
    let (bench, ids) = three();
    bench.storage.remove(&crate::repository::snapshot_name(&ids[1])).unwrap();
    bench.storage.clear();
    for pruned in [expect(&bench.repository, &request(&[])), run(&bench.repository, &request(&[]), &Silent)] {
        let error = pruned.unwrap_err();
        assert!(error.to_string().contains(&ids[1].short()) && says(&error, "--accept-rollback"), "{error}");
    }
    assert_eq!((bench.storage.count(Verb::Remove, ""), bench.storage.count(Verb::Publish, "")), (0, 0));
    run(&bench.repository, &Request { accept_rollback: true, ..request(&[]) }, &Silent).unwrap();
    // From now on every machine knows.
    run(&open(Arc::clone(&bench.storage) as _), &request(&[]), &Silent).unwrap();
}

#[test]
fn a_snapshot_that_vanished_is_missed_also_when_the_one_that_named_it_was_removed() {
    let (bench, ids) = three();
    prune(&bench, &ids[1..2]);
    let name = crate::repository::snapshot_name(&ids[0]);
    let manifest = bench.storage.read(&name, u64::MAX).unwrap();
    bench.storage.remove(&name).unwrap();
    // A machine that has never been here.
    let stranger = open(Arc::clone(&bench.storage) as _);
    assert_eq!(stranger.catalogued().unwrap().rollback.unwrap().missing, ids[..1]);
    let error = run(&stranger, &request(&[]), &Silent).unwrap_err();
    assert!(error.to_string().contains(&ids[0].short()), "{error}");
    let mut upload = bench.storage.create("snapshots").unwrap();
    upload.write(&manifest).unwrap();
    upload.publish(&name).unwrap();
    assert_eq!(stranger.catalogued().unwrap().rollback, None);
    prune(&bench, &[]);
}

#[test]
fn a_pinned_snapshot_that_vanished_is_missed() {
    let (bench, ids) = three();
    publish(&bench, PIN, wire::encode(&Pin { snapshot: ids[2], is_pinned: true }));
    bench.storage.remove(&crate::repository::snapshot_name(&ids[2])).unwrap();
    let error = run(&open(Arc::clone(&bench.storage) as _), &request(&[]), &Silent).unwrap_err();
    assert!(error.to_string().contains(&ids[2].short()), "{error}");
}

#[test]
fn a_snapshot_that_is_there_again_after_its_removal_was_told_is_missed_when_it_vanishes_then() {
    let (bench, ids) = three();
    // The removal was told and did not happen, or the manifest was put back.
    bench.repository.record_removal(&ids[..1], Timestamp::new(2, 0)).unwrap();
    prune(&bench, &[]);
    bench.storage.remove(&crate::repository::snapshot_name(&ids[0])).unwrap();
    let error = run(&open(Arc::clone(&bench.storage) as _), &request(&[]), &Silent).unwrap_err();
    assert!(error.to_string().contains(&ids[0].short()), "{error}");
}

#[test]
fn no_prune_is_taken_for_a_rollback_whichever_snapshots_it_removes() {
    for removed in [&[0][..], &[1], &[2], &[0, 2], &[0, 1, 2]] {
        let (bench, ids) = three();
        let reader = open(Arc::clone(&bench.storage) as _);
        let remove: Vec<SnapshotId> = removed.iter().map(|at| ids[*at]).collect();
        prune(&bench, &remove);
        // One who opened the repository before, and one who opens it now.
        assert_eq!(reader.catalogued().unwrap().rollback, None, "{removed:?}");
        assert_eq!(open(Arc::clone(&bench.storage) as _).catalogued().unwrap().rollback, None, "{removed:?}");
        bench.snapshot();
        prune(&bench, &[]);
    }
}

#[test]
fn marks_of_snapshots_that_are_gone_are_removed_and_counters_do_not_fall() {
    let (bench, ids) = three();
    publish(&bench, TAG, wire::encode(&TagChange { snapshot: ids[0], added: vec!["x".into()], removed: Vec::new() }));
    publish(&bench, TAG, wire::encode(&TagChange { snapshot: ids[2], added: vec!["x".into()], removed: Vec::new() }));
    publish(&bench, PIN, wire::encode(&Pin { snapshot: ids[1], is_pinned: true }));
    publish(&bench, PIN, wire::encode(&Pin { snapshot: ids[1], is_pinned: false }));
    for id in &ids[..2] {
        publish(&bench, TOMBSTONE, wire::encode(&Tombstone { snapshot: *id }));
    }
    assert_eq!(records(&bench), [3, 3, 4, 4, 5, 5, KEPT]);
    let newest = bench.repository.catalogued().unwrap().newest_counter;
    prune(&bench, &ids[..1]);
    assert_eq!(records(&bench), [3, 4, 4, 5, REMOVED, KEPT], "what is about a snapshot that is there stays");
    prune(&bench, &ids[1..2]);
    assert_eq!(records(&bench), [3, REMOVED, KEPT], "one record says what was removed, ever, and one what stayed last");
    let again = open(Arc::clone(&bench.storage) as _);
    assert_eq!(again.facts().removed().len(), 2);
    assert!(again.catalogued().unwrap().newest_counter > newest);
    assert_eq!(again.catalogued().unwrap().listing.summaries()[0].tags, ["x"]);
}

/// A cut between the removal of the manifests and that of their marks leaves the marks for the next.
#[test]
fn a_power_cut_at_any_call_raises_no_alarm_and_leaves_no_mark_for_ever() {
    let (bench, ids) = three();
    for id in &ids[..2] {
        publish(&bench, TOMBSTONE, wire::encode(&Tombstone { snapshot: *id }));
    }
    for nth in 1.. {
        let storage = bench.storage.inner().copy();
        let faults = Arc::new(Faults::new(storage.clone()));
        let repository = open(Arc::clone(&faults) as _);
        faults.fail_writing_call(nth, ErrorKind::Other, Lasts::Forever);
        let outcome = run(&repository, &request(&ids[..2]), &Silent);
        let survivor: Arc<dyn Storage> = Arc::new(storage.after_crash(0));
        let after = open(Arc::clone(&survivor));
        assert_eq!(after.catalogued().unwrap().rollback, None, "cut {nth}");
        run(&after, &request(&ids[..2]), &Silent).unwrap();
        run(&after, &request(&[]), &Silent).unwrap();
        let listing = open(survivor).catalogued().unwrap().listing;
        let tombstones = listing.records().iter().filter(|(_, row)| row.record_type == TOMBSTONE).count();
        assert_eq!(tombstones, 0, "cut {nth}");
        if outcome.is_ok() {
            assert!(nth > 12, "only {nth} cuts were tried");
            break;
        }
    }
}

#[test]
fn a_prune_that_loses_a_lock_removes_nothing_more_at_any_call() {
    let names = |storage: &dyn Storage| -> std::collections::BTreeSet<String> {
        storage.list("").unwrap().into_iter().map(|listed| listed.name).collect()
    };
    let (bench, ids) = three();
    for nth in 1.. {
        let faults = Arc::new(Faults::new(bench.storage.inner().copy()));
        let repository = open(Arc::clone(&faults) as _);
        faults.lose_locks_at(nth);
        let outcome = run(&repository, &request(&ids[..2]), &Silent);
        let gone = &names(&*bench.storage) - &names(&*faults);
        let Err(error) = outcome else {
            // The lock was lost after the last removal.
            assert!(nth > 9 && gone.iter().any(|name| name.starts_with("packs/")), "{nth}: {gone:?}");
            return;
        };
        assert_eq!(error.kind(), ErrorKind::Changed, "{error}");
        // Those before the call at which the lock was lost: records may be taken back, snapshots and packs stay.
        let is_removal = |name: &&String| ["packs/", "snapshots/", "index/"].iter().any(|folder| name.starts_with(folder));
        assert!(gone.iter().filter(is_removal).count() < nth as usize, "{nth}: {gone:?}");
        faults.heal();
        let last = open(Arc::clone(&faults) as _);
        assert!(bench.read_from(&last, ids[2]) == bench.read_from(&bench.repository, ids[2]), "{nth}");
    }
}
