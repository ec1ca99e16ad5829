//! Memory behaves as a disk does, power cuts included.

use super::*;
use crate::storage::conformance::{self, names, put};

fn sync(storage: &MemoryStorage, folders: &[&str]) {
    storage.sync(&folders.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
}

/// What is left by 200 crashes, each outcome once.
fn outcomes<T: Ord>(storage: &MemoryStorage, look: impl Fn(&MemoryStorage) -> T) -> Vec<T> {
    let found: std::collections::BTreeSet<T> = (0..200).map(|seed| look(&storage.after_crash(seed))).collect();
    found.into_iter().collect()
}

#[test]
fn memory_passes_the_suite() {
    let storage = MemoryStorage::new();
    conformance::run_all(&storage);
    conformance::run_all(&storage.open_again());
    conformance::run_all(&storage.image());
    conformance::run_all(&storage.copy());
    // The removals of the suite are not synced, so here they are all kept.
    conformance::run_all(&storage.after_crash(1));
}

#[test]
fn a_crash_may_lose_names_that_were_not_synced_and_bring_back_removals() {
    let storage = MemoryStorage::new();
    put(&storage, "packs", "packs/3f/one", b"1");
    sync(&storage, &["packs/3f"]);
    storage.remove("packs/3f/one").unwrap();
    put(&storage, "packs", "packs/3f/two", b"2");
    put(&storage, "packs", "packs/40/three", b"3");
    sync(&storage, &["packs/40"]);

    assert_eq!(names(&storage.after_crash(0), ""), ["packs/3f/one", "packs/40/three"], "nothing that was pending");
    assert_eq!(names(&storage.after_crash(1), ""), ["packs/3f/two", "packs/40/three"], "all of it");
    let left = outcomes(&storage, |left| names(left, "packs/3f").join(" "));
    assert_eq!(left, ["", "packs/3f/one", "packs/3f/one packs/3f/two", "packs/3f/two"], "each change with or without the other");
    let left = storage.after_crash(17);
    assert_eq!(names(&left, ""), names(&storage.after_crash(17), ""), "a seed is a crash");
    assert_eq!(names(&left.after_crash(0), ""), names(&left, ""), "what a crash left is durable");
    assert_eq!(names(&storage, ""), ["packs/3f/two", "packs/40/three"], "the storage itself goes on");
}

#[test]
fn what_is_set_aside_never_has_neither_name() {
    let storage = MemoryStorage::new();
    put(&storage, "packs", "packs/3f/one", b"1");
    storage.create_folder("damaged").unwrap();
    sync(&storage, &["packs/3f"]);
    storage.set_aside("packs/3f/one", "damaged/one").unwrap();
    let look = |left: &MemoryStorage| names(left, "").join(" ");
    assert_eq!(outcomes(&storage, look), ["damaged/one", "damaged/one packs/3f/one", "packs/3f/one"]);
    let halfway = storage.image();
    sync(&halfway, &["damaged"]);
    assert_eq!(outcomes(&halfway, look), ["damaged/one", "damaged/one packs/3f/one"]);
    sync(&storage, &["packs/3f"]);
    assert_eq!(outcomes(&storage, look), ["damaged/one"]);
}

#[test]
fn a_folder_that_is_lost_takes_what_lies_in_it() {
    let storage = MemoryStorage::new();
    storage.create_folder("packs/3f").unwrap();
    // Another program cannot know that the folder is not durable, so a sync makes it so.
    let other = storage.open_again();
    put(&other, "index", "index/a", b"1");
    sync(&other, &[]);
    let folders = |left: &MemoryStorage| left.shared.state().folders.iter().cloned().collect::<Vec<_>>().join(" ");
    assert!(outcomes(&storage, folders).contains(&"index".to_owned()), "of its own folders only");
    put(&other, "packs", "packs/3f/one", b"1");
    assert!(outcomes(&storage, |left| names(left, "packs").len()).contains(&0));
    sync(&other, &["packs/3f"]);
    assert_eq!(outcomes(&storage, |left| names(left, "packs").join(" ")), ["packs/3f/one"]);
}

#[test]
fn a_crash_may_leave_temporaries_and_no_listing_shows_them() {
    let storage = MemoryStorage::new();
    storage.create_folder("packs/3f").unwrap();
    sync(&storage, &["packs"]);
    let mut living = storage.create("packs").unwrap();
    living.write(b"half").unwrap();
    drop(storage.create("packs").unwrap());
    put(&storage, "packs", "packs/3f/one", b"1");
    let left = outcomes(&storage, |left| left.remove_stale_temporaries(Stale::Anywhere).unwrap());
    assert_eq!(left, [0, 1, 2, 3]);
    let left = (0..).map(|seed| storage.after_crash(seed)).find(|left| left.shared.state().stale.len() == 3).unwrap();
    assert_eq!(names(&left, ""), [""; 0], "the third was to be one of them");
    left.remove_stale_temporaries(Stale::Anywhere).unwrap();
    assert_eq!(left.remove_stale_temporaries(Stale::Anywhere).unwrap(), 0);
    assert!(
        outcomes(&left, |left| left.remove_stale_temporaries(Stale::Anywhere).unwrap()).contains(&3),
        "their removal is a change as others are"
    );
}

#[test]
fn bytes_are_durable_unless_that_promise_is_broken() {
    let storage = MemoryStorage::new();
    let content: Vec<u8> = (0..10_000_u32).map(|n| n as u8 | 1).collect();
    put(&storage, "packs", "packs/3f/whole", &content);
    storage.break_promise(Promise::Bytes, "packs/3f/torn");
    put(&storage, "packs", "packs/3f/torn", &content);
    sync(&storage, &["packs/3f"]);
    assert_eq!(storage.read("packs/3f/torn", u64::MAX).unwrap(), content, "seen until the crash");
    assert_eq!(outcomes(&storage, |left| left.read("packs/3f/whole", u64::MAX).unwrap() == content), [true]);
    let torn = outcomes(&storage, |left| left.read("packs/3f/torn", u64::MAX).unwrap());
    assert!(torn.len() > 50 && torn.contains(&content) && torn.contains(&Vec::new()));
    let is_part =
        |torn: &Vec<u8>| torn.chunks(4096).zip(content.chunks(4096)).all(|(a, b)| a.iter().all(|byte| *byte == 0) || b.starts_with(a));
    assert!(torn.iter().all(is_part));
    assert!(torn.iter().any(|torn| torn.len() > 4096 && torn[..4096] == [0; 4096] && torn[4096..] == content[4096..torn.len()]));
}

#[test]
fn names_are_durable_after_a_sync_unless_that_promise_is_broken() {
    let storage = MemoryStorage::new();
    storage.break_promise(Promise::Names, "index");
    put(&storage, "index", "index/a", b"1");
    put(&storage, "packs", "packs/3f/a", b"1");
    sync(&storage, &["index", "packs/3f"]);
    assert_eq!(names(&storage.after_crash(0), ""), ["packs/3f/a"]);
}

#[test]
fn a_lock_that_is_taken_away_is_lost() {
    let storage = MemoryStorage::new();
    conformance::a_lock_that_is_taken_away_is_lost(&storage, &|name| storage.take_away_lock(name));
}

#[test]
fn a_full_disk_takes_what_still_fits() {
    let storage = MemoryStorage::new();
    assert_eq!(storage.free_bytes(), None);
    put(&storage, "index", "index/a", b"12345");
    storage.set_capacity(Some(12));
    let mut upload = storage.create("index").unwrap();
    upload.write(b"123").unwrap();
    assert_eq!(storage.free_bytes(), Some(4));
    assert_eq!(upload.write(b"12345").unwrap_err().kind(), ErrorKind::Full);
    assert_eq!(upload.publish("index/b").unwrap_err().kind(), ErrorKind::Invalid);
    storage.remove("index/a").unwrap();
    assert_eq!(storage.free_bytes(), Some(12));
    put(&storage, "index", "index/b", b"123456789012");
}

#[test]
fn clones_and_images_are_the_same_place_and_copies_are_not() {
    let storage = MemoryStorage::new();
    put(&storage.clone(), "index", "index/a", b"1");
    assert_eq!(storage.read("index/a", 1).unwrap(), b"1");
    for same in [storage.clone(), storage.open_again(), storage.image(), storage.after_crash(1)] {
        assert_eq!(storage.identity(), same.identity());
        assert_eq!(names(&same, ""), ["index/a"]);
    }
    let copy = storage.copy();
    assert_ne!(storage.identity(), copy.identity());
    assert_ne!(storage.identity(), MemoryStorage::new().identity());
    assert_eq!(names(&copy.after_crash(0), ""), ["index/a"], "a copy is durable");
    let image = storage.image();
    storage.remove("index/a").unwrap();
    assert_eq!((names(&image, "").len(), names(&image.after_crash(0), "").len()), (1, 0), "what is pending is pending there too");
}
