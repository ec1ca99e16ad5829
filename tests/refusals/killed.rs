//! A run that ends half-way: the next needs no manual step and does not start from nothing.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::cli_place::Place;

/// So much is saved: several packs, of bytes that cannot be compressed.
const TOTAL_BYTES: u64 = 192 << 20;
/// The run is ended when the packs have so many.
const ENOUGH_BYTES: u64 = TOTAL_BYTES / 100 * 48;

fn fill(source: &Path) {
    let mut content = vec![0; 1 << 20];
    for at in 0..TOTAL_BYTES >> 20 {
        blake3::Hasher::new().update(&at.to_le_bytes()).finalize_xof().fill(&mut content);
        fs::write(source.join(format!("file {at}")), &content).unwrap();
    }
}

/// The bytes of complete packs; what is being written lies beside their folders.
fn packs_bytes(repository: &Path) -> u64 {
    let folders = fs::read_dir(repository.join("packs")).unwrap().map(Result::unwrap);
    let folders = folders.filter(|entry| entry.file_type().is_ok_and(|file_type| file_type.is_dir()));
    let packs = folders.flat_map(|folder| fs::read_dir(folder.path()).unwrap());
    packs.map(|pack| pack.unwrap().metadata().map_or(0, |metadata| metadata.len())).sum()
}

/// Starts a snapshot, sends `signal` when enough is stored, and waits for the end.
fn end_half_way(place: &Place, signal: Signal) -> ExitStatus {
    let mut child = Command::new(env!("CARGO_BIN_EXE_repo"))
        .args(["-q", "snapshot", &place.text("source")])
        .env("REPO_CACHE_DIR", place.path("cache"))
        .env("REPO_REPOSITORY", place.path("repository"))
        .env("REPO_KEY_FILE", place.path("key"))
        .env_remove("REPO_PASSWORD")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while packs_bytes(&place.path("repository")) < ENOUGH_BYTES {
        assert_eq!(end_of(&mut child), None, "it ended before it had stored enough");
        std::thread::yield_now();
    }
    kill_process(Pid::from_child(&child), signal).unwrap();
    child.wait().unwrap()
}

fn end_of(child: &mut Child) -> Option<ExitStatus> {
    child.try_wait().unwrap()
}

/// Expects that the next run saves everything and stores only what is missing.
fn assert_goes_on(place: &Place) {
    assert_eq!(place.run(&["-q", "snapshots"]).expect(0).stdout, "", "a run that ended half-way is no snapshot");
    let saved = place.run(&["--json", "snapshot", &place.text("source")]).expect(0).json();
    let stored = saved["counts"]["bytes_stored"].as_u64().unwrap();
    assert!(stored * 100 < TOTAL_BYTES * 55, "{stored} of {TOTAL_BYTES} bytes were stored again");
    assert!(packs_bytes(&place.path("repository")) < TOTAL_BYTES / 100 * 110);
    place.run(&["restore", &format!("latest:{}", place.text("source")), &place.text("back")]).expect(0);
    for at in 0..TOTAL_BYTES >> 20 {
        let name = format!("file {at}");
        assert!(fs::read(place.path("back").join(&name)).unwrap() == fs::read(place.path("source").join(&name)).unwrap(), "{name}");
    }
}

#[test]
fn a_run_that_was_killed_is_gone_on_with_by_the_next() {
    let place = Place::with_repository();
    fill(&place.path("source"));
    let status = end_half_way(&place, Signal::KILL);
    assert_eq!((status.signal(), status.code()), (Some(9), None));
    assert_goes_on(&place);
}

#[test]
fn a_run_that_was_interrupted_ends_with_130_and_is_gone_on_with_by_the_next() {
    let place = Place::with_repository();
    fill(&place.path("source"));
    let status = end_half_way(&place, Signal::INT);
    assert_eq!(status.code(), Some(130));
    assert_goes_on(&place);
}
