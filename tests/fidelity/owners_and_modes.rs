//! Owners and modes, and folders and files that nobody may read or write.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};

use super::{is_root, round_trip, round_trip_with};

#[test]
fn every_mode_comes_back_with_setuid_setgid_and_sticky() {
    if !is_root() {
        return;
    }
    round_trip(|tree| {
        for mode in [0o000, 0o400, 0o444, 0o600, 0o644, 0o777, 0o4755, 0o2755, 0o6711, 0o1644, 0o7777, 0o2644] {
            let file = tree.join(format!("file {mode:o}"));
            fs::write(&file, format!("{mode:o}")).unwrap();
            fs::set_permissions(file, Permissions::from_mode(mode)).unwrap();
            let folder = tree.join(format!("folder {mode:o}"));
            fs::create_dir_all(folder.join("below")).unwrap();
            fs::write(folder.join("file"), "in it").unwrap();
            fs::set_permissions(folder, Permissions::from_mode(mode)).unwrap();
        }
    })
    .assert_same();
}

#[test]
fn read_only_folders_come_back_with_what_is_in_them_for_any_user() {
    let trip = round_trip(|tree| {
        fs::create_dir_all(tree.join("a/b/c")).unwrap();
        fs::write(tree.join("a/b/c/file"), "deep").unwrap();
        fs::set_permissions(tree.join("a/b/c/file"), Permissions::from_mode(0o400)).unwrap();
        for folder in ["a/b/c", "a/b", "a", ""] {
            fs::set_permissions(tree.join(folder), Permissions::from_mode(0o555)).unwrap();
        }
    });
    trip.assert_same();
    // A folder that is removed with the test must be writable for users other than root.
    for root in ["tree", "back"] {
        for folder in ["", "a", "a/b", "a/b/c"] {
            fs::set_permissions(trip.place.path(root).join(folder), Permissions::from_mode(0o700)).unwrap();
        }
    }
}

#[test]
fn owners_come_back_with_their_privileged_modes_and_without_names_too() {
    if !is_root() {
        return;
    }
    round_trip(|tree| {
        for (at, (user, group, mode)) in
            [(0, 0, 0o644), (65534, 65534, 0o600), (12345, 54321, 0o4755), (12345, 0, 0o2755), (u32::MAX - 1, 4_000_000_000, 0o6755)]
                .into_iter()
                .enumerate()
        {
            for name in [format!("file {at}"), format!("folder {at}")] {
                let path = tree.join(&name);
                if name.starts_with("file") {
                    fs::write(&path, "x").unwrap()
                } else {
                    fs::create_dir(&path).unwrap()
                }
                chown(&path, Some(user), Some(group)).unwrap();
                // Giving it away took setuid; it is set again.
                fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            }
        }
        chown(tree, Some(4711), Some(4712)).unwrap();
    })
    .assert_same();
}

#[test]
fn empty_files_and_empty_folders_come_back() {
    let trip = round_trip_with(&["--verify"], 0, |tree| {
        fs::write(tree.join("empty file"), "").unwrap();
        fs::create_dir(tree.join("empty folder")).unwrap();
        fs::create_dir_all(tree.join("only/folders/below")).unwrap();
    });
    trip.assert_same();
    assert_eq!(trip.restored.json()["files"].as_u64(), Some(1));
}

#[test]
fn an_empty_source_comes_back_as_an_empty_folder() {
    let trip = round_trip(|tree| fs::set_permissions(tree, Permissions::from_mode(0o750)).unwrap());
    trip.assert_same();
    assert_eq!(trip.after.entries.len(), 1);
}
