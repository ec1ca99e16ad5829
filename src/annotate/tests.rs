//! Tests of what is written down: the last look is taken under the lock, and a decision that makes no sense writes
//! nothing.

use std::sync::Arc;

use super::*;
use crate::error::ErrorKind;
use crate::id::SnapshotId;
use crate::progress::Silent;
use crate::prune;
use crate::repository::{OpenOptions, Repository};
use crate::snapshot::tests::{Bench, credential};
use crate::storage::recorder::Verb;
use crate::storage::{LOCK, LockMode, Storage};
use crate::units::Timestamp;

/// The benches commit an hour after the present.
fn later() -> Timestamp {
    Timestamp::now().plus_seconds(2 * 3600)
}

fn open(bench: &Bench) -> Repository {
    let options = OpenOptions { credential: Some(credential()), ..OpenOptions::default() };
    Repository::open(Arc::clone(&bench.storage) as _, options).unwrap()
}

/// Two snapshots, the older first.
fn two_snapshots(bench: &Bench) -> [SnapshotId; 2] {
    ["first", "second"].map(|text| {
        bench.write("file", text);
        bench.snapshot().id.unwrap()
    })
}

fn published(bench: &Bench) -> usize {
    bench.storage.calls().iter().filter(|call| call.verb == Verb::Publish).count()
}

#[test]
fn what_was_removed_since_it_was_opened_cannot_be_tagged_and_nothing_is_written() {
    let bench = Bench::new();
    let [first, second] = two_snapshots(&bench);
    let stale = open(&bench);
    let request = prune::Request { remove: vec![first], clock: later, ..prune::Request::default() };
    prune::run(&open(&bench), &request, &Silent).unwrap();
    let annotator = Annotator::begin(&stale, later, &Silent).unwrap();
    bench.storage.clear();
    let request = Tagging { add: vec!["kept".to_owned()], ..Tagging::default() };
    assert!(annotator.tag(&[second, first], &request).unwrap_err().is_not_found());
    assert!(annotator.forget(&[second, first], false, &Silent).unwrap_err().is_not_found());
    assert!(annotator.unforget(&[first]).unwrap_err().is_not_found());
    assert_eq!(published(&bench), 0);
}

#[test]
fn what_was_pinned_since_the_repository_was_opened_is_not_forgotten() {
    let bench = Bench::new();
    let [first, _] = two_snapshots(&bench);
    let stale = open(&bench);
    let pin = Tagging { pinned: Some(true), ..Tagging::default() };
    Annotator::begin(&open(&bench), later, &Silent).unwrap().tag(&[first], &pin).unwrap();
    let annotator = Annotator::begin(&stale, later, &Silent).unwrap();
    bench.storage.clear();
    let refused = annotator.forget(&[first], false, &Silent).unwrap_err();
    assert!(refused.kind() == ErrorKind::Invalid && refused.to_string().contains("is pinned"), "{refused}");
    assert_eq!(published(&bench), 0);
}

#[test]
fn the_lock_is_held_from_the_look_to_the_end() {
    let bench = Bench::new();
    let [first, _] = two_snapshots(&bench);
    let annotator = Annotator::begin(&open(&bench), later, &Silent).unwrap();
    let lock = || bench.storage.lock(LOCK, LockMode::Exclusive, false);
    assert_eq!(lock().unwrap_err().kind(), ErrorKind::Busy);
    assert_eq!(annotator.forget(&[first], false, &Silent).unwrap(), [Forgotten { id: first, protected_until: None }]);
    assert_eq!(lock().unwrap_err().kind(), ErrorKind::Busy);
    let repository = annotator.finish();
    lock().unwrap();
    assert!(repository.read_facts().unwrap().marks().is_forgotten(&first));
}

#[test]
fn a_request_that_says_nothing_or_two_things_at_once_is_refused() {
    let tag = || vec!["daily".to_owned()];
    assert_eq!(Tagging::default().check().unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(Tagging { add: tag(), remove: tag(), pinned: None }.check().unwrap_err().kind(), ErrorKind::Invalid);
    Tagging { add: tag(), ..Tagging::default() }.check().unwrap();
    Tagging { pinned: Some(false), ..Tagging::default() }.check().unwrap();
}

#[test]
fn a_suspect_snapshot_holds_its_series_until_it_is_accepted_and_the_last_good_one_stays_pinned() {
    let bench = Bench::new();
    let [first, second] = two_snapshots(&bench);
    let write = |annotation| run(&open(&bench), &Request { annotation, clock: later }, &Silent).map(drop);
    let distrust = |reasons: &[&str]| Annotation::Distrust {
        snapshot: second,
        reasons: reasons.iter().map(ToString::to_string).collect(),
        last_good: Some(first),
    };
    bench.storage.clear();
    assert_eq!(write(distrust(&[])).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(write(Annotation::Accept { snapshots: vec![second] }).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(published(&bench), 0);

    write(distrust(&["most files were written anew"])).unwrap();
    let marks = open(&bench).facts().marks().clone();
    assert_eq!(marks.suspicion(&second).unwrap(), ["most files were written anew"]);
    assert!(marks.is_pinned(&first) && marks.suspicion(&first).is_none());
    assert!(open(&bench).facts().lone_records().is_empty(), "each is there twice");

    write(Annotation::Accept { snapshots: vec![second] }).unwrap();
    let marks = open(&bench).facts().marks().clone();
    assert!(marks.suspicion(&second).is_none() && marks.is_pinned(&first));
}
