//! Others at work: two snapshots at once, a prune beside another, a copy made meanwhile, a signal.

use std::fs;
use std::io::Write;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::cli_place::{Place, copy};
use crate::picture::Picture;

fn start(place: &Place, arguments: &[&str], stdin: Stdio) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_repo"));
    command.args(arguments).env_clear().stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
    for (name, value) in [("REPO_CACHE_DIR", "cache"), ("REPO_REPOSITORY", "repository"), ("REPO_KEY_FILE", "key")] {
        command.env(name, place.path(value));
    }
    command.spawn().unwrap()
}

#[test]
fn five_snapshots_at_once_are_all_made_and_all_restore() {
    let place = Place::with_repository();
    let names: Vec<String> = (0..5).map(|at| format!("source {at}")).collect();
    for (at, name) in names.iter().enumerate() {
        fs::create_dir(place.path(name)).unwrap();
        let mut content = vec![0; 500_000];
        // Half of it is the same in all.
        blake3::Hasher::new().finalize_xof().fill(&mut content[..250_000]);
        blake3::Hasher::new().update(&[at as u8]).finalize_xof().fill(&mut content[250_000..]);
        fs::write(place.path(name).join("file"), content).unwrap();
    }
    let children: Vec<Child> = names.iter().map(|name| start(&place, &["-q", "snapshot", &place.text(name)], Stdio::null())).collect();
    for (name, child) in names.iter().zip(children) {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let id = String::from_utf8(output.stdout).unwrap();
        let back = place.text(&format!("back of {name}"));
        place.run(&["restore", &format!("{}:{}", id.trim(), place.text(name)), &back]).expect(0);
        Picture::of(&place.path(name)).assert_same(&Picture::of(back.as_ref()));
    }
    place.run(&["check", "--read-data"]).expect(0);
}

#[test]
fn a_prune_beside_another_is_11_and_changes_nothing() {
    let place = Place::with_snapshot();
    let lock = fs::File::open(place.path("repository/prune.lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    place.run(&["snapshot", "--kind", "full", &place.text("source")]).expect(0);
    let ran = place.run(&["prune", "--keep-last", "1"]).expect(11);
    assert!(ran.stderr.contains("another `repo` is at work"), "{}", ran.stderr);
    assert_eq!(place.run(&["-q", "snapshots"]).expect(0).stdout.lines().count(), 2);
    drop(lock);
    place.run(&["prune", "--keep-last", "1"]).expect(0);
}

/// A copy for which `order` says which folders are copied before a snapshot is made, the others after.
fn copied_around_a_snapshot(before: &[&str], after: &[&str]) -> (Place, String) {
    let place = Place::with_snapshot();
    let first = place.run(&["-q", "snapshots"]).expect(0).stdout.trim().to_owned();
    let target = place.path("copy");
    fs::create_dir(&target).unwrap();
    let take = |name: &&str| copy(&place.path("repository").join(name), &target.join(name));
    before.iter().for_each(take);
    fs::write(place.path("source/later"), "later").unwrap();
    place.run(&["snapshot", &place.text("source")]).expect(0);
    after.iter().for_each(take);
    (place, first)
}

const REST: [&str; 5] = ["repository.json", "keys", "records", "lock", "prune.lock"];

#[test]
fn a_copy_that_began_with_the_snapshots_is_whole_though_one_was_made_meanwhile() {
    let (place, first) = copied_around_a_snapshot(&[&REST[..], &["snapshots"]].concat(), &["index", "packs"]);
    let copied = place.text("copy");
    place.run(&["-r", &copied, "check", "--read-data"]).expect(0);
    assert_eq!(place.run(&["-r", &copied, "-q", "snapshots"]).expect(0).stdout.trim(), first);
    fs::remove_file(place.path("source/later")).unwrap();
    place.run(&["-r", &copied, "restore", &format!("{first}:{}", place.text("source")), &place.text("back")]).expect(0);
    assert_eq!(fs::read_to_string(place.path("back/a")).unwrap(), "first");
}

#[test]
fn a_copy_that_ended_with_the_snapshots_is_seen_by_check_and_what_it_has_restores() {
    let (place, first) = copied_around_a_snapshot(&["packs", "index"], &[&REST[..], &["snapshots"]].concat());
    let copied = place.text("copy");
    place.run(&["-r", &copied, "check"]).expect(4);
    place.run(&["-r", &copied, "restore", &format!("{first}:{}", place.text("source")), &place.text("back")]).expect(0);
    let latest = format!("latest:{}", place.text("source"));
    place.run(&["-r", &copied, "restore", &latest, &place.text("none")]).expect(4);
    assert!(!place.path("none/later").exists());
}

/// Starts a snapshot of a pipe, and returns it when it reads.
fn reading(place: &Place) -> Child {
    let mut child = start(place, &["-q", "snapshot", "--stdin", "stream"], Stdio::piped());
    // More than a pipe holds goes in only when somebody reads it, and by then signals are handled.
    child.stdin.as_mut().unwrap().write_all(&vec![b'x'; 1 << 20]).unwrap();
    child
}

#[test]
fn sigterm_and_sigint_end_a_run_with_130_and_leave_no_snapshot() {
    for signals in [&[Signal::TERM][..], &[Signal::INT], &[Signal::INT, Signal::INT], &[Signal::TERM, Signal::INT]] {
        let place = Place::with_repository();
        let mut child = reading(&place);
        let pipe = child.stdin.take();
        for signal in signals {
            kill_process(Pid::from_child(&child), *signal).unwrap();
        }
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(130), 0), "{signals:?}");
        drop(pipe);
        assert_eq!(place.run(&["-q", "snapshots"]).expect(0).stdout, "");
        place.run(&["snapshot", &place.text("source")]).expect(0);
        place.run(&["check", "--read-data"]).expect(0);
    }
}
