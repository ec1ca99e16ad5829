//! Calls that are interrupted by a signal and have to be made again, a quota that is used up, and files
//! of the source that cannot be read or are gone.

use crate::cli_place::{Place, names};
use crate::interrupted::trace;
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
    // So many calls at the beginning are those of the loader of the program.
    for (call, first) in [("read", 12), ("pread64", 3), ("write", 2), ("openat", 12), ("openat2", 1), ("getdents64", 1)] {
        let mut interrupted = 0;
        for arguments in [&["-q", "--no-catalog", "snapshot", "--kind", "full", &source][..], &restore, &["-q", "check", "--read-data"]] {
            let _ = std::fs::remove_dir_all(place.path("back"));
            let (code, stderr, _) = run(&place, &format!("{call}:error=EINTR:when={first}+3"), arguments);
            assert_eq!(code, Some(0), "{call} {arguments:?}: {stderr}");
            let log = std::fs::read_to_string(place.path("log")).unwrap();
            interrupted += log.matches("(INJECTED)").count();
        }
        assert!(interrupted > 0, "{call} was never interrupted");
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

/// Saves the source while `injection` strikes at the paths `paths`; the exit code, what it said on
/// standard error, and what the snapshot lists.
fn save_with(place: &Place, paths: &[&str], injection: &str) -> (Option<i32>, String, String) {
    let mut strace = std::process::Command::new("strace");
    strace.args(["-f", "-qq", "-o"]).arg(place.path("log")).args(["-e", &format!("inject={injection}")]);
    for path in paths {
        strace.args(["-P", path]);
    }
    strace.args([env!("CARGO_BIN_EXE_repo"), "-q", "snapshot", &place.text("source")]).env_clear().env("PATH", "/usr/bin:/bin");
    for (name, value) in [("REPO_CACHE_DIR", "cache"), ("REPO_REPOSITORY", "repository"), ("REPO_KEY_FILE", "key")] {
        strace.env(name, place.path(value));
    }
    let output = strace.output().unwrap();
    assert!(std::fs::read_to_string(place.path("log")).unwrap().contains("(INJECTED)"), "nothing was injected");
    let listed = place.run(&["ls", "-R", "latest"]).expect(0).stdout;
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned(), listed)
}

#[test]
fn a_file_on_a_bad_part_of_the_disk_is_named_and_left_out_and_zeros_are_never_invented() {
    if !has_tool("strace") {
        return;
    }
    let place = Place::with_repository();
    let path = place.text("source/b");
    let (code, stderr, listed) = save_with(&place, &[&path], "read,pread64,preadv:error=EIO:when=1+");
    assert_eq!(code, Some(3), "{stderr}");
    assert!(stderr.contains(&path) && stderr.contains("Input/output error"), "{stderr}");
    assert!(!listed.contains("source/b\n") && listed.contains("source/a\n") && listed.contains("source/sub/c d\n"), "{listed}");
    // The next run tries again.
    place.run(&["snapshot", &place.text("source")]).expect(0);
    place.run(&["restore", &format!("latest:{}", place.text("source")), &place.text("back")]).expect(0);
    Picture::of(&place.path("source")).assert_same(&Picture::of(&place.path("back")));
}

#[test]
fn a_file_that_is_not_there_when_it_is_opened_and_is_there_when_its_folder_is_listed_again_is_saved() {
    if !has_tool("strace") {
        return;
    }
    let place = Place::with_repository();
    let (code, stderr, listed) = save_with(&place, &["b"], "openat,openat2:error=ENOENT:when=1");
    assert_eq!(code, Some(0), "{stderr}");
    assert!(listed.contains("source/b\n") && listed.contains("source/a\n"), "{listed}");
}

#[test]
fn a_file_that_is_listed_again_and_again_and_is_never_there_is_named_and_not_passed_by() {
    if !has_tool("strace") {
        return;
    }
    let place = Place::with_repository();
    let (code, stderr, listed) = save_with(&place, &["b"], "openat,openat2:error=ENOENT:when=1+");
    assert_eq!(code, Some(3), "{stderr}");
    assert!(stderr.contains("\"b\", which came into it, may not be saved"), "{stderr}");
    assert!(!listed.contains("source/b\n") && listed.contains("source/a\n"), "{listed}");
}

#[test]
fn a_folder_that_is_restored_is_looked_at_once_each_time_it_is_opened() {
    if !has_tool("strace") {
        return;
    }
    let looks = |folders: usize| {
        let place = Place::with_repository();
        for at in 0..folders {
            std::fs::create_dir(place.path(&format!("source/folder {at}"))).unwrap();
        }
        let source = place.text("source");
        place.run(&["snapshot", &source]).expect(0);
        let restored = place.command();
        let mut strace = std::process::Command::new("strace");
        strace.args(["-f", "-qq", "-e", "trace=fstat,statx,newfstatat,ioctl", "-o"]).arg(place.path("log"));
        strace.arg(restored.get_program()).args(["--no-catalog", "restore", &format!("latest:{source}"), &place.text("back")]);
        strace.envs(restored.get_envs().filter_map(|(name, value)| Some((name, value?))));
        assert!(strace.output().unwrap().status.success());
        std::fs::read_to_string(place.path("log")).unwrap().lines().count()
    };
    // Opened when it is made and when it gets its metadata; the folder above is looked at before each.
    assert!(looks(60) - looks(20) <= 40 * 5);
}
