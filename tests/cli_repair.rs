//! `repo repair` as a user meets it: what it prints, what it exits with, and that a snapshot then
//! heals.

use std::fs;

use crate::cli_place::Place;

fn only_file(place: &Place, folder: &str) -> std::path::PathBuf {
    let mut found: Vec<_> = walk(&place.path(folder));
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

/// The pack with the content of files: the other one has their tree.
fn data_pack(place: &Place) -> std::path::PathBuf {
    let packs = walk(&place.path("repository/packs"));
    let is_data = |path: &std::path::PathBuf| fs::read(path).unwrap()[8] == 1;
    packs.into_iter().find(is_data).unwrap()
}

#[test]
fn a_lost_pack_is_recorded_and_the_next_snapshot_heals() {
    let place = Place::with_snapshot();
    assert!(place.run(&["repair"]).expect(0).stdout.starts_with("nothing is damaged"));
    fs::remove_file(data_pack(&place)).unwrap();
    place.run(&["check"]).expect(4);
    let dry = place.run(&["repair", "-n"]).expect(4);
    assert!(dry.stdout.contains("would be"), "{}", dry.stdout);
    let ran = place.run(&["repair"]).expect(4);
    assert!(ran.stdout.contains("3 paths in snapshots cannot be restored whole"), "{}", ran.stdout);
    assert!(ran.stderr.contains("the next `repo snapshot` stores them again"), "{}", ran.stderr);
    let ran = place.run(&["snapshot"]).expect(0);
    assert!(ran.stderr.contains("earlier snapshots that need them are mended"), "{}", ran.stderr);
    place.run(&["check", "--read-data"]).expect(0);
    place.run(&["restore", "latest~1", &place.text("back"), "--verify"]).expect(0);
}

#[test]
fn a_repository_without_its_description_its_index_and_a_record_is_whole_after_a_repair() {
    let place = Place::with_snapshot();
    fs::remove_file(place.path("repository/repository.json")).unwrap();
    fs::remove_file(only_file(&place, "repository/index")).unwrap();
    let record = walk(&place.path("repository/records")).remove(0);
    fs::remove_file(&record).unwrap();
    place.run(&["snapshots"]).expect(10);
    let ran = place.run(&["--json", "repair"]).expect(0);
    let line: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert!(line["restored_description"] == true && line["restored_settings"] == true && line["packs_indexed"] == 2, "{line}");
    place.run(&["check", "--read-data"]).expect(0);
    place.run(&["restore", "latest", &place.text("back"), "--verify"]).expect(0);
}

#[test]
fn what_is_set_aside_is_kept_under_its_name() {
    let place = Place::with_snapshot();
    place.run(&["snapshot"]).expect(0);
    let manifest = walk(&place.path("repository/snapshots")).remove(0);
    let mut bytes = fs::read(&manifest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::remove_file(&manifest).unwrap();
    fs::write(&manifest, &bytes).unwrap();
    let ran = place.run(&["repair"]).expect(4);
    assert!(ran.stderr.contains("1 snapshots are lost"), "{}", ran.stderr);
    let kept = place.path("repository/damaged/snapshots").join(manifest.file_name().unwrap());
    assert_eq!(fs::read(kept).unwrap(), bytes);
    place.run(&["check", "--read-data"]).expect(0);
}
