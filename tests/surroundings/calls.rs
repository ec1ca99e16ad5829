//! Calls that are interrupted by a signal and have to be made again, and limits of a quota.

use crate::cli_place::{Place, names};
use crate::crash::trace;
use crate::needs::has_tool;
use crate::picture::Picture;

/// A command under `strace` with this injection.
fn run(place: &Place, injection: &str, arguments: &[&str]) -> (Option<i32>, String, usize) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_repo"));
    command.args(arguments).env_clear().env("PATH", "/usr/bin:/bin");
    for (name, value) in [("REPO_CACHE_DIR", "cache"), ("REPO_REPOSITORY", "repository"), ("REPO_KEY_FILE", "key")] {
        command.env(name, place.path(value));
    }
    let traced = trace(&command, &place.path("log"), Some(injection));
    (traced.code, traced.stderr, traced.log.matches("(INJECTED)").count())
}

#[test]
fn calls_that_a_signal_interrupts_are_made_again() {
    if !has_tool("strace") {
        return;
    }
    let place = Place::with_repository();
    let source = place.text("source");
    let restore = ["restore", "-q", &format!("latest:{source}"), &place.text("back")];
    for call in ["read", "pread64", "write", "flock", "openat"] {
        for arguments in [&["-q", "--no-catalog", "snapshot", "--kind", "full", &source][..], &restore, &["-q", "check", "--read-data"]] {
            let _ = std::fs::remove_dir_all(place.path("back"));
            // From the fifth on, so that the loader of the program has its files; every third one.
            let (code, stderr, _) = run(&place, &format!("{call}:error=EINTR:when=12+3"), arguments);
            assert_eq!(code, Some(0), "{call} {arguments:?}: {stderr}");
        }
    }
    place.run(&restore).expect(0);
    Picture::of(&place.path("source")).assert_same(&Picture::of(&place.path("back")));
    place.run(&["check", "--read-data"]).expect(0);
}

#[test]
fn a_quota_that_is_used_up_is_one_message_and_no_snapshot() {
    if !has_tool("strace") {
        return;
    }
    let place = Place::with_repository();
    for at in 0..200 {
        std::fs::write(place.path(&format!("source/file {at}")), format!("{at}")).unwrap();
    }
    let source = place.text("source");
    let (code, stderr, hits) = run(&place, "write:error=EDQUOT:when=1", &["-q", "snapshot", &source]);
    assert!(code == Some(1) && hits > 0 && stderr.contains("quota") && stderr.lines().count() <= 4, "{code:?} {hits} {stderr}");
    assert_eq!(place.run(&["-q", "snapshots"]).expect(0).stdout, "");
    assert!(!names(&place.path("repository")).iter().any(|name| name.contains("/.tmp-")));
    place.run(&["snapshot", &source]).expect(0);
}
