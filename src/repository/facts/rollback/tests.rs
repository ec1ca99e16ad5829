//! When a loss is noticed, and when it is none.

use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::crypto::{Algorithm, Argon2Cost};
use crate::error::ErrorKind;
use crate::id::{ClientId, RootId, RunId};
use crate::manifest::{Counts, Kind, Manifest, REMOVED, SnapshotOptions, TOMBSTONE, Tombstone};
use crate::repository::{CreateOptions, OpenOptions, create, snapshot_name};
use crate::storage::faults::{Faults, Lasts};
use crate::storage::{MemoryStorage, Storage};
use crate::units::Timestamp;
use crate::wire::{self, Extensions};

const LONG_AGO: Timestamp = Timestamp::new(1_000_000_000, 0);

fn storage() -> Arc<MemoryStorage> {
    let storage = Arc::new(MemoryStorage::new());
    let cost = Argon2Cost { memory_kib: 64, passes: 1, lanes: 1 };
    create(&*storage, &CreateOptions { algorithm: Algorithm::None, credential: None, cost, now: LONG_AGO }).unwrap();
    storage
}

fn open(storage: &Arc<MemoryStorage>, cache: Option<&Path>) -> Repository {
    let options = OpenOptions { cache_root: cache.map(Into::into), ..OpenOptions::default() };
    Repository::open(storage.clone() as Arc<dyn Storage>, options).unwrap()
}

fn publish(repository: &Repository, counter: u64, previous: Option<SnapshotId>, committed_at: Timestamp) -> SnapshotId {
    let manifest = Manifest {
        run: RunId([1; 16]),
        client: ClientId([2; 16]),
        counter,
        previous,
        kind: Kind::Full,
        base: None,
        series: "home".into(),
        host: "host".into(),
        user: "user".into(),
        time: committed_at,
        started_at: committed_at,
        committed_at,
        clocks: Vec::new(),
        paths: Vec::new(),
        options: SnapshotOptions::default(),
        tags: Vec::new(),
        program: "test".into(),
        root: RootId([3; 32]),
        entries: Vec::new(),
        counts: Counts::default(),
        extensions: Extensions::none(),
    };
    repository.objects().publish_manifest(&manifest).unwrap()
}

fn rollback(storage: &Arc<MemoryStorage>, cache: Option<&Path>) -> Option<Rollback> {
    open(storage, cache).catalogued().unwrap().rollback
}

