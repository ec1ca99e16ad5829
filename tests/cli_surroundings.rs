//! Odd surroundings change nothing: a pipe that closes, no home, another umask, locale C.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use crate::cli_place::{Place, names, run};

#[test]
fn a_reader_that_closes_the_pipe_ends_a_listing_quietly() {
    let place = Place::with_repository();
    for at in 0..3000 {
        fs::write(place.path(&format!("source/a file with a long name, number {at}")), "").unwrap();
    }
    place.run(&["snapshot", &place.text("source")]).expect(0);
    let mut command = Command::new(env!("CARGO_BIN_EXE_repo"));
    command.env("REPO_CACHE_DIR", place.path("cache")).env("REPO_KEY_FILE", place.path("key")).env_remove("REPO_PASSWORD");
    command.args(["-r", &place.text("repository"), "ls", "-R", "latest"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // More than the pipe holds is never read.
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn without_a_home_everything_works_without_a_cache() {
    let place = Place::with_repository();
    let ran = run(place.command().env_remove("REPO_CACHE_DIR").env("LC_ALL", "C").args(["snapshot", &place.text("source")])).expect(0);
    assert!(ran.stdout.contains("3 new"), "{}", ran.stdout);
    run(place.command().env_remove("REPO_CACHE_DIR").args(["ls", "latest"])).expect(0);
}

#[test]
fn nobody_else_can_read_what_is_made_whatever_the_umask() {
    let place = Place::new();
    let script =
        format!("umask 000; {repo} init && {repo} snapshot {source}", repo = env!("CARGO_BIN_EXE_repo"), source = place.text("source"));
    let status = Command::new("sh")
        .args(["-c", &script])
        .env("REPO_CACHE_DIR", place.path("cache"))
        .env("REPO_REPOSITORY", place.path("repository"))
        .env("REPO_KEY_FILE", place.path("key"))
        .env_remove("REPO_PASSWORD")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    for root in ["repository", "cache"] {
        for name in names(&place.path(root)) {
            let mode = fs::metadata(&name).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{name} has mode {mode:o}");
        }
    }
}

#[test]
fn the_catalog_can_be_deleted_left_out_verified_and_rebuilt() {
    let place = Place::with_snapshot();
    let listed = place.run(&["snapshots", "--json"]).expect(0).stdout;
    assert_eq!(place.run(&["snapshots", "--json", "--no-catalog"]).expect(0).stdout, listed);
    place.run(&["catalog", "verify"]).expect(0);
    fs::remove_dir_all(place.path("cache")).unwrap();
    place.run(&["catalog", "verify"]).expect(4);
    place.run(&["catalog", "rebuild"]).expect(0);
    place.run(&["catalog", "verify"]).expect(0);
    assert_eq!(place.run(&["snapshots", "--json"]).expect(0).stdout, listed);
}
