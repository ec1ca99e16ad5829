//! What only a folder of the kernel can show: modes, odd files, dead writers, durability.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::storage::conformance::{self, names, put};

fn storage() -> (TempDir, LocalStorage) {
    let folder = tempfile::tempdir().unwrap();
    let storage = LocalStorage::create(&folder.path().join("repository")).unwrap();
    (folder, storage)
}

fn mode(path: PathBuf) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Every entry, hidden ones too.
fn entries(storage: &LocalStorage, folder: &str) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(storage.path().join(folder)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_local_folder_passes_the_suite() {
    let (_folder, storage) = storage();
    conformance::run_all(&storage);
    conformance::run_all(&Arc::new(storage) as &dyn Storage);
}

#[test]
fn a_repository_is_made_only_where_nothing_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("above/repository");
    let storage = LocalStorage::create(&path).unwrap();
    assert_eq!(entries(&storage, ""), ["lock", "prune.lock"]);
    storage.create_folder("packs/00").unwrap();
    fs::create_dir(path.join("lost+found")).unwrap();
    fs::write(path.join(".tmp-0"), "left").unwrap();
    LocalStorage::create(&path).expect("what an interrupted start left does not count");

    fs::write(path.join("packs/00/a"), "").unwrap();
    assert_eq!(LocalStorage::create(&path).unwrap_err().kind(), ErrorKind::Exists);
    assert_eq!(LocalStorage::create(&path.join("packs/00/a")).unwrap_err().kind(), ErrorKind::Exists);
    fs::remove_file(path.join("packs/00/a")).unwrap();
    fs::write(path.join("with space"), "").unwrap();
    assert_eq!(LocalStorage::create(&path).unwrap_err().kind(), ErrorKind::Exists);

    assert_eq!(LocalStorage::open(&folder.path().join("none")).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(LocalStorage::open(&path.join("lock")).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn files_are_read_only_and_folders_are_private() {
    let (_folder, storage) = storage();
    put(&storage, "packs", "packs/3f/a", b"1");
    let path = storage.path();
    assert_eq!([mode(path.into()), mode(path.join("packs")), mode(path.join("packs/3f"))], [0o700; 3]);
    assert_eq!((mode(path.join("packs/3f/a")), mode(path.join("lock"))), (0o400, 0o600));
}

#[test]
fn temporaries_lie_in_the_area_and_vanish_with_the_upload() {
    let (_folder, storage) = storage();
    let upload = storage.create("packs").unwrap();
    let found = entries(&storage, "packs");
    assert!(found.len() == 1 && found[0].starts_with(".tmp-"), "{found:?}");
    drop(upload);
    assert_eq!(entries(&storage, "packs"), [""; 0]);

    let upload = storage.create("packs").unwrap();
    assert!(upload.publish("index/a").is_err());
    put(&storage, "packs", "packs/3f/a", b"1");
    put(&storage, "packs", "packs/3f/a", b"2");
    assert_eq!(entries(&storage, "packs"), ["3f"]);
}

#[test]
fn temporaries_of_dead_writers_are_removed_and_those_of_living_ones_stay() {
    let (_folder, storage) = storage();
    let mut upload = storage.create("packs").unwrap();
    upload.write(b"alive").unwrap();
    for dead in ["packs/.tmp-0123456789abcdef", "packs/3f/.tmp-3123456789abcdef", ".tmp-1123456789abcdef", "keys/.tmp-2123456789abcdef"] {
        storage.create_folder(name::parent(dead)).unwrap();
        fs::write(storage.path().join(dead), "dead").unwrap();
    }
    symlink("nowhere", storage.path().join("keys/.tmp-link")).unwrap();
    let other = LocalStorage::open(storage.path()).unwrap();
    assert_eq!(other.remove_stale_temporaries(Stale::Anywhere).unwrap(), 4);
    assert_eq!(other.remove_stale_temporaries(Stale::Anywhere).unwrap(), 0);
    upload.publish("packs/3f/a").unwrap();
    assert_eq!(storage.read("packs/3f/a", 5).unwrap(), b"alive");
}

#[test]
fn what_others_call_temporary_stays() {
    let (_folder, storage) = storage();
    let elsewhere = tempfile::tempdir().unwrap();
    symlink(elsewhere.path(), storage.path().join("link")).unwrap();
    let ours = ".tmp-0123456789abcdef";
    for (folder, name) in [("", ".tmp-mine"), ("keys", ".tmp-0123"), ("packs", ".tmp-0123456789ABCDEF"), ("damaged", ours), ("mine", ours)]
    {
        storage.create_folder(folder).unwrap();
        fs::write(storage.path().join(folder).join(name), "mine").unwrap();
    }
    fs::write(elsewhere.path().join(ours), "mine").unwrap();
    assert_eq!(LocalStorage::open(storage.path()).unwrap().remove_stale_temporaries(Stale::Anywhere).unwrap(), 0);
    assert!(elsewhere.path().join(ours).exists());
}

#[test]
fn an_upload_whose_temporary_was_taken_away_fails_and_publishes_nothing() {
    let (_folder, storage) = storage();
    let upload = storage.create("index").unwrap();
    fs::remove_file(storage.path().join("index").join(&entries(&storage, "index")[0])).unwrap();
    assert!(upload.publish("index/a").is_err());
    assert_eq!(storage.list("").unwrap(), []);
}

#[test]
fn odd_files_never_break_a_listing() {
    let (_folder, storage) = storage();
    put(&storage, "packs", "packs/3f/good", b"1");
    let packs = storage.path().join("packs");
    for odd in ["3f/empty", "3f/.tmp-x", "3f/with space", "3f/ümlaut", ".tmp-y"] {
        fs::write(packs.join(odd), "").unwrap();
    }
    symlink("good", packs.join("3f/link")).unwrap();
    symlink("/", packs.join("top")).unwrap();
    // Read through, as the folders of packs are, so listed too; and no further.
    let elsewhere = tempfile::tempdir().unwrap();
    fs::create_dir_all(elsewhere.path().join("deep")).unwrap();
    for file in ["moved", "deep/file"] {
        fs::write(elsewhere.path().join(file), "m").unwrap();
    }
    symlink(elsewhere.path(), packs.join("4a")).unwrap();
    symlink("nowhere", packs.join("4b")).unwrap();
    symlink(".", packs.join("4c")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, packs.join("3f/pipe"), rustix::fs::Mode::RWXU).unwrap();
    fs::create_dir_all(packs.join("a/".repeat(40))).unwrap();
    assert_eq!(names(&storage, "packs"), ["packs/3f/empty", "packs/3f/good", "packs/4a/moved"]);
    assert_eq!(storage.read("packs/4a/moved", 9).unwrap(), b"m");
    // A look shows what the listing shows.
    let looked_at = ["3f/good", "4a/moved", "3f/link", "3f/pipe", "4b/x", "4c/x", "3f/good/below"].map(|name| format!("packs/{name}"));
    assert_eq!(looked_at.map(|name| storage.stat(&name).unwrap()), [Some(1), Some(1), None, None, None, None, None]);

    for odd in ["packs/3f/pipe", "packs/3f", "packs/3f/link", "packs/3f/good/below"] {
        assert_eq!(storage.read(odd, 9).unwrap_err().kind(), ErrorKind::Damaged, "{odd}");
        assert_eq!(storage.read_range(odd, 0, &mut [0]).unwrap_err().kind(), ErrorKind::Damaged, "{odd}");
    }
}

#[test]
fn a_file_in_place_of_a_folder_is_reported_and_not_taken_for_empty() {
    let (_folder, storage) = storage();
    fs::write(storage.path().join("packs"), "").unwrap();
    assert_eq!(storage.list("packs").unwrap_err().kind(), ErrorKind::Damaged);
    assert_eq!(storage.create_folder("packs/3f").unwrap_err().kind(), ErrorKind::Exists);
    assert!(storage.create("packs").is_err());
}

#[test]
fn a_huge_sparse_file_is_refused_before_anything_is_allocated() {
    let (_folder, storage) = storage();
    let file = fs::File::create(storage.path().join("huge")).unwrap();
    file.set_len(1 << 40).unwrap();
    assert_eq!(storage.read("huge", 1 << 20).unwrap_err().kind(), ErrorKind::Damaged);
    let mut end = [1; 4];
    storage.read_range("huge", (1 << 40) - 4, &mut end).unwrap();
    assert_eq!(end, [0; 4]);
}

#[test]
fn large_uploads_come_back_whole() {
    let (_folder, storage) = storage();
    let piece: Vec<u8> = (0..3 << 20).map(|at| (at % 251) as u8).collect();
    let mut upload = storage.create("packs").unwrap();
    for _ in 0..5 {
        upload.write(&piece).unwrap();
    }
    upload.publish("packs/3f/a").unwrap();
    assert!(storage.read("packs/3f/a", 15 << 20).unwrap().chunks(piece.len()).all(|part| part == piece));
}

#[test]
fn where_nothing_renames_without_replacing_a_link_gives_the_name() {
    let (_folder, storage) = storage();
    put(&storage, "index", "index/a", b"1");
    put(&storage, "index", "index/b", b"2");
    assert_eq!(storage.root.link_and_unlink("index/a", "index/b"), Err(Failure::EXISTS));
    storage.root.link_and_unlink("index/a", "index/c").unwrap();
    assert_eq!(names(&storage, ""), ["index/b", "index/c"]);
    assert_eq!(storage.read("index/b", 1).unwrap(), b"2");
}

#[test]
fn locks_hold_between_two_openings_and_their_files_stay() {
    let (_folder, storage) = storage();
    let other = LocalStorage::open(storage.path()).unwrap();
    let held = storage.lock(LOCK, LockMode::Exclusive, false).unwrap();
    assert_eq!(other.lock(LOCK, LockMode::Shared, false).unwrap_err().kind(), ErrorKind::Busy);
    drop(held);
    drop(other.lock(LOCK, LockMode::Shared, false).unwrap());
    assert_eq!(entries(&storage, ""), ["lock", "prune.lock"]);

    // A copy made by a tool that leaves out empty files.
    fs::remove_file(storage.path().join("lock")).unwrap();
    let held = storage.lock(LOCK, LockMode::Shared, false).unwrap();
    assert_eq!(other.lock(LOCK, LockMode::Exclusive, false).unwrap_err().kind(), ErrorKind::Busy);
    drop(held);
}

#[test]
fn a_lock_whose_file_is_removed_or_replaced_is_lost() {
    let (_folder, storage) = storage();
    let path = |name: &str| storage.path().join(name);
    conformance::a_lock_that_is_taken_away_is_lost(&storage, &|name| fs::remove_file(path(name)).unwrap());
    conformance::a_lock_that_is_taken_away_is_lost(&storage, &|name| {
        fs::write(path("other"), "").unwrap();
        fs::rename(path("other"), path(name)).unwrap();
    });
    let lock = storage.lock(LOCK, LockMode::Shared, false).unwrap();
    fs::remove_file(path(LOCK)).unwrap();
    symlink("/dev/null", path(LOCK)).unwrap();
    let error = lock.still_holds().unwrap_err();
    assert!(error.to_string().contains("was replaced by another file"), "{error}");
    fs::remove_file(path(LOCK)).unwrap();
    let error = lock.still_holds().unwrap_err();
    assert!(error.to_string().contains("is gone while it was held"), "{error}");
}

#[test]
fn copies_are_told_apart_and_one_copy_is_the_same_by_any_path() {
    let (folder, storage) = storage();
    let link = folder.path().join("link");
    symlink(storage.path(), &link).unwrap();
    let by_link = LocalStorage::open(&link).unwrap();
    assert_eq!((by_link.identity(), by_link.location()), (storage.identity(), storage.location()));
    let other = LocalStorage::create(&folder.path().join("other")).unwrap();
    assert_ne!(other.identity(), storage.identity());
    assert!(storage.free_bytes().is_some_and(|bytes| bytes > 0));
}

#[test]
fn after_a_sync_of_a_missing_folder_the_next_one_still_works() {
    let (_folder, storage) = storage();
    assert!(storage.sync(&["nowhere".into()]).unwrap_err().is_not_found());
    put(&storage, "index", "index/a", b"1");
    storage.sync(&["index".into()]).unwrap();
}

#[test]
fn where_nothing_can_be_written_readers_work_without_a_lock() {
    let (_folder, storage) = storage();
    put(&storage, "index", "index/a", b"1");
    let set_mode = |mode| fs::set_permissions(storage.path(), fs::Permissions::from_mode(mode)).unwrap();
    fs::remove_file(storage.path().join("lock")).unwrap();
    set_mode(0o500);
    let reader = LocalStorage::open(storage.path()).unwrap();
    // The superuser writes anywhere, and so takes a real lock.
    let is_superuser = reader.root.is_writable("");
    drop(reader.lock(LOCK, LockMode::Shared, false).unwrap());
    assert_eq!(reader.read("index/a", 1).unwrap(), b"1");
    let refused = reader.lock(LOCK, LockMode::Exclusive, false).map(drop).map_err(|error| error.kind());
    assert_eq!(refused, if is_superuser { Ok(()) } else { Err(ErrorKind::Denied) });
    set_mode(0o700);
    assert_eq!(storage.path().join("lock").exists(), is_superuser);
}
