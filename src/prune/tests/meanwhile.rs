//! What others decide between the plan of a prune and its lock: more stays than was planned, or nothing goes.

use super::guarded::{publish, records, three};
use super::*;
use crate::manifest::{KEPT, PIN, Pin, REMOVED, TAG, TOMBSTONE, TagChange, Tombstone, UNFORGOTTEN, Unforgotten};
use crate::retention::KeepPolicy;
use crate::wire;

fn newest(last: u64) -> KeepPolicy {
    KeepPolicy { last, ..KeepPolicy::default() }
}

fn by_rules(keep: KeepPolicy) -> Request {
    Request { clock: later, ..Request::by_rules(Rules { keep, series: Vec::new() }) }
}

#[test]
fn a_snapshot_that_got_a_tag_that_rules_keep_after_they_decided_stays_unless_it_is_forgotten() {
    let (bench, ids) = three();
    let rules = KeepPolicy { tags: vec!["year".to_owned()], ..newest(1) };
    let decided = plan(&bench.repository, &by_rules(rules), &Silent).unwrap();
    for id in &ids[..2] {
        publish(&bench, TAG, wire::encode(&TagChange { snapshot: *id, added: vec!["year".into()], removed: Vec::new() }));
    }
    publish(&bench, TOMBSTONE, wire::encode(&Tombstone { snapshot: ids[1] }));
    let outcome = execute(&bench.repository, &decided, &Silent).unwrap();
    assert_eq!((outcome.snapshots_removed, bench.repository.objects().list_snapshots().unwrap().contains(&ids[0])), (1, true));
}

#[test]
fn a_snapshot_that_was_pinned_after_the_rules_decided_stays() {
    let (bench, ids) = three();
    let decided = plan(&bench.repository, &request(&ids[..2]), &Silent).unwrap();
    // By another process: this repository was opened before.
    let other = open(Arc::clone(&bench.storage) as _);
    other.publish_record(PIN, wire::encode(&Pin { snapshot: ids[0], is_pinned: true }), Timestamp::now()).unwrap();
    assert!(!bench.repository.facts().marks().is_pinned(&ids[0]));
    assert_eq!(execute(&bench.repository, &decided, &Silent).unwrap().snapshots_removed, 1);
    let left = bench.repository.objects().list_snapshots().unwrap();
    assert!(left.contains(&ids[0]) && !left.contains(&ids[1]));
}

#[test]
fn nothing_goes_by_rules_that_counted_a_snapshot_which_was_forgotten_since() {
    let (bench, ids) = three();
    let forget = |id: &SnapshotId| publish(&bench, TOMBSTONE, wire::encode(&Tombstone { snapshot: *id }));
    let decided = plan(&bench.repository, &by_rules(newest(1)), &Silent).unwrap();
    forget(&ids[2]);
    let error = execute(&bench.repository, &decided, &Silent).unwrap_err();
    assert!(error.kind() == ErrorKind::Changed && error.to_string().contains(&ids[2].short()), "{error}");
    assert_eq!(bench.repository.objects().list_snapshots().unwrap().len(), 3);
    publish(&bench, UNFORGOTTEN, wire::encode(&Unforgotten { snapshot: ids[2] }));
    // Where nothing goes by rules any more, they counted nothing.
    let decided = plan(&bench.repository, &by_rules(newest(1)), &Silent).unwrap();
    ids.iter().for_each(forget);
    assert_eq!(execute(&bench.repository, &decided, &Silent).unwrap().snapshots_removed, 2);
}

#[test]
fn the_full_of_a_differential_that_came_after_the_rules_decided_stays_unless_it_is_forgotten() {
    let (bench, ids) = three();
    let decided = plan(&bench.repository, &request(&ids[..2]), &Silent).unwrap();
    let differential = crate::snapshot::Request { kind: crate::manifest::Kind::Differential, ..bench.request() };
    let late = crate::snapshot::run(&bench.repository, &differential, &Silent).unwrap();
    assert_eq!(late.manifest.base, Some(ids[0]));
    assert_eq!(execute(&bench.repository, &decided, &Silent).unwrap().snapshots_removed, 1);
    assert!(bench.repository.objects().list_snapshots().unwrap().contains(&ids[0]));
    publish(&bench, TOMBSTONE, wire::encode(&Tombstone { snapshot: ids[0] }));
    assert_eq!(prune(&bench, &ids[..2]).snapshots_removed, 1);
}

#[test]
fn what_is_no_longer_forgotten_when_the_prune_has_its_lock_stays() {
    let (bench, ids) = three();
    for id in &ids[..2] {
        publish(&bench, TOMBSTONE, wire::encode(&Tombstone { snapshot: *id }));
    }
    // The prune decided by what was true then; the undo was reported since.
    let decided = plan(&bench.repository, &by_rules(KeepPolicy::default()), &Silent).unwrap();
    publish(&bench, UNFORGOTTEN, wire::encode(&Unforgotten { snapshot: ids[0] }));
    assert_eq!(execute(&bench.repository, &decided, &Silent).unwrap().snapshots_removed, 1);
    let left = bench.repository.objects().list_snapshots().unwrap();
    assert!(left.contains(&ids[0]) && !left.contains(&ids[1]));
    // Its marks go with it, when it does.
    publish(&bench, TOMBSTONE, wire::encode(&Tombstone { snapshot: ids[0] }));
    prune(&bench, &ids[..1]);
    assert_eq!(records(&bench), [REMOVED, KEPT]);
}
