//! A run that ends half-way: the next needs no manual step and does not start from nothing.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::cli_place::Place;
use crate::interrupted::{Traced, trace};
use crate::needs::has_tool;

/// So much is saved: several packs, of bytes that cannot be compressed.
const TOTAL_BYTES: u64 = 192 << 20;
/// When the run is ended the packs have more than so many.
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

/// Runs a snapshot that gets `signal` when it gives the fourth pack of six its name: at a call, not after a
/// time, so that it is half-way on every machine. None where there is no `strace`.
fn end_half_way(place: &Place, signal: &str) -> Option<Traced> {
    if !has_tool("strace") {
        return None;
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_repo"));
    command.args(["-q", "snapshot", &place.text("source")]).env("PATH", "/usr/bin:/bin");
    for (name, value) in [("REPO_CACHE_DIR", "cache"), ("REPO_REPOSITORY", "repository"), ("REPO_KEY_FILE", "key")] {
        command.env(name, place.path(value));
    }
    let traced = trace(&command, &place.path("log"), Some(&format!("renameat2:signal={signal}:when=4")));
    let stored = packs_bytes(&place.path("repository"));
    assert!(stored >= ENOUGH_BYTES, "{stored} bytes are in packs: {}", traced.stderr);
    // One that winds down stores what it has in hand, and on a slow disk that may be all that is left.
    assert!(stored < TOTAL_BYTES || signal == "SIGINT", "{stored} bytes are in packs: {}", traced.stderr);
    Some(traced)
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
    let Some(traced) = end_half_way(&place, "SIGKILL") else { return };
    assert_eq!(traced.code, None);
    assert_goes_on(&place);
}

#[test]
fn a_run_that_was_interrupted_ends_with_130_and_is_gone_on_with_by_the_next() {
    let place = Place::with_repository();
    fill(&place.path("source"));
    let Some(traced) = end_half_way(&place, "SIGINT") else { return };
    assert_eq!(traced.code, Some(130));
    assert_goes_on(&place);
}
