//! What every storage must do, whatever lies behind it. Each storage and decorator runs this suite.
//!
//! Functions panic where the storage does not conform. They use names of their own and leave the
//! storage empty, so that they can run one after the other in any order.

use std::thread;

use super::{LOCK, LockKind, LockMode, PRUNE_LOCK, REQUEST_BYTES_MAX, Stale, Storage, join_ranges, map_at_once};
use crate::error::{ErrorKind, Result};

/// Runs the whole suite on an empty storage.
pub fn run_all(storage: &dyn Storage) {
    what_is_put_can_be_read(storage);
    a_name_is_given_once(storage);
    reads_stay_within_their_bounds(storage);
    what_is_not_there_is_not_found(storage);
    listings_are_sorted_and_go_by_whole_folders(storage);
    an_unpublished_upload_leaves_nothing(storage);
    what_is_set_aside_keeps_its_bytes(storage);
    bad_names_are_refused_everywhere(storage);
    locks_exclude_as_they_say(storage);
    a_waiting_lock_is_granted(storage);
    uploads_run_side_by_side(storage);
    of_two_who_give_a_name_at_once_one_does(storage);
    many_ranges_are_read_at_once(storage);
    properties_say_what_it_does(storage);
    assert_eq!(storage.list("").expect("listing"), [], "the suite leaves nothing");
}

/// Writes and publishes one object.
#[track_caller]
pub fn put(storage: &dyn Storage, area: &str, name: &str, bytes: &[u8]) {
    let mut upload = storage.create(area).expect("create");
    upload.write(bytes).expect("write");
    upload.publish(name).expect("publish");
}

/// The names below a folder.
#[track_caller]
pub fn names(storage: &dyn Storage, folder: &str) -> Vec<String> {
    storage.list(folder).expect("listing").into_iter().map(|listed| listed.name).collect()
}

#[track_caller]
fn refused<T>(result: Result<T>, kind: ErrorKind) {
    match result {
        Ok(_) => panic!("it should have been refused"),
        Err(error) => assert_eq!(error.kind(), kind, "{error}"),
    }
}

#[track_caller]
fn clear(storage: &dyn Storage, expected: usize) {
    let listed = names(storage, "");
    assert_eq!(listed.len(), expected, "{listed:?}");
    listed.iter().for_each(|name| storage.remove(name).expect("remove"));
}

/// Bytes come back as written in pieces, whole or in part, in made and in missing folders.
pub fn what_is_put_can_be_read(storage: &dyn Storage) {
    storage.create_folder("packs/00").expect("folder");
    storage.create_folder("packs/00").expect("a folder that exists");
    storage.create_folder("").expect("the top");
    let mut upload = storage.create("packs").expect("create");
    upload.write(b"first ").expect("write");
    upload.write(b"").expect("write nothing");
    upload.write(b"second").expect("write");
    upload.publish("packs/00/one").expect("publish");
    put(storage, "packs", "packs/ff/two", b"2");
    put(storage, "", "top.json", b"{}");
    put(storage, "never-made", "never-made/empty", b"");
    let folders = ["packs/00", "packs/ff", "never-made", "", "packs/00"].map(String::from);
    storage.sync(&folders).expect("sync");
    storage.sync(&[]).expect("sync of nothing");

    assert_eq!(storage.read("packs/00/one", 12).expect("read"), b"first second");
    assert_eq!(storage.read("never-made/empty", 0).expect("read"), b"");
    assert_eq!(storage.read("top.json", u64::MAX).expect("read"), b"{}");
    let mut part = [0; 4];
    storage.read_range("packs/00/one", 4, &mut part).expect("read a part");
    assert_eq!(&part, b"t se");
    clear(storage, 4);
    storage.sync(&folders).expect("sync");
}

/// A name that exists stays as it is: fine for the same length, refused for another, and always
/// refused at the top.
pub fn a_name_is_given_once(storage: &dyn Storage) {
    let publish = |area: &str, name: &str, bytes: &[u8]| {
        let mut upload = storage.create(area).expect("create");
        upload.write(bytes).expect("write");
        upload.publish(name)
    };
    publish("index", "index/a", b"old").expect("publish");
    publish("index", "index/a", b"new").expect("the same length");
    refused(publish("index", "index/a", b"longer"), ErrorKind::Exists);
    publish("", "top", b"old").expect("publish");
    refused(publish("", "top", b"new"), ErrorKind::Exists);
    refused(publish("index", "packs/a", b"x"), ErrorKind::Invalid);
    refused(publish("index", "indexes", b"x"), ErrorKind::Invalid);
    refused(publish("", "index/b", b"x"), ErrorKind::Invalid);
    assert_eq!(storage.read("index/a", 3).expect("read"), b"old");
    assert_eq!(storage.read("top", 3).expect("read"), b"old");
    clear(storage, 2);
}

