//! Restores to places that lead to the same files by several ways.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use strongroom::target::{Destination, temporary_name};

use crate::cli_place::{Place, names, run};
use crate::needs;

/// Says that the test runs where mounts are its own.
const INSIDE: &str = "STRONGROOM_TEST_OWN_MOUNTS";

/// Whether the test `name` of this file runs where mounts are its own; if not, it runs there once more.
fn has_own_mounts(name: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    if !needs::is_root() || !needs::has_tool("unshare") || !needs::has_tool("mount") {
        return false;
    }
    if !Command::new("unshare").args(["-m", "true"]).output().unwrap().status.success() {
        needs::skip("mounts");
        return false;
    }
    let mut command = Command::new("unshare");
    command.arg("-m").arg(std::env::current_exe().unwrap()).args(["--exact", &format!("cli_mounts::{name}"), "--nocapture"]);
    let output = command.env(INSIDE, "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    false
}

fn bind(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    assert!(Command::new("mount").arg("--bind").args([from, to]).status().unwrap().success());
}

/// A file in `folder` as a restore leaves it.
fn leave(folder: &Path) -> PathBuf {
    fs::create_dir_all(folder).unwrap();
    let path = folder.join(std::ffi::OsStr::from_bytes(&temporary_name().unwrap()));
    fs::write(&path, "half").unwrap();
    path
}

#[test]
fn what_a_restore_still_writes_is_left_to_it_by_one_that_comes_through_another_mount() {
    if !has_own_mounts("what_a_restore_still_writes_is_left_to_it_by_one_that_comes_through_another_mount") {
        return;
    }
    // A file system that no other test restores to at the same time.
    let memory = tempfile::tempdir().unwrap();
    assert!(Command::new("mount").args(["-t", "tmpfs", "none"]).arg(memory.path()).status().unwrap().success());
    let place = Place::below(memory.path());
    place.run(&["snapshot", "--init", &place.text("source")]).expect(0);
    let folder = format!("latest:{}", place.text("source"));
    let restore = |into: &str| place.run(&["--json", "restore", &folder, &place.text(into)]).expect(0).json()["leftovers"].as_u64();
    // A part of what is restored into, mounted elsewhere; and a mount below what is restored into.
    for name in ["one/part", "other"] {
        fs::create_dir_all(place.path(name)).unwrap();
    }
    bind(&place.path("one/part"), &place.path("elsewhere"));
    bind(&place.path("other"), &place.path("one/mounted"));
    bind(&place.path("one"), &place.path("all of one"));
    for (left, into) in [("one/part", "elsewhere"), ("one/mounted", "other"), ("one/part", "all of one/part")] {
        let path = leave(&place.path(left));
        let one = Destination::open(place.path("one").as_os_str().as_bytes(), true).unwrap();
        one.folder(b"mounted").unwrap();
        assert_eq!((restore(into), path.exists()), (Some(0), true), "{left} by {into}");
        drop(one);
        assert_eq!((restore(into), path.exists()), (Some(1), false), "{left} by {into}");
    }
    // One that has nothing to do with it.
    let path = leave(&place.path("one/part"));
    let beside = Destination::open(place.path("beside").as_os_str().as_bytes(), true).unwrap();
    assert_eq!((restore("one/part"), path.exists()), (Some(1), false));
    drop(beside);
}

#[test]
fn a_destination_in_any_repository_is_2_however_it_is_reached_and_nothing_is_made() {
    let place = Place::with_snapshot();
    let mut other = place.bare();
    other
        .env("REPO_REPOSITORY", place.path("other"))
        .env("REPO_CACHE_DIR", place.path("other cache"))
        .env("REPO_KEY_FILE", place.path("key"));
    run(other.args(["snapshot", "--init", &place.text("source")])).expect(0);
    let refused = |destination: &Path| {
        for more in [&[][..], &["-n"], &["--overwrite", "always", "--delete"]] {
            let ran = place.run(&[&["restore", "latest", destination.to_str().unwrap()], more].concat()).expect(2);
            assert!(ran.stderr.contains("nothing is restored into that"), "{}", ran.stderr);
        }
    };
    let first_pack_folder = |repository: &str| {
        let folders = fs::read_dir(place.path(repository).join("packs")).unwrap();
        folders.map(|folder| folder.unwrap().path()).find(|folder| fs::read_dir(folder).unwrap().next().is_some()).unwrap()
    };
    let before = (names(&place.path("repository")), names(&place.path("other")));
    for destination in ["other", "other/new/deep", "other/packs", "other/packs/00/x"] {
        refused(&place.path(destination));
    }
    for lost in [&["repository.json", "index", "snapshots"][..], &["packs", "index"]] {
        let damaged = place.path("damaged");
        crate::cli_place::copy(&place.path("other"), &damaged);
        for name in lost.iter().map(|name| damaged.join(name)) {
            if name.is_dir() { fs::remove_dir_all(name).unwrap() } else { fs::remove_file(name).unwrap() }
        }
        refused(&damaged.join("new"));
        fs::remove_dir_all(damaged).unwrap();
    }
    if has_own_mounts("a_destination_in_any_repository_is_2_however_it_is_reached_and_nothing_is_made") {
        let empty = fs::read_dir(place.path("repository/packs")).unwrap().map(|folder| folder.unwrap().path());
        let empty = empty.into_iter().find(|folder| fs::read_dir(folder).unwrap().next().is_none());
        let named = ["repository/keys", "other/snapshots", "other/packs", "other/keys"].map(|name| place.path(name));
        let folders = named.into_iter().chain([first_pack_folder("repository"), first_pack_folder("other")]);
        for (number, folder) in folders.chain(empty).enumerate() {
            let mounted = place.path(&format!("mounted {number}"));
            bind(&folder, &mounted);
            refused(&mounted);
            refused(&mounted.join("new"));
        }
    }
    assert_eq!((names(&place.path("repository")), names(&place.path("other"))), before);
    place.run(&["restore", "latest", &place.text("other-2")]).expect(0);
}

#[test]
fn packs_that_were_moved_to_another_disk_behind_links_are_listed_as_they_are_read() {
    let place = Place::with_snapshot();
    for folder in fs::read_dir(place.path("repository/packs")).unwrap().map(|folder| folder.unwrap().path()) {
        let moved = place.path("disk").join(folder.file_name().unwrap());
        fs::create_dir_all(place.path("disk")).unwrap();
        fs::rename(&folder, &moved).unwrap();
        std::os::unix::fs::symlink(&moved, &folder).unwrap();
    }
    place.run(&["restore", "latest", &place.text("back"), "--verify"]).expect(0);
    place.run(&["check", "--read-data"]).expect(0);
    let ran = place.run(&["restore", "latest", &place.text("disk/00/new")]).expect(2);
    assert!(ran.stderr.contains("lies in the repository"), "{}", ran.stderr);
    place.run(&["prune", "--keep-last", "1"]).expect(0);
    place.run(&["restore", "latest", &place.text("back again"), "--verify"]).expect(0);
}

/// What a dry run foretells and what a restore does, in numbers.
fn foretold_and_done(place: &Place, code: i32, arguments: &[&str]) -> [serde_json::Value; 2] {
    [&["-n"][..], &[]].map(|more| {
        let mut line = place.run(&[&["--json", "restore"], arguments, more].concat()).expect(code).json();
        ["seconds", "actions", "dry_run", "notes", "bytes_written"].iter().for_each(|field| line[field] = serde_json::Value::Null);
        line
    })
}

#[test]
fn a_file_that_something_is_mounted_over_is_left_and_a_dry_run_says_so() {
    if !has_own_mounts("a_file_that_something_is_mounted_over_is_left_and_a_dry_run_says_so") {
        return;
    }
    let place = Place::with_snapshot();
    let folder = format!("latest:{}", place.text("source"));
    fs::create_dir(place.path("back")).unwrap();
    fs::write(place.path("mine"), "of the user").unwrap();
    for name in ["a", "sub"] {
        fs::write(place.path("back").join(name), "under the mount").unwrap();
        let mounted = Command::new("mount").arg("--bind").args([place.path("mine"), place.path("back").join(name)]).status();
        assert!(mounted.unwrap().success());
    }
    for overwrite in ["if-changed", "always"] {
        let [foretold, done] = foretold_and_done(&place, 3, &["--overwrite", overwrite, &folder, &place.text("back")]);
        assert_eq!((done["left"].as_u64(), done["failed"].as_u64()), (Some(2), Some(0)), "{done}");
        assert_eq!(foretold["left"], done["left"], "{foretold}");
        assert_eq!(fs::read_to_string(place.path("mine")).unwrap(), "of the user");
    }
}

#[test]
fn a_folder_that_is_append_only_gets_nothing_and_no_temporary() {
    if !needs::is_root() || !needs::has_tool("mkfs.ext4") || !needs::has_tool("chattr") {
        return;
    }
    let place = Place::with_repository();
    std::os::unix::fs::symlink("a", place.path("source/link")).unwrap();
    fs::hard_link(place.path("source/a"), place.path("source/again")).unwrap();
    place.run(&["snapshot", &place.text("source")]).expect(0);
    let script = r#"
        cd "$T"; truncate -s 64M image; mkfs.ext4 -q image; mkdir m; mount -o loop image m; mkdir m/back; chattr +a m/back
        for more in -n ""; do
            code=0; "$REPO" restore $more "latest:$T/source" m/back || code=$?; test $code = 3
        done
        ls -A m/back; chattr -a m/back; umount m
    "#;
    let Some(said) = crate::cli_delete::run_with_mounts(&place, script) else { return };
    assert_eq!(said.matches("the folder is append-only (chattr +a)").count(), 8, "four entries, foretold and not made: {said}");
    assert!(!said.contains(".repo-restore"), "{said}");
}

#[test]
fn without_proc_a_cache_stays_and_another_attribute_is_seen() {
    let place = Place::with_repository();
    std::os::unix::fs::symlink("a", place.path("source/link")).unwrap();
    place.run(&["snapshot", "--exclude-caches", &place.text("source")]).expect(0);
    place.run(&["restore", &format!("latest:{}", place.text("source")), &place.text("back")]).expect(0);
    fs::create_dir(place.path("back/cache")).unwrap();
    fs::write(place.path("back/cache/CACHEDIR.TAG"), "Signature: 8a477f597d28d172789f06886806bc55\n").unwrap();
    fs::write(place.path("back/cache/kept"), "kept").unwrap();
    if rustix::fs::setxattr(place.path("source/b"), "user.extra", b"x", rustix::fs::XattrFlags::empty()).is_err() {
        return;
    }
    let script = r#"
        mount -t tmpfs none /proc
        "$REPO" restore --delete --overwrite if-changed "latest:$T/source" "$T/back"; cat "$T/back/cache/kept"
        code=0; "$REPO" restore "latest:$T/source" "$T/source" || code=$?; test $code = 3
    "#;
    let Some(said) = crate::cli_delete::run_with_mounts(&place, script) else { return };
    assert!(said.contains("it differs from the snapshot by attributes only"), "{said}");
}
