//! Prune where the disk is full, which is where it is needed most.

use super::*;
use crate::repository::make_reserve;
use crate::storage::LocalStorage;

/// The disk is full at each call that needs space in turn; removing the reserve helps once.
#[test]
fn a_full_disk_is_pruned_with_the_help_of_the_reserve() {
    let template = Bench::new();
    let snapshots = age(&template, 4);
    let remove: Vec<SnapshotId> = snapshots[..2].iter().map(|(id, _)| *id).collect();
    let mut struck = 0;
    for nth in 1.. {
        let storage = template.storage.inner().copy();
        let mut upload = storage.create("").unwrap();
        upload.write(&[1; 100]).unwrap();
        upload.publish("reserve").unwrap();
        let faults = Arc::new(Faults::new(storage));
        let repository = open(Arc::clone(&faults) as _);
        faults.fail_writing_call(nth, ErrorKind::Full, Lasts::Once);
        let outcome = run(&repository, &request(&remove), &Silent).unwrap();
        if faults.is_armed() {
            break;
        }
        struck += 1;
        faults.heal();
        assert_eq!(outcome.snapshots_removed, 2);
        assert!(outcome.bytes_freed > 0 && (outcome.packs_rewritten > 0) == (outcome.bytes_kept_for_space == 0), "{nth}: {outcome:?}");
        for (id, entries) in &snapshots[2..] {
            assert!(template.read_from(&repository, *id) == *entries, "{nth}: a snapshot that stays is not whole");
        }
        // What was written before the disk was full takes no space.
        let next = expect(&repository, &request(&[])).unwrap();
        assert_eq!(next.packs_removed, 0, "{nth}");
        run(&repository, &request(&[]), &Silent).unwrap();
        let last = run(&repository, &request(&[]), &Silent).unwrap();
        assert_eq!((last.bytes_freed, last.packs_removed), (0, 0), "{nth}");
    }
    assert!(struck > 8, "only {struck} calls were failed");
}

#[test]
fn the_reserve_is_made_again_when_there_is_room_and_is_in_no_size() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Arc::new(LocalStorage::create(&folder.path().join("repository")).unwrap());
    let options = crate::repository::CreateOptions {
        algorithm: crate::crypto::Algorithm::Aes256Gcm,
        credential: Some(credential()),
        cost: crate::crypto::Argon2Cost::STANDARD,
        now: Timestamp::new(1, 0),
    };
    crate::repository::create(&*storage, &options).unwrap();
    assert!(!make_reserve(&*storage, 0).unwrap(), "init has made it");
    storage.remove("reserve").unwrap();
    let repository = open(Arc::clone(&storage) as _);
    let outcome = run(&repository, &request(&[]), &Silent).unwrap();
    assert_eq!((outcome.bytes_before, outcome.bytes_after), (0, 0));
    assert!(!make_reserve(&*storage, 0).unwrap(), "prune has made it");
}
