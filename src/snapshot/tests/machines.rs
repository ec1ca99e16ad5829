//! Two machines of one name save to one series.

use super::*;
use crate::id::SnapshotId;
use crate::repository::snapshot_name;
use crate::storage::Storage;
use crate::wire::Extensions;

fn request_of(bench: &Bench, machine: &str) -> Request {
    Request { machine: Some(machine.into()), ..bench.request() }
}

/// Takes a snapshot and says what was warned of.
fn snapshot_of(bench: &Bench, machine: &str) -> (Outcome, Vec<String>) {
    let told = Collected::default();
    let outcome = run(&bench.repository, &request_of(bench, machine), &told).unwrap();
    let warnings = told.take().into_iter().filter(|finding| finding.kind.is_warning());
    (outcome, warnings.map(|finding| finding.message).collect())
}

/// A snapshot that does not say on which machine it was made.
fn of_an_early_version(bench: &Bench) -> SnapshotId {
    let Outcome { id, mut manifest, .. } = bench.snapshot();
    bench.storage.remove(&snapshot_name(&id.unwrap())).unwrap();
    manifest.extensions = Extensions::none();
    bench.repository.objects().publish_manifest(&manifest).unwrap()
}

#[test]
fn a_run_builds_on_the_newest_of_its_own_machine_and_says_that_the_series_is_shared() {
    let bench = Bench::new();
    bench.write("file", "content");
    let early = of_an_early_version(&bench);
    let (first, told) = snapshot_of(&bench, "one");
    assert_eq!((told, first.manifest.base), (vec![], Some(early)), "an earlier version did not say where; it may have been here");
    let (second, told) = snapshot_of(&bench, "two");
    assert!(told.len() == 1 && told[0].contains("another machine"), "{told:?}");
    let (third, told) = snapshot_of(&bench, "one");
    assert!(told.len() == 1 && told[0].contains(&second.id.unwrap().short()), "{told:?}");
    assert_eq!(third.manifest.base, first.id);
    let (fourth, told) = snapshot_of(&bench, "one");
    assert_eq!((told, fourth.manifest.base), (vec![], third.id), "the other has not saved since");
    assert_ne!(third.manifest.machine(), second.manifest.machine());
}

#[test]
fn where_no_snapshot_of_this_machine_is_left_another_serves_as_base() {
    let bench = Bench::new();
    bench.write("file", "content");
    let (first, _) = snapshot_of(&bench, "one");
    let (second, _) = snapshot_of(&bench, "two");
    assert_eq!(second.manifest.base, first.id);
}

#[test]
fn what_is_repeated_is_the_last_run_of_this_machine() {
    let bench = Bench::new();
    bench.write("folder/file", "content");
    let folder = bench.source.path().join("folder").as_os_str().as_bytes().to_vec();
    run(&bench.repository, &Request { paths: vec![folder.clone()], ..request_of(&bench, "one") }, &Silent).unwrap();
    snapshot_of(&bench, "two");
    assert_eq!(repeat(&bench.repository, "host", "user", Some("one".into()), None).unwrap().requests[0].paths, [folder]);
}

#[test]
fn the_name_of_a_machine_is_not_in_the_manifest() {
    let bench = Bench::new();
    bench.write("file", "content");
    let (outcome, _) = snapshot_of(&bench, "name-of-a-machine");
    let encoded = outcome.manifest.encode();
    assert!(!encoded.windows(17).any(|window| window == b"name-of-a-machine"));
    let other = Bench::new();
    other.write("file", "content");
    assert_ne!(outcome.manifest.machine(), snapshot_of(&other, "name-of-a-machine").0.manifest.machine(), "keys differ");
}
