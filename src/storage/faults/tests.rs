//! The fault injector fails what it is told to, and nothing else.

use super::*;
use crate::storage::{MemoryStorage, conformance};

#[test]
fn without_a_fault_the_suite_passes() {
    let faults = Faults::new(MemoryStorage::new());
    conformance::run_all(&faults);
    assert!(faults.writing_calls() > 0);
}

#[test]
fn a_lock_that_is_lost_inside_is_lost() {
    let faults = Faults::new(MemoryStorage::new());
    conformance::a_lock_that_is_taken_away_is_lost(&faults, &|name| faults.inner().take_away_lock(name));
}

#[test]
fn locks_are_lost_before_the_chosen_call_and_only_who_asks_is_told() {
    let faults = Faults::new(MemoryStorage::new());
    let lock = faults.lock("lock", LockMode::Shared, false).unwrap();
    faults.lose_locks_at(2);
    lock.still_holds().unwrap();
    faults.create_folder("index").unwrap();
    assert_eq!(lock.still_holds().unwrap_err().kind(), ErrorKind::Changed);
    faults.create_folder("packs").unwrap();
    faults.heal();
    lock.still_holds().unwrap();
}

#[test]
fn the_chosen_call_fails_once_and_leaves_nothing() {
    let write_one = |faults: &Faults<MemoryStorage>| -> Result<()> {
        let mut upload = faults.create("index")?;
        upload.write(b"one")?;
        upload.publish("index/one")?;
        faults.sync(&["index".into()])
    };
    for (nth, published) in [(1, 0), (2, 0), (3, 0), (4, 1)] {
        let faults = Faults::new(MemoryStorage::new());
        faults.fail_writing_call(nth, ErrorKind::Other, Lasts::Once);
        assert_eq!(write_one(&faults).unwrap_err().kind(), ErrorKind::Other);
        assert_eq!((faults.writing_calls(), faults.is_armed()), (nth, false));
        assert_eq!(faults.list("").unwrap().len(), published);
        if nth < 4 {
            write_one(&faults).unwrap();
        }
    }
}

#[test]
fn after_a_failed_sync_nothing_is_called_durable_again() {
    let faults = Faults::new(MemoryStorage::new());
    conformance::put(&faults, "index", "index/one", b"1");
    faults.fail_writing_call(1, ErrorKind::Other, Lasts::Once);
    assert!(faults.sync(&["index".into()]).is_err());
    assert!(faults.sync(&["index".into()]).is_err() && faults.sync(&[]).is_err());
    let mut upload = faults.create("index").unwrap();
    upload.write(b"2").unwrap();
    assert!(upload.publish("index/two").is_err());
    faults.remove("index/one").unwrap();
    faults.heal();
    faults.sync(&["index".into()]).unwrap();
}

#[test]
fn the_chosen_reading_call_fails() {
    let faults = Faults::new(MemoryStorage::new());
    conformance::put(&faults, "index", "index/one", b"1");
    let read = |call: u64| match call {
        1 => faults.read("index/one", 1).map(drop),
        2 => faults.read_range("index/one", 0, &mut [0]),
        _ => faults.list("index").map(drop),
    };
    for failing in 1..=3 {
        faults.fail_reading_call(failing, ErrorKind::Damaged, Lasts::Once);
        let outcomes: Vec<bool> = (1..=3).map(|call| read(call).is_ok()).collect();
        assert_eq!(outcomes, (1..=3).map(|call| call != failing).collect::<Vec<_>>());
        assert_eq!(faults.reading_calls(), 3);
    }
    faults.fail_reading_call(2, ErrorKind::Other, Lasts::Forever);
    assert_eq!((1..=3).map(|call| read(call).is_ok()).collect::<Vec<_>>(), [true, false, false]);
}

#[test]
fn a_full_disk_still_removes() {
    let faults = Faults::new(MemoryStorage::new());
    conformance::put(&faults, "index", "index/one", b"1");
    faults.fail_writing_call(1, ErrorKind::Full, Lasts::Forever);
    faults.remove("index/one").unwrap();
    faults.sync(&["index".into()]).unwrap();
    for _ in 0..2 {
        assert_eq!(faults.create("index").err().map(|error| error.kind()), Some(ErrorKind::Full));
    }
    faults.heal();
    assert!(faults.create("index").is_ok());
}

#[test]
fn an_upload_that_lost_bytes_is_not_published() {
    let faults = Faults::new(MemoryStorage::new());
    let mut upload = faults.create("index").unwrap();
    faults.fail_writing_call(1, ErrorKind::Full, Lasts::Once);
    assert!(upload.write(b"one").is_err());
    assert_eq!(upload.publish("index/one").unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn damage_shows_in_every_way_of_reading() {
    let faults = Faults::new(MemoryStorage::new());
    conformance::put(&faults, "packs", "packs/3f/a", &[0, 1, 2, 3]);
    let part = || {
        let mut buffer = [0; 2];
        faults.read_range("packs/3f/a", 2, &mut buffer).map(|()| buffer)
    };

    faults.damage("packs/3f", Damage::FlipByte(3));
    assert_eq!((faults.read("packs/3f/a", 4).unwrap(), part().unwrap()), (vec![0, 1, 2, 252], [2, 252]));
    faults.damage("packs/", Damage::Truncate(3));
    assert_eq!(faults.read("packs/3f/a", 3).unwrap(), [0, 1, 2]);
    assert_eq!(part().unwrap_err().kind(), ErrorKind::Damaged);
    assert_eq!(faults.list("packs").unwrap()[0].bytes, 3);
    faults.damage("packs/", Damage::Remove);
    assert!(faults.read("packs/3f/a", 4).unwrap_err().is_not_found() && part().unwrap_err().is_not_found());
    assert_eq!(faults.list("").unwrap(), []);

    faults.heal();
    assert_eq!(faults.read("packs/3f/a", 4).unwrap(), faults.inner().read("packs/3f/a", 4).unwrap());
}
