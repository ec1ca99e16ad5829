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
    // The longest are the settings.
    let bytes = |path: &std::path::PathBuf| fs::metadata(path).unwrap().len();
    let record = walk(&place.path("repository/records")).into_iter().max_by_key(bytes).unwrap();
    fs::remove_file(&record).unwrap();
    place.run(&["snapshots"]).expect(4);
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
}

/// Flips a bit in the middle of a file; gives what it was.
fn damage(path: &std::path::Path) -> Vec<u8> {
    let good = fs::read(path).unwrap();
    let mut bytes = good.clone();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    put(path, &bytes);
    good
}

fn put(path: &std::path::Path, bytes: &[u8]) {
    let _ = fs::remove_file(path);
    fs::write(path, bytes).unwrap();
}

/// A first snapshot with a file that no later one has, whose manifest is damaged and was set aside; gives its id, the
/// path of the manifest and what it was.
fn with_lost_snapshot() -> (Place, String, std::path::PathBuf, Vec<u8>) {
    let place = Place::with_snapshot();
    let manifest = only_file(&place, "repository/snapshots");
    let id = manifest.file_name().unwrap().to_str().unwrap().to_owned();
    fs::write(place.path("source/only here"), "text of the first ".repeat(3000)).unwrap();
    place.run(&["snapshot"]).expect(0);
    fs::remove_file(place.path("source/only here")).unwrap();
    let lost = walk(&place.path("repository/snapshots")).into_iter().find(|path| !path.ends_with(&id)).unwrap();
    place.run(&["snapshot"]).expect(0);
    let id = lost.file_name().unwrap().to_str().unwrap().to_owned();
    let good = damage(&lost);
    place.run(&["repair"]).expect(4);
    (place, id, lost, good)
}

#[test]
fn a_snapshot_whose_manifest_was_set_aside_is_missed_until_it_is_put_back_and_then_all_is_well() {
    let (place, id, manifest, good) = with_lost_snapshot();
    let ran = place.run(&["check"]).expect(4);
    assert!(ran.stderr.contains(&id[..8]) && ran.stderr.contains("put them back into snapshots/"), "{}", ran.stderr);
    for arguments in [&["prune"][..], &["prune", "--keep-last", "1"], &["forget", "latest"]] {
        let ran = place.run(arguments).expect(4);
        assert!(ran.stderr.contains(&id[..8]) && ran.stderr.contains("a repair set it aside"), "{}", ran.stderr);
    }
    let ran = place.run(&["repair"]).expect(4);
    assert!(ran.stderr.contains(&id[..8]), "{}", ran.stderr);
    put(&manifest, &good);
    place.run(&["check", "--read-data"]).expect(0);
    place.run(&["prune"]).expect(0);
    place.run(&["restore", &id, &place.text("back"), "--verify"]).expect(0);
    // That it was there is known from now on.
    fs::remove_file(&manifest).unwrap();
    place.run(&["prune"]).expect(4);
}

#[test]
fn a_missing_snapshot_is_given_up_by_its_id_or_by_accepting_all_that_is_missing() {
    for arguments in [&["forget", "ID"][..], &["prune", "--accept-rollback"]] {
        let (place, id, ..) = with_lost_snapshot();
        let arguments: Vec<&str> = arguments.iter().map(|argument| if *argument == "ID" { &id[..8] } else { *argument }).collect();
        place.run(&arguments).expect(0);
        let ran = place.run(&["--json", "prune"]).expect(0);
        place.run(&["check", "--read-data"]).expect(0);
        place.run(&["restore", "latest", &place.text("back"), "--verify"]).expect(0);
        assert!(!ran.stderr.contains("missing"), "{}", ran.stderr);
    }
}

