//! Damage to packs: what can be read is saved, what is lost is recorded, and a snapshot heals it.

use super::*;
use crate::repository::{CreateOptions, create, pack_name};
use crate::storage::MemoryStorage;
use crate::storage::faults::{Faults, Lasts};

/// One pack with a frame of small files and frames of `a`, which has a chunk that travels alone.
fn bench() -> (Bench, SnapshotId, Files) {
    let bench = Bench::new(Algorithm::Aes256Gcm);
    bench.write("a", [b"\xff\xd8\xff".to_vec(), noise(1, 6 << 20)].concat());
    bench.write("sub/b", noise(2, 50_000));
    bench.write("sub/c", noise(3, 50_000));
    let id = bench.snapshot();
    let files = bench.files(&id);
    assert_eq!(bench.names("packs").len(), 2, "one of data, one of trees");
    (bench, id, files)
}

#[test]
fn what_can_be_read_of_a_damaged_pack_is_saved_and_only_the_rest_is_lost() {
    let (bench, id, before) = bench();
    let place = bench.places_of(&id, "sub/b").remove(0);
    let pack = pack_name(&place.pack);
    bench.flip(&pack, place.frame.offset as usize + 10);
    let outcome = bench.repair();
    assert_eq!((outcome.packs_salvaged, outcome.segments_replaced), (1, 1), "{outcome:?}");
    assert!(outcome.chunks_salvaged > 2, "{outcome:?}");
    let lost: Vec<&[u8]> = outcome.affected.iter().map(|affected| &affected.path[..]).collect();
    assert_eq!(lost, [bench.saved("sub/b"), bench.saved("sub/c")]);
    assert_eq!(bench.names("damaged/packs"), [format!("damaged/{pack}")]);
    let after = bench.files(&id);
    assert_eq!(after[&bench.saved("a")], before[&bench.saved("a")]);
    assert_eq!(after[&bench.saved("sub/b")], None);
    let again = bench.repair();
    assert!(!again.found_damage() && again.has_loss() && again.chunks_lost == outcome.chunks_lost, "{again:?}");
}

#[test]
fn the_next_snapshot_heals_older_ones_and_afterwards_nothing_is_stored_again() {
    for damaged in ["data", "trees", "both"] {
        let (bench, id, before) = bench();
        let data = pack_name(&bench.places_of(&id, "a")[0].pack);
        for name in bench.names("packs").iter().filter(|name| damaged == "both" || (**name == data) == (damaged == "data")) {
            bench.storage.remove(name).unwrap();
        }
        let outcome = bench.repair();
        assert!(outcome.chunks_newly_lost > 0 && outcome.has_loss(), "{damaged}: {outcome:?}");
        bench.snapshot();
        assert!(bench.files(&id) == before, "{damaged}: the older snapshot is whole again");
        assert_whole(&bench);
        assert!(!bench.repair().has_loss(), "{damaged}");
        let packs = bench.names("packs");
        bench.storage.clear();
        let third = bench.snapshot();
        assert_eq!(bench.names("packs"), packs, "{damaged}: nothing is stored again");
        assert!(bench.files(&third) == before);
    }
}

#[test]
fn a_source_that_has_changed_heals_what_it_still_has() {
    let (bench, id, before) = bench();
    bench.storage.remove(&pack_name(&bench.places_of(&id, "a")[0].pack)).unwrap();
    bench.repair();
    std::fs::remove_file(bench.source.path().join("sub/c")).unwrap();
    bench.snapshot();
    let after = bench.files(&id);
    assert_eq!(after[&bench.saved("a")], before[&bench.saved("a")]);
    assert_eq!(after[&bench.saved("sub/b")], before[&bench.saved("sub/b")]);
    assert_eq!(after[&bench.saved("sub/c")], None);
    let checked = bench.check(Data::All);
    assert_eq!(checked.affected.iter().map(|affected| affected.path.clone()).collect::<Vec<_>>(), [bench.saved("sub/c")]);
}

#[test]
fn a_prune_goes_on_beside_what_is_recorded_as_lost_when_the_loss_is_accepted() {
    let (bench, id, _) = bench();
    // Trees of a snapshot that no source can bring back.
    std::fs::remove_dir_all(bench.source.path().join("sub")).unwrap();
    let data = pack_name(&bench.places_of(&id, "a")[0].pack);
    for name in bench.names("packs").iter().filter(|name| **name != data) {
        bench.storage.remove(name).unwrap();
    }
    let prune = |bench: &Bench, accept_loss: bool| {
        crate::prune::run(&bench.open().unwrap(), &crate::prune::Request { accept_loss, ..crate::prune::Request::default() }, &Silent)
    };
    assert!(prune(&bench, true).unwrap_err().is_damage(), "before a repair nothing may be removed");
    bench.repair();
    let second = bench.snapshot();
    assert!(prune(&bench, false).unwrap_err().is_damage(), "what lies below the lost pages is unknown");
    prune(&bench, true).unwrap();
    assert!(bench.files(&second).values().all(Option::is_some));
    assert!(bench.open().unwrap().objects().read_manifest(&id).is_ok(), "the snapshot itself is not removed");
}

