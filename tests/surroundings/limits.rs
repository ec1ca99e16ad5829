//! Few open files, small files, few threads.

use std::fs;
use std::os::unix::fs::chown;

use crate::cli_place::{Place, Ran, copy, copy_program, names, run};
use crate::needs::is_root;
use crate::picture::Picture;

/// Three hundred files, and as many folders with one each.
fn fill(place: &Place) {
    for at in 0..300 {
        fs::write(place.path(&format!("source/file {at}")), format!("{at}")).unwrap();
        fs::create_dir_all(place.path(&format!("source/folder {at}/below"))).unwrap();
        fs::write(place.path(&format!("source/folder {at}/below/file")), format!("{at} below")).unwrap();
    }
}

/// Runs a command with a limit that `prlimit` knows.
fn limited(place: &Place, limit: &str, arguments: &[&str]) -> Ran {
    let mut command = assert_cmd::Command::new("prlimit");
    command.args([limit, env!("CARGO_BIN_EXE_repo")]).args(arguments).env_clear().env("PATH", "/usr/bin:/bin");
    for (name, value) in [("REPO_CACHE_DIR", "cache"), ("REPO_REPOSITORY", "repository"), ("REPO_KEY_FILE", "key")] {
        command.env(name, place.path(value));
    }
    run(command.timeout(std::time::Duration::from_secs(120)))
}

#[test]
fn sixty_four_open_files_are_enough_for_everything() {
    let place = Place::with_repository();
    fill(&place);
    let source = place.text("source");
    for arguments in [
        &["snapshot", &source][..],
        &["snapshot", &source],
        &["restore", &format!("latest:{source}"), &place.text("back")],
        &["check", "--read-data"],
        &["prune", "--keep-last", "1"],
    ] {
        let ran = limited(&place, "--nofile=64", arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.stderr);
    }
    Picture::of(&place.path("source")).assert_same(&Picture::of(&place.path("back")));
}

#[test]
fn a_snapshot_that_runs_out_of_open_files_is_none_and_says_so_once() {
    let place = Place::with_repository();
    fill(&place);
    let source = place.text("source");
    let mut refused = 0;
    for files in [4, 6, 8, 10, 12, 14, 16, 20, 24] {
        let ran = limited(&place, &format!("--nofile={files}"), &["snapshot", "-q", &source]);
        // What is saved is saved whole.
        assert!([0, 1].contains(&ran.code), "{files}: {} {}", ran.code, ran.stderr);
        refused += i32::from(ran.code == 1);
        assert!(ran.code == 0 || ran.stdout.is_empty() && ran.stderr.lines().count() <= 6, "{files}: {}", ran.stderr);
    }
    assert!(refused > 1);
    place.run(&["snapshot", &source]).expect(0);
    place.run(&["check", "--read-data"]).expect(0);
}

#[test]
fn files_that_may_not_grow_end_a_run_like_a_full_disk() {
    let place = Place::with_repository();
    let mut content = vec![0; 300_000];
    blake3::Hasher::new().finalize_xof().fill(&mut content);
    fs::write(place.path("source/noise"), content).unwrap();
    let source = place.text("source");
    let ran = limited(&place, "--fsize=100000", &["snapshot", "-q", "--no-catalog", &source]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{}", ran.stderr);
    assert!(ran.stderr.contains("File too large") && ran.stderr.lines().count() <= 4, "{}", ran.stderr);
    assert!(!names(&place.path("repository")).iter().any(|name| name.contains("/.tmp-")));
    place.run(&["snapshot", &source]).expect(0);
    // A restore leaves out what does not fit, and brings everything else.
    let ran = limited(&place, "--fsize=150000", &["restore", "-q", &format!("latest:{source}"), &place.text("back")]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("noise") && !place.path("back/noise").exists(), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(place.path("back/sub/c d")).unwrap(), "third");
}

#[test]
fn a_user_who_may_start_no_thread_is_told_so_and_nothing_is_lost() {
    if !is_root() {
        return;
    }
    let place = Place::with_snapshot();
    // Of another user, because root has no such limit; a number that no other process has.
    const USER: u32 = 54_321;
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(place.path(""), open).unwrap();
    copy_program(&place.path("repo"));
    let all = names(&place.path("")).into_iter().chain([place.text("")]);
    all.for_each(|name| chown(name, Some(USER), Some(USER)).unwrap());
    copy(&place.path("repository"), &place.path("before"));
    let user = USER.to_string();
    for threads in [1, 2, 3, 5, 8, 40] {
        let mut command = assert_cmd::Command::new("setpriv");
        command.args(["--reuid", &user, "--regid", &user, "--clear-groups", "prlimit", &format!("--nproc={threads}")]);
        command.arg(place.path("repo")).args(["snapshot", "-q", &place.text("source")]).env_clear().env("PATH", "/usr/bin:/bin");
        for (name, value) in [("REPO_CACHE_DIR", "cache"), ("REPO_REPOSITORY", "repository"), ("REPO_KEY_FILE", "key")] {
            command.env(name, place.path(value));
        }
        let ran = run(command.current_dir("/").timeout(std::time::Duration::from_secs(120)));
        assert!([0, 1].contains(&ran.code), "{threads} threads: {} {}", ran.code, ran.stderr);
        assert!(!ran.stderr.contains("panicked"), "{threads} threads: {}", ran.stderr);
        place.run(&["-q", "check", "--read-data"]).expect(0);
    }
}

#[test]
fn too_few_open_files_are_an_error_of_the_system_and_no_damage() {
    let place = Place::with_repository();
    fill(&place);
    let source = place.text("source");
    place.run(&["snapshot", &source]).expect(0);
    for files in [12, 16, 20, 24, 30] {
        let back = place.text(&format!("back {files}"));
        let ran = limited(&place, &format!("--nofile={files}"), &["restore", &format!("latest:{source}"), &back]);
        assert!(ran.code == 1 || ran.code == 0, "{files}: {} {}", ran.code, ran.stderr);
        assert!(!ran.stderr.contains("damaged"), "{files}: {}", ran.stderr);
    }
}