#[test]
fn one_lost_record_of_a_pin_or_of_the_protection_frees_nothing_is_seen_and_made_again() {
    let place = Place::with_snapshot();
    let id = only_file(&place, "repository/snapshots").file_name().unwrap().to_str().unwrap().to_owned();
    let records = |place: &Place| walk(&place.path("repository/records"));
    let before = records(&place);
    place.run(&["tag", &id, "--pin", "--add", "word"]).expect(0);
    place.run(&["settings", "protect", "9d"]).expect(0);
    let written: Vec<_> = records(&place).into_iter().filter(|path| !before.contains(path)).collect();
    assert_eq!(written.len(), 6);
    place.run(&["snapshot"]).expect(0);
    for record in &written {
        let good = fs::read(record).unwrap();
        for is_deleted in [true, false] {
            if is_deleted {
                fs::remove_file(record).unwrap()
            } else {
                drop(damage(record))
            }
            let ran = place.run(&["check"]).expect(4);
            let said = format!("{}{}", ran.stdout, ran.stderr);
            assert!(said.contains("`repo repair` writes it again"), "{said}");
            let ran = place.run(&["--json", "repair"]).expect(0);
            assert_eq!((ran.json()["restored_records"].as_u64(), ran.json()["records_lost"].as_u64()), (Some(1), Some(0)));
            place.run(&["check"]).expect(0);
            let again: Vec<_> = records(&place).into_iter().filter(|path| !before.contains(path) && !written.contains(path)).collect();
            // As it was, for the next.
            again.iter().for_each(|path| {
                if fs::read(path).unwrap().len() == good.len() {
                    fs::remove_file(path).unwrap()
                }
            });
            put(record, &good);
            let _ = fs::remove_dir_all(place.path("repository/damaged"));
        }
        fs::remove_file(record).unwrap();
        let ran = place.run(&["forget", &id[..8]]).expect(2);
        assert!(ran.stderr.contains("pinned"), "{}", ran.stderr);
        place.run(&["prune", "--keep-last", "1", "--override-protection"]).expect(0);
        assert!(place.run(&["settings"]).expect(0).stdout.contains("9 days") || place.run(&["settings"]).expect(0).stdout.contains("9d"));
        put(record, &good);
    }
    assert_eq!(walk(&place.path("repository/snapshots")).len(), 2);
}

#[test]
fn without_its_description_a_repository_is_damaged_and_a_dry_repair_foretells_the_whole_repair() {
    let place = Place::with_snapshot();
    let file = place.path("repository/repository.json");
    let good = std::fs::read(&file).unwrap();
    for bytes in [None, Some("")] {
        match bytes {
            None => std::fs::remove_file(&file).unwrap(),
            Some(bytes) => std::fs::write(&file, bytes).unwrap(),
        }
        for command in [&["check"][..], &["snapshots"], &["snapshot", "--init", &place.text("source")], &["stats"]] {
            let told = place.run(command).expect(4).stderr;
            assert!(told.contains("repository.json") && told.contains("`repo repair` makes repository.json again"), "{told}");
            assert!(!told.contains("mounted") && !told.contains("repo init"), "{told}");
        }
        let told = place.run(&["init"]).expect(1).stderr;
        assert!(bytes.is_some() || told.contains("`repo repair` makes repository.json again"), "{told}");
        let dry = place.run(&["--json", "repair", "-n"]).expect(0);
        assert!(dry.stdout.contains("\"restored_description\":true"), "{}", dry.stdout);
        assert_eq!(std::fs::read(&file).ok(), bytes.map(|bytes| bytes.as_bytes().to_vec()), "a dry run writes nothing");
        let done = place.run(&["--json", "repair"]).expect(0);
        let same = |line: &str| {
            let mut line: serde_json::Value = serde_json::from_str(line.trim()).unwrap();
            line["is_dry_run"] = serde_json::Value::Null;
            line["seconds"] = serde_json::Value::Null;
            line
        };
        assert_eq!(same(&dry.stdout), same(&done.stdout));
        assert_eq!(std::fs::read(&file).unwrap(), good);
    }
    place.run(&["check"]).expect(0);
}