/// Reading more than there is, or than is allowed, is damage.
pub fn reads_stay_within_their_bounds(storage: &dyn Storage) {
    put(storage, "index", "index/a", b"12345");
    refused(storage.read("index/a", 4), ErrorKind::Damaged);
    assert_eq!(storage.read("index/a", 5).expect("read").len(), 5);
    storage.read_range("index/a", 3, &mut [0; 2]).expect("up to the end");
    storage.read_range("index/a", 5, &mut []).expect("nothing at the end");
    for (offset, bytes) in [(3, 3), (5, 1), (6, 1), (u64::MAX, 1), (i64::MAX as u64, 2)] {
        refused(storage.read_range("index/a", offset, &mut vec![0; bytes]), ErrorKind::Damaged);
    }
    clear(storage, 1);
}

/// Missing things: not found when read, empty when listed, fine when removed.
pub fn what_is_not_there_is_not_found(storage: &dyn Storage) {
    put(storage, "index", "index/a", b"1");
    storage.remove("index/a").expect("remove");
    storage.remove("index/a").expect("removed twice");
    storage.remove("nowhere/a").expect("removed in a missing folder");
    for name in ["index/a", "nowhere/a", "top"] {
        refused(storage.read(name, 9), ErrorKind::NotFound);
        refused(storage.read_range(name, 0, &mut [0]), ErrorKind::NotFound);
        refused(storage.set_aside(name, "damaged/a"), ErrorKind::NotFound);
    }
    refused(storage.sync(&["nowhere".into()]), ErrorKind::NotFound);
    assert_eq!(storage.list("nowhere").expect("listing"), []);
    assert_eq!(["index/a", "nowhere/a", "top", "nowhere"].map(|name| storage.stat(name).expect("a look")), [None; 4]);
    assert_eq!(storage.remove_stale_temporaries(Stale::Anywhere).expect("remove"), 0);
}

/// A listing has everything below a folder, sorted by the whole name, with lengths.
pub fn listings_are_sorted_and_go_by_whole_folders(storage: &dyn Storage) {
    for name in ["packs/b0/2", "packs/b0/1", "packs/a", "packs/b0.x", "packs2/c", "packs/b/z"] {
        put(storage, name.split('/').next().unwrap_or(""), name, name.as_bytes());
    }
    let listed = storage.list("packs").expect("listing");
    assert!(listed.iter().all(|listed| listed.bytes == listed.name.len() as u64));
    assert_eq!(names(storage, "packs"), ["packs/a", "packs/b/z", "packs/b0.x", "packs/b0/1", "packs/b0/2"]);
    assert_eq!(names(storage, "packs/b"), ["packs/b/z"]);
    let looked_at = ["packs2/c", "packs/b0/3", "packs/b/z", "packs/b"].map(|name| storage.stat(name).expect("a look"));
    assert_eq!(looked_at, [Some(8), None, Some(9), None], "a look says what a listing would");
    assert_eq!(names(storage, "").len(), 6);
    clear(storage, 6);
}

/// What is being written is not listed; dropped, it is gone; being written, it is not stale.
pub fn an_unpublished_upload_leaves_nothing(storage: &dyn Storage) {
    let mut dropped = storage.create("packs").expect("create");
    dropped.write(b"lost").expect("write");
    let mut kept = storage.create("packs").expect("create");
    kept.write(b"kept").expect("write");
    let top = storage.create("").expect("create");
    assert_eq!(names(storage, ""), [""; 0]);
    drop((dropped, top));
    assert_eq!(storage.remove_stale_temporaries(Stale::Anywhere).expect("remove"), 0, "dropped ones are gone, living ones stay");
    kept.publish("packs/00/kept").expect("publish");
    assert_eq!(names(storage, ""), ["packs/00/kept"]);
    clear(storage, 1);
}

/// Setting aside moves into a new folder and never replaces.
pub fn what_is_set_aside_keeps_its_bytes(storage: &dyn Storage) {
    put(storage, "packs", "packs/00/a", b"bad");
    put(storage, "packs", "packs/00/b", b"other");
    storage.set_aside("packs/00/a", "damaged/packs/a").expect("set aside");
    refused(storage.set_aside("packs/00/b", "damaged/packs/a"), ErrorKind::Exists);
    storage.sync(&["packs/00".into(), "damaged/packs".into()]).expect("sync");
    assert_eq!(names(storage, ""), ["damaged/packs/a", "packs/00/b"]);
    assert_eq!(storage.read("damaged/packs/a", 3).expect("read"), b"bad");
    clear(storage, 2);
}

