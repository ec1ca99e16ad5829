//! Damage to everything but packs.

use super::*;
use crate::manifest::{SETTING, SETTINGS, TOMBSTONE, Tombstone};
use crate::repository::Protection;
use crate::storage::faults::{Faults, Lasts};
use crate::wire;

#[test]
fn a_sound_repository_is_left_as_it_is() {
    let (bench, _) = Bench::with_two_snapshots(Algorithm::Aes256Gcm);
    let before = bench.every_object();
    let outcome = bench.repair();
    assert_eq!(outcome, Outcome::default());
    assert!(!outcome.found_damage() && !outcome.has_loss());
    assert_eq!(bench.every_object(), before);
}

#[test]
fn the_index_is_made_again_from_the_packs_whatever_became_of_it() {
    for algorithm in [Algorithm::Aes256Gcm, Algorithm::None] {
        for way in ["all gone", "one gone", "one damaged", "all damaged"] {
            let (mut bench, snapshots) = Bench::with_two_snapshots(algorithm);
            let before: Vec<Files> = snapshots.iter().map(|id| bench.files(id)).collect();
            bench.forget_cache();
            let segments = bench.names("index");
            let affected = if way.starts_with("all") { &segments[..] } else { &segments[..1] };
            for name in affected {
                if way.ends_with("gone") { bench.storage.remove(name).unwrap() } else { bench.flip(name, 200) }
            }
            let outcome = bench.repair();
            assert!(outcome.packs_indexed > 0 && !outcome.has_loss(), "{way}: {outcome:?}");
            assert_whole(&bench);
            let after: Vec<Files> = snapshots.iter().map(|id| bench.files(id)).collect();
            assert!(before == after, "{way}");
            let kept = bench.names("damaged/index").len();
            assert_eq!(kept, if way.ends_with("gone") { 0 } else { affected.len() }, "{way}: what was damaged is kept");
            assert!(!bench.repair().found_damage(), "{way}: a second repair finds nothing");
        }
    }
}

#[test]
fn a_damaged_manifest_is_set_aside_and_the_others_stay() {
    let (bench, snapshots) = Bench::with_two_snapshots(Algorithm::Aes256Gcm);
    let name = crate::repository::snapshot_name(&snapshots[0]);
    bench.flip(&name, 300);
    let bytes = bench.read(&name);
    let outcome = bench.repair();
    assert_eq!((outcome.snapshots_lost, outcome.chunks_lost), (1, 0));
    assert_eq!(bench.read(&format!("damaged/{name}")), bytes, "it can still be looked at");
    assert_whole(&bench);
    assert!(bench.files(&snapshots[1]).values().all(Option::is_some));
}

#[test]
fn objects_that_come_back_damaged_are_set_aside_under_another_name() {
    let (bench, snapshots) = Bench::with_two_snapshots(Algorithm::Aes256Gcm);
    let name = crate::repository::snapshot_name(&snapshots[0]);
    bench.flip(&name, 300);
    let bytes = bench.read(&name);
    bench.repair();
    let mut upload = bench.storage.create("snapshots").unwrap();
    upload.write(&bytes).unwrap();
    upload.publish(&name).unwrap();
    assert_eq!(bench.repair().snapshots_lost, 1);
    assert_eq!(bench.names("damaged").len(), 2);
}

#[test]
fn without_settings_everything_can_be_read_nothing_is_written_and_a_repair_brings_them_back() {
    let (bench, snapshots) = Bench::with_two_snapshots(Algorithm::Aes256Gcm);
    let before = bench.files(&snapshots[1]);
    let settings = bench.open().unwrap().facts().settings().clone();
    for name in bench.names("records") {
        bench.storage.remove(&name).unwrap();
    }
    assert!(bench.files(&snapshots[1]) == before);
    let refused = bench.open().unwrap().facts().check_writable().unwrap_err();
    assert!(refused.is_damage(), "{refused}");
    let error = bench.open().unwrap().publish_record(SETTINGS, Vec::new(), NOW).unwrap_err();
    assert!(error.is_damage(), "{error}");
    let outcome = bench.repair();
    assert!(outcome.restored_settings);
    assert_eq!(*bench.open().unwrap().facts().settings(), settings);
    assert_eq!(bench.names("records").len(), 2);
    assert_whole(&bench);
    bench.snapshot();
}

#[test]
fn a_damaged_record_forbids_writing_until_a_repair_sets_it_aside() {
    let (bench, _) = Bench::with_two_snapshots(Algorithm::Aes256Gcm);
    let listing = bench.open().unwrap().catalogued().unwrap().listing;
    let (id, _) = listing.records().iter().find(|(_, row)| row.record_type == SETTINGS).unwrap();
    let name = format!("records/{id}");
    bench.flip(&name, 150);
    assert!(bench.open().unwrap().facts().check_writable().is_err());
    let outcome = bench.repair();
    assert_eq!((outcome.records_lost, outcome.restored_settings), (1, true));
    assert_eq!(bench.names("damaged"), [format!("damaged/{name}")]);
    assert!(!bench.open().unwrap().facts().lacks_settings());
    bench.snapshot();
    assert_whole(&bench);
}