#[test]
fn a_machine_misses_the_newest_that_it_has_seen_and_others_do_not() {
    let (storage, here, there) = (storage(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let repository = open(&storage, None);
    let first = publish(&repository, 1, None, LONG_AGO);
    let second = publish(&repository, 2, Some(first), LONG_AGO);
    assert_eq!(rollback(&storage, Some(here.path())), None);
    storage.remove(&snapshot_name(&second)).unwrap();
    let noticed = rollback(&storage, Some(here.path())).unwrap();
    assert_eq!(noticed, Rollback { missing: vec![second], was_seen: true, is_set_aside: false });
    // Looking does not make it right, and who was not there cannot know.
    assert_eq!(rollback(&storage, Some(here.path())), Some(noticed.clone()));
    assert_eq!(rollback(&storage, Some(there.path())), None);
    open(&storage, Some(here.path())).record_removal(&noticed.missing, LONG_AGO).unwrap();
    assert_eq!(rollback(&storage, Some(here.path())), None);
    // What is there now is what is remembered.
    storage.remove(&snapshot_name(&first)).unwrap();
    assert_eq!(rollback(&storage, Some(here.path())).unwrap().missing, [first]);
}

#[test]
fn a_chain_with_a_hole_is_noticed_by_everybody_and_a_recorded_removal_is_not() {
    let storage = storage();
    let repository = open(&storage, None);
    let first = publish(&repository, 1, None, LONG_AGO);
    let second = publish(&repository, 2, Some(first), LONG_AGO);
    publish(&repository, 3, Some(second), LONG_AGO);
    repository.record_removal(&[first], LONG_AGO).unwrap();
    for id in [first, second] {
        storage.remove(&snapshot_name(&id)).unwrap();
    }
    let noticed = rollback(&storage, None).unwrap();
    assert_eq!(noticed, Rollback { missing: vec![second], was_seen: false, is_set_aside: false });
    assert!(noticed.to_string().contains("which other snapshots or records refer to, is missing"), "{noticed}");
}

#[test]
fn a_snapshot_is_durable_before_it_is_remembered() {
    let (storage, cache) = (storage(), tempfile::tempdir().unwrap());
    let name = snapshot_name(&publish(&open(&storage, None), 1, None, LONG_AGO));
    let bytes = storage.read(&name, u64::MAX).unwrap();
    storage.remove(&name).unwrap();
    storage.sync(&["snapshots".to_owned()]).unwrap();
    // Its writer died between the name and the sync.
    let mut upload = storage.create("snapshots").unwrap();
    upload.write(&bytes).unwrap();
    upload.publish(&name).unwrap();
    let unseen = Arc::new(storage.after_crash(0));
    assert_eq!((unseen.list("snapshots").unwrap().len(), rollback(&unseen, Some(cache.path()))), (0, None));
    // Whoever looks makes it durable before he remembers it.
    assert_eq!(rollback(&storage, Some(cache.path())), None);
    let seen = Arc::new(storage.after_crash(0));
    assert_eq!((seen.list("snapshots").unwrap().len(), rollback(&seen, Some(cache.path()))), (1, None));
}

#[test]
fn a_damaged_manifest_is_there_and_not_missing() {
    let storage = storage();
    let repository = open(&storage, None);
    let first = publish(&repository, 1, None, LONG_AGO);
    publish(&repository, 2, Some(first), LONG_AGO);
    storage.remove(&snapshot_name(&first)).unwrap();
    let mut upload = storage.create("snapshots").unwrap();
    upload.write(b"not a manifest").unwrap();
    upload.publish(&snapshot_name(&first)).unwrap();
    assert_eq!(rollback(&storage, None), None);
}

#[test]
fn what_was_removed_is_gathered_into_few_records() {
    let storage = storage();
    let repository = open(&storage, None);
    let id = |number: u32| {
        let mut bytes = [9; 32];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        SnapshotId(bytes)
    };
    let count = || {
        let listing = open(&storage, None).catalogued().unwrap().listing;
        listing.records().iter().filter(|(_, row)| row.record_type == REMOVED).count()
    };
    for number in 0..5 {
        repository.record_removal(&[id(number)], LONG_AGO).unwrap();
    }
    assert_eq!((count(), open(&storage, None).facts().removed().len()), (1, 5));
    repository.record_removal(&(0..20_000).map(id).collect::<Vec<_>>(), LONG_AGO).unwrap();
    repository.record_removal(&[id(30_000)], LONG_AGO).unwrap();
    assert_eq!((count(), open(&storage, None).facts().removed().len()), (2, 20_001));
    let before = open(&storage, None).catalogued().unwrap().newest_counter;
    repository.record_removal(&[id(7), id(30_000)], LONG_AGO).unwrap();
    assert_eq!(open(&storage, None).catalogued().unwrap().newest_counter, before, "what was said is not said again");
}

#[test]
fn the_newest_record_stays_so_that_counters_never_fall() {
    let storage = storage();
    let repository = open(&storage, None);
    let gone = SnapshotId([9; 32]);
    repository.record_removal(&[gone], LONG_AGO).unwrap();
    let late = || repository.publish_record(TOMBSTONE, wire::encode(&Tombstone { snapshot: gone }), LONG_AGO).unwrap();
    late();
    let newest = || repository.catalogued().unwrap().newest_counter;
    let before = newest();
    assert_eq!((repository.remove_needless_marks().unwrap(), newest()), (0, before));
    late();
    assert_eq!((repository.remove_needless_marks().unwrap(), newest()), (1, before + 1));
}

#[test]
fn a_record_that_is_removed_between_its_listing_and_its_reading_ends_no_run() {
    let mut records_read = 0;
    for number in 1.. {
        let faults = Arc::new(Faults::new(storage()));
        let repository = Repository::open(faults.clone() as Arc<dyn Storage>, OpenOptions::default()).unwrap();
        faults.fail_reading_call(number, ErrorKind::NotFound, Lasts::Once);
        let outcome = repository.record_presence(&[SnapshotId([9; 32])], LONG_AGO);
        if faults.reading_calls() < number {
            break;
        }
        // What fails is a listing, or nothing: a record that is not there any more is one that says nothing.
        let failed = outcome.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(!failed.contains("records/"), "call {number}: {failed}");
        records_read += u32::from(failed.is_empty());
    }
    assert!(records_read > 4, "{records_read} records were passed over");
}
