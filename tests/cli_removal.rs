//! What keeps prune and forget from removing too much: protection, pins, locks, and a repository that
//! shows less than it did before.

use std::fs;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Stdio};

use rustix::fs::{FlockOperation, flock};

use crate::cli_place::{Place, Ran, names};

/// Saves the source under one series; gives the id.
fn save(place: &Place, number: usize) -> String {
    fs::write(place.path("source/a"), format!("number {number}")).unwrap();
    place.run(&["-q", "snapshot", &place.text("source"), "--series", "home"]).expect(0).stdout.trim().to_owned()
}

fn ids(place: &Place) -> Vec<String> {
    place.run(&["-q", "snapshots"]).expect(0).stdout.lines().map(str::to_owned).collect()
}

#[test]
fn protected_snapshots_outlast_rules_and_forget_and_the_protection_cannot_be_dropped_at_once() {
    let place = Place::new();
    place.run(&["init", "--protect", "7d"]).expect(0);
    assert_eq!(place.run(&["settings"]).expect(0).stdout, "protect  7d\n");
    let all: Vec<String> = (0..3).map(|number| save(&place, number)).collect();
    let printed = place.run(&["prune", "--keep-last", "1"]).expect(0).stdout;
    assert!(printed.starts_with("series home: 3 snapshots, 3 kept"), "{printed}");
    assert_eq!(printed.matches("protected until ").count(), 3, "{printed}");
    let said = place.run(&["forget", &all[0]]).expect(0).stdout;
    assert!(said.contains("it is protected and stays until 20"), "{said}");
    assert_eq!(ids(&place).len(), 2);
    let printed = place.run(&["prune"]).expect(0).stdout;
    assert!(printed.contains(&format!("  keep    {}  protected until 20", &all[0][..8])), "{printed}");
    assert!(printed.contains("not removed: 1 protected snapshot"), "{printed}");
    assert!(place.path("repository/snapshots").join(&all[0]).exists());

    let lowered = place.run(&["settings", "protect", "off"]).expect(0).stdout;
    assert!(lowered.starts_with("protect  off\n         7d holds until 20"), "{lowered}");
    let json = place.run(&["--json", "settings"]).expect(0).json();
    assert_eq!((json["protect_seconds"].as_u64(), json["protect_seconds_now"].as_u64()), (Some(0), Some(604_800)));
    place.run(&["prune", "--keep-last", "1"]).expect(0);
    assert_eq!(fs::read_dir(place.path("repository/snapshots")).unwrap().count(), 3);
    place.run(&["prune", "--keep-last", "1", "--override-protection"]).expect(0);
    assert_eq!(ids(&place), all[2..]);
    place.run(&["settings", "protect", "forever"]).expect(2);
}

#[test]
fn a_snapshot_that_is_saved_pinned_cannot_be_forgotten() {
    let place = Place::with_repository();
    place.run(&["snapshot", &place.text("source"), "--series", "home", "--pin"]).expect(0);
    save(&place, 1);
    let all = ids(&place);
    place.run(&["forget", &all[0]]).expect(2);
    place.run(&["prune", "--keep-last", "1"]).expect(0);
    assert_eq!(ids(&place), all);
    place.run(&["snapshot", &place.text("source"), "--pin", "-n"]).expect(0);
}

fn lock_file(place: &Place, name: &str) -> File {
    File::options().read(true).write(true).open(place.path("repository").join(name)).unwrap()
}

#[test]
fn a_second_prune_exits_11() {
    let place = Place::with_snapshot();
    let lock = lock_file(&place, "prune.lock");
    flock(&lock, FlockOperation::NonBlockingLockExclusive).unwrap();
    let ran = place.run(&["prune"]).expect(11);
    assert!(ran.stdout.contains("no rule was given") && ran.stderr.contains("prune.lock"), "{}{}", ran.stdout, ran.stderr);
    drop(lock);
    place.run(&["prune"]).expect(0);
}

/// Starts a prune of all but the newest and returns when it has its own lock. The kernel's list is asked for
/// that: who tried the lock himself could hold it at the very moment when the prune wants it.
fn start_prune(place: &Place) -> Child {
    let inode = lock_file(place, "prune.lock").metadata().unwrap().ino();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_repo"));
    command.args(["prune", "--keep-last", "1"]).env_clear().env("REPO_CACHE_DIR", place.path("cache"));
    command.env("REPO_REPOSITORY", place.path("repository")).env("REPO_KEY_FILE", place.path("key")).env("TZ", "UTC");
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let holder = format!(" {} ", child.id());
    let is_held =
        |locks: String| locks.lines().any(|line| line.contains("FLOCK") && line.contains(&holder) && line.contains(&format!(":{inode} ")));
    // One that did not wait for the running snapshot has ended already.
    while !is_held(fs::read_to_string("/proc/locks").unwrap()) && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    child
}