/// No method takes a name that leads elsewhere or that no listing would show.
pub fn bad_names_are_refused_everywhere(storage: &dyn Storage) {
    put(storage, "index", "index/a", b"1");
    for name in ["..", "../a", "/a", "index//a", "index/../a", "index/.", "a b", "é", "a\0b", "index/", "lock", "index/.tmp-1"] {
        refused(storage.create_folder(name), ErrorKind::Invalid);
        refused(storage.create(name).map(drop), ErrorKind::Invalid);
        refused(storage.create("index").expect("create").publish(name), ErrorKind::Invalid);
        refused(storage.create("").expect("create").publish(name), ErrorKind::Invalid);
        refused(storage.sync(&[name.into()]), ErrorKind::Invalid);
        refused(storage.read(name, 9), ErrorKind::Invalid);
        refused(storage.read_range(name, 0, &mut [0]), ErrorKind::Invalid);
        refused(storage.list(name), ErrorKind::Invalid);
        refused(storage.stat(name), ErrorKind::Invalid);
        refused(storage.remove(name), ErrorKind::Invalid);
        refused(storage.set_aside(name, "index/b"), ErrorKind::Invalid);
        refused(storage.set_aside("index/a", name), ErrorKind::Invalid);
    }
    refused(storage.read("", 9), ErrorKind::Invalid);
    refused(storage.stat(""), ErrorKind::Invalid);
    refused(storage.lock("index/a", LockMode::Shared, false).map(drop), ErrorKind::Invalid);
    clear(storage, 1);
}

/// Shared goes with shared, exclusive with nothing, and the two locks know nothing of each other.
pub fn locks_exclude_as_they_say(storage: &dyn Storage) {
    let take = |mode| storage.lock(LOCK, mode, false);
    let one = take(LockMode::Shared).expect("shared");
    let two = take(LockMode::Shared).expect("shared twice");
    refused(take(LockMode::Exclusive).map(drop), ErrorKind::Busy);
    let other = storage.lock(PRUNE_LOCK, LockMode::Exclusive, false).expect("the other lock");
    [&one, &two, &other].iter().for_each(|lock| lock.still_holds().expect("it is held"));
    refused(storage.lock(PRUNE_LOCK, LockMode::Shared, false).map(drop), ErrorKind::Busy);
    drop((one, other));
    refused(take(LockMode::Exclusive).map(drop), ErrorKind::Busy);
    drop(two);
    let alone = take(LockMode::Exclusive).expect("exclusive");
    alone.still_holds().expect("it is held");
    refused(take(LockMode::Shared).map(drop), ErrorKind::Busy);
    refused(take(LockMode::Exclusive).map(drop), ErrorKind::Busy);
    drop(alone);
    drop(take(LockMode::Shared).expect("free again"));
    assert_eq!(storage.list("").expect("listing"), [], "locks are not objects");
}

/// Who waits gets the lock when it is let go.
pub fn a_waiting_lock_is_granted(storage: &dyn Storage) {
    let held = storage.lock(LOCK, LockMode::Shared, true).expect("shared");
    thread::scope(|scope| {
        let waiting = scope.spawn(|| drop(storage.lock(LOCK, LockMode::Exclusive, true).expect("exclusive")));
        drop(held);
        waiting.join().expect("the waiting thread");
    });
}

/// Threads that publish at once, some of them the same name, do not disturb each other.
pub fn uploads_run_side_by_side(storage: &dyn Storage) {
    thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for object in 0..8 {
                    put(storage, "packs", &format!("packs/{object:02x}/{thread}"), &[thread; 100]);
                    put(storage, "packs", &format!("packs/{object:02x}/same"), &[7; 100]);
                }
                storage.sync(&["packs/00".into(), "packs/07".into()]).expect("sync");
            });
        }
    });
    assert_eq!(storage.read("packs/03/2", 100).expect("read"), [2; 100]);
    assert!(storage.list("packs").expect("listing").iter().all(|listed| listed.bytes == 100));
    clear(storage, 8 * 5);
}

