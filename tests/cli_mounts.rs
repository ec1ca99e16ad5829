//! Restores to places that lead to the same files by several ways.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use strongroom::target::{Destination, temporary_name};

use crate::cli_place::Place;
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
    let place = Place::with_snapshot();
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