#[test]
fn a_lost_or_garbled_description_is_made_again_byte_by_byte() {
    for algorithm in [Algorithm::Aes256Gcm, Algorithm::ChaCha20Poly1305, Algorithm::None] {
        let (bench, snapshots) = Bench::with_two_snapshots(algorithm);
        let good = bench.read("repository.json");
        let restore = || restore_description(&*bench.storage, false, &mut |_| Ok(credential(algorithm)));
        assert!(restore().unwrap().is_none(), "nothing is done where nothing is wrong");
        bench.storage.remove("repository.json").unwrap();
        assert!(restore().unwrap().is_some());
        assert_eq!(bench.read("repository.json"), good);
        bench.storage.remove("repository.json").unwrap();
        let mut upload = bench.storage.create("").unwrap();
        upload.write(b"{ \"format\": ").unwrap();
        upload.publish("repository.json").unwrap();
        assert!(restore().unwrap().is_some());
        assert_eq!(bench.read("repository.json"), good);
        assert_eq!(bench.read("damaged/repository.json"), b"{ \"format\": ");
        assert!(bench.files(&snapshots[0]).values().all(Option::is_some));
    }
}

/// Bits flip in headers too, of which the first to be read is one.
#[test]
fn a_description_is_made_again_from_what_is_proven_and_not_from_the_first_header_that_can_be_read() {
    // In a header: the algorithm, and the id of the repository.
    for (at, flip) in [(20, 3), (20, 1), (24, 0x10), (39, 0x80)] {
        for algorithm in [Algorithm::Aes256Gcm, Algorithm::ChaCha20Poly1305, Algorithm::None] {
            let (bench, _) = Bench::with_two_snapshots(algorithm);
            let good = bench.read("repository.json");
            let records = bench.names("records");
            for lost in 1..=records.len() {
                // At last in every record, which are the first to be read, and in nothing else.
                let name = &records[lost - 1];
                let mut bytes = bench.read(name);
                bytes[at] ^= flip;
                bench.replace(name, &bytes);
                bench.storage.remove("repository.json").unwrap();
                let mut asked = 0;
                let restored = restore_description(&*bench.storage, false, &mut |is_encrypted| {
                    asked += 1;
                    assert_eq!(is_encrypted, algorithm != Algorithm::None);
                    Ok(credential(algorithm))
                });
                assert!(restored.unwrap().is_some() && asked == 1);
                assert_eq!(bench.read("repository.json"), good, "{at} {flip} {algorithm:?} {lost}");
            }
        }
    }
}

#[test]
fn a_wrong_key_makes_no_description_also_where_headers_disagree() {
    let (bench, _) = Bench::with_two_snapshots(Algorithm::Aes256Gcm);
    let name = bench.names("records").remove(0);
    let mut bytes = bench.read(&name);
    bytes[24] ^= 1;
    bench.replace(&name, &bytes);
    bench.storage.remove("repository.json").unwrap();
    let wrong = crate::repository::Credential::KeyFile(zeroize::Zeroizing::new(vec![9; 32]));
    let mut wrong = Some(wrong);
    let error = restore_description(&*bench.storage, false, &mut |_| Ok(wrong.take())).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::WrongKey);
    assert!(bench.storage.read("repository.json", 4096).is_err());
}

#[test]
fn a_description_is_not_made_up_where_there_is_no_repository() {
    let storage = crate::storage::MemoryStorage::new();
    let restored = restore_description(&storage, false, &mut |_| panic!("there is nothing to open"));
    assert_eq!(restored.err().unwrap().kind(), ErrorKind::NoRepository);
    assert!(storage.list("").unwrap().is_empty());
}

#[test]
fn a_description_that_fits_no_object_is_refused_and_nothing_is_changed() {
    let (other, _) = Bench::with_two_snapshots(Algorithm::None);
    let (bench, snapshots) = Bench::with_two_snapshots(Algorithm::None);
    let good = bench.read("repository.json");
    let files = bench.files(&snapshots[0]);
    bench.replace("repository.json", &other.read("repository.json"));
    let before = bench.every_object();
    for dry_run in [true, false] {
        let error = run(&bench.open().unwrap(), &Request { dry_run, clock: || NOW }, &Silent).unwrap_err();
        assert!(error.is_damage() && error.to_string().contains("names repository"), "{error}");
    }
    assert_eq!(bench.every_object(), before);
    bench.replace("repository.json", &good);
    assert_eq!(bench.files(&snapshots[0]), files);
    assert_whole(&bench);
}