/// Of those who publish other bytes under one name at the top at the same moment one succeeds, and its bytes are
/// there; a storage that cannot decide says so.
pub fn of_two_who_give_a_name_at_once_one_does(storage: &dyn Storage) {
    let publish = |byte: u8| {
        let mut upload = storage.create("").expect("create");
        upload.write(&[byte; 9]).expect("write");
        upload.publish("top")
    };
    let results: Vec<(u8, Result<()>)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|byte| scope.spawn(move || (byte, publish(byte)))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread")).collect()
    });
    let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(|(_, result)| result.is_ok());
    if !storage.properties().can_replace {
        assert_eq!(won.len(), 1);
        assert_eq!(storage.read("top", 9).expect("read"), [won[0].0; 9]);
    }
    lost.into_iter().for_each(|(_, result)| refused(result, ErrorKind::Exists));
    clear(storage, 1);
}

/// Parts that are read one by one, by many at once, and joined as its properties say, are the same.
pub fn many_ranges_are_read_at_once(storage: &dyn Storage) {
    let bytes: Vec<u8> = (0..40_000_u32).map(|n| (n % 251) as u8).collect();
    put(storage, "packs", "packs/00/a", &bytes);
    let ranges: Vec<_> = (0..100_u64).map(|n| n * 390..n * 390 + 7 * (n % 30)).collect();
    let expected: Vec<&[u8]> = ranges.iter().map(|range| &bytes[range.start as usize..range.end as usize]).collect();
    let alone = |range: &std::ops::Range<u64>| {
        let mut part = vec![0; (range.end - range.start) as usize];
        storage.read_range("packs/00/a", range.start, &mut part).map(|()| part)
    };
    assert_eq!(map_at_once(storage, &ranges, alone).expect("parts"), expected);
    for gap_bytes in [storage.properties().gap_bytes, 300, u64::MAX] {
        let joined = join_ranges(&ranges, gap_bytes, REQUEST_BYTES_MAX);
        let parts = map_at_once(storage, &joined, |stretch| {
            let mut read = Vec::new();
            stretch.read(storage, "packs/00/a", &mut read)?;
            let parts = ranges[stretch.members.clone()].iter().map(|range| stretch.cut(&mut read, range).expect("a part").to_vec());
            Ok(parts.collect::<Vec<_>>())
        });
        assert_eq!(parts.expect("stretches").concat(), expected);
    }
    refused(map_at_once(storage, &[0..1, 39_999..40_001], alone), ErrorKind::Damaged);
    clear(storage, 1);
}

/// What it says of itself is true and stays the same.
pub fn properties_say_what_it_does(storage: &dyn Storage) {
    let properties = storage.properties();
    assert_eq!(properties, storage.properties());
    assert!(properties.requests_at_once > 0, "one who asks is one");
    put(storage, "index", "index/a", b"1");
    if properties.is_append_only {
        refused(storage.remove("index/a"), ErrorKind::Denied);
        refused(storage.set_aside("index/a", "damaged/a"), ErrorKind::Denied);
        return;
    }
    let alone = storage.lock(LOCK, LockMode::Exclusive, false).expect("alone");
    match storage.lock(LOCK, LockMode::Exclusive, false) {
        Ok(second) => {
            assert_eq!(properties.lock, LockKind::None, "it excludes nobody");
            second.still_holds().expect("nobody took it away");
        }
        Err(error) => assert!(properties.lock != LockKind::None && error.kind() == ErrorKind::Busy, "{error}"),
    }
    alone.still_holds().expect("held");
    drop(alone);
    clear(storage, 1);
}

/// Who holds a lock that `take_away` took away is told when it asks, of each mode and each lock; who holds the other
/// one is not concerned, and the lock can be taken again. Not part of the suite, as each storage loses locks its way.
pub fn a_lock_that_is_taken_away_is_lost(storage: &dyn Storage, take_away: &dyn Fn(&str)) {
    for (name, other) in [(LOCK, PRUNE_LOCK), (PRUNE_LOCK, LOCK)] {
        for mode in [LockMode::Shared, LockMode::Exclusive] {
            let lock = storage.lock(name, mode, false).expect("a lock");
            let other = storage.lock(other, LockMode::Exclusive, false).expect("the other lock");
            lock.still_holds().expect("held");
            take_away(name);
            refused(lock.still_holds(), ErrorKind::Changed);
            other.still_holds().expect("the other one is held");
            let again = storage.lock(name, LockMode::Exclusive, false).expect("taken again");
            refused(lock.still_holds(), ErrorKind::Changed);
            again.still_holds().expect("held");
            drop(lock);
            again.still_holds().expect("still held when the lost one was let go");
        }
    }
    assert_eq!(storage.list("").expect("listing"), [], "locks are not objects");
}