#[test]
fn prune_waits_for_a_running_snapshot_and_removes_nothing_before_it_has_ended() {
    let place = Place::with_repository();
    let all = [save(&place, 0), save(&place, 1)];
    let running = lock_file(&place, "lock");
    flock(&running, FlockOperation::NonBlockingLockShared).unwrap();
    let before = names(&place.path("repository"));
    let mut stopped = start_prune(&place);
    let pid = rustix::process::Pid::from_child(&stopped);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(stopped.wait().unwrap().code(), Some(130));
    assert_eq!(names(&place.path("repository")), before);
    let mut waiting = start_prune(&place);
    // Time enough for one that does not wait.
    for _ in 0..3 {
        place.run(&["check", "--read-data"]).expect(0);
    }
    assert!(waiting.try_wait().unwrap().is_none() && names(&place.path("repository")) == before);
    flock(&running, FlockOperation::Unlock).unwrap();
    assert_eq!(waiting.wait().unwrap().code(), Some(0));
    assert_eq!(ids(&place), all[1..]);
}

/// Puts the manifests and records in the place of those of the repository, as an older copy would.
fn roll_back(place: &Place, kept: &str) {
    for folder in ["snapshots", "records"] {
        let (from, to) = (place.path(kept).join(folder), place.path("repository").join(folder));
        fs::remove_dir_all(&to).unwrap();
        fs::create_dir(&to).unwrap();
        for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

fn keep_copy(place: &Place, name: &str) {
    for folder in ["snapshots", "records"] {
        let to = place.path(name).join(folder);
        fs::create_dir_all(&to).unwrap();
        for entry in fs::read_dir(place.path("repository").join(folder)).unwrap().map(Result::unwrap) {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[track_caller]
fn warned(ran: &Ran, id: &str) {
    let warnings = ran.stderr.matches("the repository shows an older state than before").count();
    assert!(warnings == 1 && ran.stderr.contains(&id[..8]), "{}", ran.stderr);
}

#[test]
fn an_older_copy_in_place_of_a_newer_one_is_noticed_until_it_is_accepted() {
    let place = Place::with_repository();
    save(&place, 0);
    keep_copy(&place, "older");
    let lost = save(&place, 1);
    roll_back(&place, "older");
    warned(&place.run(&["snapshots"]).expect(0), &lost);
    warned(&place.run(&["--no-catalog", "snapshots"]).expect(0), &lost);
    warned(&place.run(&["check"]).expect(4), &lost);
    let ran = place.run(&["--json", "check"]).expect(4);
    assert_eq!((ran.json()["is_damaged"].as_bool(), ran.json()["missing_snapshots"][0].as_str()), (Some(true), Some(&*lost)));
    let before = names(&place.path("repository"));
    for arguments in [&["prune"][..], &["prune", "-n"], &["prune", "--keep-last", "1"], &["forget", "latest"]] {
        let ran = place.run(arguments).expect(4);
        warned(&ran, &lost);
        assert!(ran.stdout.is_empty() && ran.stderr.contains("--accept-rollback"), "{}{}", ran.stdout, ran.stderr);
    }
    assert_eq!(names(&place.path("repository")), before);
    // A snapshot is never refused, and does not hide what happened.
    let ran = place.run(&["snapshot", &place.text("source"), "--series", "home"]).expect(0);
    warned(&ran, &lost);
    warned(&place.run(&["prune"]).expect(4), &lost);
    place.run(&["prune", "--accept-rollback"]).expect(0);
    let ran = place.run(&["check"]).expect(0);
    assert_eq!(ran.stderr, "");
    place.run(&["forget", "latest"]).expect(0);
    place.run(&["prune"]).expect(0);
}

#[test]
fn forget_can_accept_a_rollback_too() {
    let place = Place::with_repository();
    save(&place, 0);
    let lost = save(&place, 1);
    fs::remove_file(place.path("repository/snapshots").join(&lost)).unwrap();
    place.run(&["forget", "latest"]).expect(4);
    place.run(&["forget", "latest", "--accept-rollback"]).expect(0);
    assert_eq!(place.run(&["snapshots"]).expect(0).stderr, "");
}

/// Another machine is another cache folder.
#[test]
fn prunes_by_several_machines_raise_no_alarm_on_any() {
    let place = Place::with_repository();
    let machine = |name: &str, arguments: &[&str]| {
        let ran = crate::cli_place::run(place.command().env("REPO_CACHE_DIR", place.path(name)).args(arguments)).expect(0);
        assert!(!ran.stderr.contains("older state"), "{name} {arguments:?}: {}", ran.stderr);
        ran
    };
    let source = place.text("source");
    for round in 0..3 {
        for name in ["one", "two", "three"] {
            fs::write(place.path("source/a"), format!("{round} {name}")).unwrap();
            machine(name, &["snapshot", &source, "--series", name]);
        }
        machine("one", &["forget", "latest@two", "latest@three"]);
        machine(["two", "three", "one"][round], &["prune", "--keep-last", "1"]);
        for name in ["three", "two", "one"] {
            machine(name, &["snapshots"]);
            machine(name, &["prune", "-n", "--keep-last", "1"]);
            machine(name, &["check"]);
        }
    }
    assert_eq!(machine("one", &["-q", "snapshots"]).stdout.lines().count(), 1);
}