#[test]
fn whole_objects_of_another_repository_stay_where_they_are_and_damaged_ones_of_ours_are_set_aside() {
    for algorithm in [Algorithm::Aes256Gcm, Algorithm::None] {
        let (other, _) = Bench::with_two_snapshots(algorithm);
        let (bench, snapshots) = Bench::with_two_snapshots(algorithm);
        let others = other.every_object();
        let is_theirs = |name: &str| ["records/", "snapshots/", "index/", "packs/"].iter().any(|folder| name.starts_with(folder));
        for (name, bytes) in others.iter().filter(|(name, _)| is_theirs(name)) {
            let mut upload = bench.storage.create(name.split('/').next().unwrap()).unwrap();
            upload.write(bytes).unwrap();
            upload.publish(name).unwrap();
        }
        let ours = format!("snapshots/{}", snapshots[1]);
        bench.flip(&ours, 300);
        let outcome = bench.repair();
        let count = others.keys().filter(|name| is_theirs(name)).count() as u64;
        assert_eq!((outcome.foreign.len(), outcome.foreign[0].1, outcome.snapshots_lost), (1, count, 1));
        let now = bench.every_object();
        assert!(others.iter().filter(|(name, _)| is_theirs(name)).all(|(name, bytes)| now.get(name) == Some(bytes)));
        assert!(!now.contains_key(&ours) && now.contains_key(&format!("damaged/{ours}")));
        assert!(bench.files(&snapshots[0]).values().all(Option::is_some));
        // Not even who was forgotten goes, when he is of another.
        let theirs = other.names("snapshots");
        let theirs = crate::id::SnapshotId::parse(theirs[0].rsplit('/').next().unwrap()).unwrap();
        let request = crate::prune::Request { remove: vec![theirs], accept_rollback: true, ..crate::prune::Request::default() };
        assert!(crate::prune::run(&bench.open().unwrap(), &request, &Silent).unwrap_err().is_damage());
        assert_eq!(bench.every_object(), now);
    }
}

#[test]
fn a_damaged_snapshot_that_was_forgotten_is_given_up_unless_it_may_be_protected() {
    for is_protected in [false, true] {
        let (bench, snapshots) = Bench::with_two_snapshots(Algorithm::Aes256Gcm);
        let repository = bench.open().unwrap();
        repository.publish_record(TOMBSTONE, wire::encode(&Tombstone { snapshot: snapshots[0] }), NOW).unwrap();
        if is_protected {
            repository.publish_record(SETTING, Protection::setting(7 * 86_400), NOW).unwrap();
        }
        bench.flip(&format!("snapshots/{}", snapshots[0]), 300);
        assert_eq!(bench.repair().snapshots_lost, 1);
        let missing = bench.open().unwrap().catalogued().unwrap().rollback.map(|rollback| rollback.missing);
        assert_eq!(missing, is_protected.then(|| vec![snapshots[0]]));
    }
}

#[test]
fn a_repair_on_a_full_disk_takes_the_space_of_the_reserve() {
    let (bench, snapshots) = Bench::with_two_snapshots(Algorithm::None);
    bench.flip(&format!("snapshots/{}", snapshots[0]), 300);
    for name in [bench.names("packs").remove(0), bench.names("index").remove(0), bench.names("records").remove(0)] {
        bench.storage.remove(&name).unwrap();
    }
    let mut upload = bench.storage.create("").unwrap();
    upload.write(&[1; 1000]).unwrap();
    upload.publish("reserve").unwrap();
    let mut calls = 0;
    for call in 1.. {
        let faults = Arc::new(Faults::new(bench.storage.inner().image()));
        let repository = Repository::open(Arc::clone(&faults) as _, OpenOptions::default()).unwrap();
        faults.fail_writing_call(call, ErrorKind::Full, Lasts::Once);
        run(&repository, &Request { dry_run: false, clock: || NOW }, &Silent).unwrap_or_else(|error| panic!("call {call}: {error}"));
        if faults.is_armed() {
            break;
        }
        calls += 1;
        assert!(faults.list("").unwrap().iter().all(|listed| listed.name != "reserve"), "call {call}");
    }
    assert!(calls > 10, "{calls}");
}

#[test]
fn a_repair_is_alone() {
    let (bench, _) = Bench::with_two_snapshots(Algorithm::Aes256Gcm);
    let _prune = bench.storage.lock(crate::storage::PRUNE_LOCK, crate::storage::LockMode::Exclusive, false).unwrap();
    let error = run(&bench.open().unwrap(), &Request { dry_run: false, clock: || NOW }, &Silent).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
}

#[test]
fn what_is_of_a_later_version_stops_the_repair_before_anything_is_changed() {
    let (bench, _) = Bench::with_two_snapshots(Algorithm::Aes256Gcm);
    bench.open().unwrap().publish_record(0x8fff, vec![1], NOW).unwrap();
    bench.flip(&bench.names("snapshots")[0], 300);
    let before = bench.every_object();
    let error = run(&bench.open().unwrap(), &Request { dry_run: false, clock: || NOW }, &Silent).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(bench.every_object(), before);
}
