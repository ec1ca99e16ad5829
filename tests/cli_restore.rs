//! Restores as a user types them.

use std::fs;

use crate::cli_place::Place;

#[test]
fn a_snapshot_comes_back_below_the_destination_and_a_path_straight_into_it() {
    let place = Place::with_snapshot();
    let ran = place.run(&["restore", "latest", &place.text("all")]).expect(0);
    assert!(ran.stdout.contains("3 files"), "{}", ran.stdout);
    let back = place.text("all") + &place.text("source");
    assert_eq!(fs::read_to_string(format!("{back}/sub/c d")).unwrap(), "third");
    let folder = format!("latest:{}", place.text("source"));
    let restored = place.run(&["--json", "restore", &folder, &place.text("part"), "--verify"]).expect(0).json();
    assert_eq!((restored["files"].as_u64(), restored["verified"].as_u64()), (Some(3), Some(3)));
    assert_eq!(fs::read(place.path("part/b")).unwrap(), vec![b'b'; 100_000]);
}

#[test]
fn files_that_differ_are_left_unless_it_is_said_otherwise() {
    let place = Place::with_snapshot();
    let folder = format!("latest:{}", place.text("source"));
    fs::write(place.path("source/a"), "changed since").unwrap();
    place.run(&["restore", &folder, &place.text("source")]).expect(3);
    assert_eq!(fs::read_to_string(place.path("source/a")).unwrap(), "changed since");
    place.run(&["restore", &folder, &place.text("source"), "-n", "--overwrite", "always"]).expect(0);
    assert_eq!(fs::read_to_string(place.path("source/a")).unwrap(), "changed since");
    place.run(&["restore", &folder, &place.text("source"), "--overwrite", "if-changed"]).expect(0);
    assert_eq!(fs::read_to_string(place.path("source/a")).unwrap(), "first");
}

#[test]
fn what_is_excluded_by_a_path_through_a_link_is_neither_restored_nor_deleted() {
    let place = Place::with_snapshot();
    std::os::unix::fs::symlink("source", place.path("link")).unwrap();
    fs::write(place.path("source/a"), "changed since").unwrap();
    for name in ["mine", "extra"] {
        fs::write(place.path("source").join(name), "x").unwrap();
    }
    let (folder, source) = (format!("latest:{}", place.text("source")), place.text("source"));
    let (file, mine) = (place.text("link/a"), place.text("link/mine"));
    place.run(&["restore", &folder, &source, "--delete", "--overwrite", "always", "--exclude", &file, "--exclude", &mine]).expect(0);
    assert_eq!(fs::read_to_string(place.path("source/a")).unwrap(), "changed since");
    assert!(place.path("source/mine").exists() && !place.path("source/extra").exists());
}

#[test]
fn a_destination_that_is_in_the_snapshot_is_2_and_the_right_command_is_said() {
    let place = Place::with_snapshot();
    let ran = place.run(&["restore", "latest", &place.text("source")]).expect(2);
    let meant = format!(":{source} {source}", source = place.text("source"));
    assert!(ran.stderr.contains("repo restore ") && ran.stderr.contains(&meant), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
}

#[test]
fn a_user_who_may_not_set_the_owner_of_folders_on_the_way_restores_what_was_asked_for() {
    if !crate::needs::is_root() || !crate::needs::has_tool("setpriv") {
        return;
    }
    let place = Place::new();
    std::os::unix::fs::chown(place.path("source/sub/c d"), Some(1000), Some(1000)).unwrap();
    place.run(&["snapshot", "--init", &place.text("source")]).expect(0);
    assert!(std::process::Command::new("chown").args(["-R", "1000:1000"]).arg(place.path("")).status().unwrap().success());
    let mut command = assert_cmd::Command::new("setpriv");
    command.args(["--reuid=1000", "--regid=1000", "--clear-groups", env!("CARGO_BIN_EXE_repo")]).env_clear();
    command.env("REPO_CACHE_DIR", place.path("cache")).env("REPO_REPOSITORY", place.path("repository"));
    command.env("REPO_KEY_FILE", place.path("key")).env("PATH", std::env::var_os("PATH").unwrap());
    let ran = crate::cli_place::run(command.args(["restore", "--include", "c d", "latest", &place.text("back")]));
    let ran = ran.expect(0);
    assert!(!ran.stderr.contains("owner"), "{}", ran.stderr);
}

#[test]
fn what_a_snapshot_lists_as_gone_is_all_that_changed_only_deletes() {
    let place = Place::with_snapshot();
    fs::remove_file(place.path("source/a")).unwrap();
    fs::remove_dir_all(place.path("source/sub")).unwrap();
    fs::write(place.path("source/new"), "new").unwrap();
    let back = place.text("back");
    let folder = format!("latest:{}", place.text("source"));
    place.run(&["restore", &folder, &back]).expect(0);
    place.run(&["snapshot", &place.text("source")]).expect(0);
    fs::write(place.path("back/mine"), "of the user").unwrap();
    let arguments = ["restore", "--changed-only", "--delete", "--overwrite", "if-changed", &folder, &back];
    let planned = place.run(&[&arguments[..], &["-n"]].concat()).expect(0);
    let mut deleted: Vec<_> = planned.stdout.lines().filter_map(|line| line.strip_prefix("delete    ")).collect();
    deleted.sort_unstable();
    assert_eq!(deleted, ["a", "sub", "sub/c d"].map(|name| format!("{back}/{name}")));
    place.run(&arguments).expect(0);
    assert_eq!(crate::cli_place::names(&place.path("back")).len(), 3, "b, mine and new");
    assert!(place.path("back/mine").exists());
}

#[test]
fn what_no_snapshot_had_stays_when_only_what_changed_is_restored() {
    let place = Place::with_snapshot();
    let (folder, back) = (format!("latest:{}", place.text("source")), place.text("back"));
    place.run(&["restore", &folder, &back]).expect(0);
    let mine = ["back/mine", "back/sub/mine", "back/own/deep/mine"].map(|name| place.path(name));
    for path in &mine {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "of the user").unwrap();
    }
    let arguments = ["restore", "--changed-only", "--delete", "--overwrite", "if-changed", &folder, &back];
    place.run(&arguments).expect(0);
    assert!(mine.iter().all(|path| path.exists()), "by a first snapshot, of which nothing is gone");
    fs::remove_dir_all(place.path("source/sub")).unwrap();
    place.run(&["snapshot", &place.text("source")]).expect(0);
    let planned = place.run(&[&arguments[..], &["-n"]].concat()).expect(0);
    let deleted: Vec<_> = planned.stdout.lines().filter_map(|line| line.strip_prefix("delete    ")).collect();
    assert_eq!(deleted, [format!("{back}/sub/c d")]);
    place.run(&arguments).expect(0);
    assert!(mine.iter().all(|path| path.exists()) && !place.path("back/sub/c d").exists());
}