#[test]
fn a_dry_run_promises_what_a_repair_does_and_changes_nothing() {
    let (bench, id, _) = bench();
    let place = bench.places_of(&id, "sub/b").remove(0);
    bench.flip(&pack_name(&place.pack), place.frame.offset as usize + 10);
    bench.flip(&bench.names("index")[0], 200);
    bench.flip(&bench.names("records")[0], 150);
    let before = bench.every_object();
    let promised = run(&bench.open().unwrap(), &Request { dry_run: true, clock: || NOW }, &Silent).unwrap();
    assert_eq!(bench.every_object(), before);
    let done = bench.repair();
    assert!(done.has_loss() && done.found_damage());
    assert_eq!(Outcome { segments_replaced: done.segments_replaced, ..promised }, done);
}

#[test]
fn a_full_disk_moves_nothing_away() {
    let (bench, id, before) = bench();
    let place = bench.places_of(&id, "sub/b").remove(0);
    bench.flip(&pack_name(&place.pack), place.frame.offset as usize + 10);
    let packs = bench.names("packs");
    let faults = Arc::new(Faults::new(Arc::clone(&bench.storage)));
    let options = OpenOptions { credential: credential(bench.algorithm), ..OpenOptions::default() };
    let repository = Repository::open(Arc::clone(&faults) as _, options).unwrap();
    faults.fail_writing_call(1, ErrorKind::Full, Lasts::Forever);
    assert_eq!(run(&repository, &Request { dry_run: false, clock: || NOW }, &Silent).unwrap_err().kind(), ErrorKind::Full);
    assert_eq!(bench.names("packs"), packs);
    assert_eq!(bench.files(&id)[&bench.saved("a")], before[&bench.saved("a")]);
}

/// The power goes at each writing call in turn. What could be read can still be read, a repair finishes
/// the work, and a snapshot in between never takes for stored what is not.
#[test]
fn a_power_cut_at_any_call_loses_nothing_more() {
    let source = tempfile::tempdir().unwrap();
    std::fs::write(source.path().join("a"), noise(1, 3 << 20)).unwrap();
    std::fs::write(source.path().join("b"), noise(2, 50_000)).unwrap();
    let path = std::os::unix::ffi::OsStrExt::as_bytes(source.path().as_os_str()).to_vec();
    let open = |storage: Arc<dyn Storage>| Repository::open(storage, OpenOptions::default()).unwrap();
    let save = |repository: &Repository| {
        let clock = crate::check::tests::an_hour_later;
        let request = crate::snapshot::Request { clock, ..crate::snapshot::Request::new(vec![path.clone()], "host", "user") };
        crate::snapshot::run(repository, &request, &Silent).unwrap().id.unwrap()
    };
    let mut cuts = 0;
    for nth in 1.. {
        let storage = MemoryStorage::new();
        let cost = crate::crypto::Argon2Cost::STANDARD;
        create(&storage, &CreateOptions { algorithm: Algorithm::None, credential: None, cost, now: NOW }).unwrap();
        let faults = Arc::new(Faults::new(storage.clone()));
        let id = save(&open(Arc::new(storage.clone())));
        let before = files_of(&open(Arc::new(storage.clone())), &id);
        // The data pack is damaged in one frame, and the index is gone.
        let mut packs = storage.list("packs").unwrap();
        packs.sort_by_key(|listed| listed.bytes);
        let name = packs.pop().unwrap().name;
        let mut bytes = storage.read(&name, u64::MAX).unwrap();
        bytes[2000] ^= 1;
        let segment = storage.list("index").unwrap().remove(0).name;
        storage.remove(&name).unwrap();
        storage.remove(&segment).unwrap();
        let mut upload = storage.create("packs").unwrap();
        upload.write(&bytes).unwrap();
        upload.publish(&name).unwrap();
        storage.sync(&["index".to_owned(), name.rsplit_once('/').unwrap().0.to_owned()]).unwrap();

        let repository = open(Arc::clone(&faults) as _);
        faults.fail_writing_call(nth, ErrorKind::Other, Lasts::Forever);
        if run(&repository, &Request { dry_run: false, clock: || NOW }, &Silent).is_ok() {
            break;
        }
        cuts += 1;
        let survivor = Arc::new(storage.after_crash(0));
        if nth % 2 == 0 {
            // Half of the time a snapshot comes first.
            let between = save(&open(Arc::clone(&survivor) as _));
            let outcome = run(&open(Arc::clone(&survivor) as _), &Request { dry_run: false, clock: || NOW }, &Silent).unwrap();
            let files = files_of(&open(Arc::clone(&survivor) as _), &between);
            let is_lost = |path: &Vec<u8>| outcome.affected.iter().any(|affected| affected.path == *path);
            assert!(files.iter().all(|(path, plain)| plain.is_some() || is_lost(path)), "cut {nth}: loss is listed");
        } else {
            run(&open(Arc::clone(&survivor) as _), &Request { dry_run: false, clock: || NOW }, &Silent).unwrap();
        }
        let last = save(&open(Arc::clone(&survivor) as _));
        assert!(files_of(&open(Arc::clone(&survivor) as _), &last) == before, "cut {nth}: a snapshot after the repair is whole");
        assert!(files_of(&open(Arc::clone(&survivor) as _), &id) == before, "cut {nth}: and heals the one before");
        let request = check::Request { data: Data::All, clock: || NOW };
        let checked = check::run(&open(survivor), &request, &Silent).unwrap();
        assert!(!checked.is_damaged(), "cut {nth}: {checked:?}");
    }
    assert!(cuts > 10, "only {cuts} cuts were tried");
}
