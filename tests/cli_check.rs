//! Checks as a user types them.

use std::fs;
use std::path::PathBuf;

use crate::cli_place::{Place, names, run};

/// The packs, the longest first: the source has more content than names.
fn packs(place: &Place) -> Vec<PathBuf> {
    let mut packs: Vec<PathBuf> =
        names(&place.path("repository/packs")).into_iter().map(PathBuf::from).filter(|path| path.is_file()).collect();
    packs.sort_by_key(|path| std::cmp::Reverse(fs::metadata(path).unwrap().len()));
    packs
}

/// A place whose data pack has a bad byte in each of its frames.
fn damaged_place() -> Place {
    let place = Place::with_repository();
    let noise: Vec<u8> = (0..200_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).rotate_left(n % 31).to_le_bytes()).collect();
    fs::write(place.path("source/noise"), noise).unwrap();
    place.run(&["snapshot", &place.text("source")]).expect(0);
    let pack = &packs(&place)[0];
    let mut permissions = fs::metadata(pack).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o600);
    fs::set_permissions(pack, permissions).unwrap();
    let mut bytes = fs::read(pack).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(pack, bytes).unwrap();
    place
}

#[test]
fn a_healthy_repository_is_0_and_says_what_was_looked_at() {
    let place = Place::with_snapshot();
    let ran = place.run(&["check"]).expect(0);
    assert!(ran.stdout.contains("1 snapshot:") && ran.stdout.contains("nothing is damaged"), "{}", ran.stdout);
    let checked = place.run(&["--json", "check", "--read-data"]).expect(0).json();
    assert_eq!((checked["is_damaged"].as_bool(), checked["packs_not_read"].as_u64()), (Some(false), Some(0)));
    assert_eq!(checked["packs_read"], checked["packs"]);
    place.run(&["check", "--read-data=50%"]).expect(0);
    assert_eq!(place.run(&["-q", "check"]).expect(0).stdout, "");
}

#[test]
fn a_bad_byte_is_4_and_names_the_file_and_what_to_do() {
    let place = damaged_place();
    let ran = place.run(&["check", "--read-data"]).expect(4);
    assert!(ran.stdout.contains(&format!("\"{}\" in snapshot ", place.text("source/noise"))), "{}", ran.stdout);
    assert!(ran.stderr.contains("damaged: \"packs/") && ran.stderr.contains("repo repair"), "{}", ran.stderr);
    let checked = place.run(&["--json", "check", "--read-data"]).expect(4).json();
    assert_eq!(checked["damaged"].as_array().unwrap().len(), 1);
    assert_eq!(checked["affected"][0]["snapshots"].as_array().unwrap().len(), 1);
}

#[test]
fn a_missing_pack_is_4_without_reading_data() {
    let place = Place::with_snapshot();
    fs::remove_file(&packs(&place)[0]).unwrap();
    let ran = place.run(&["check"]).expect(4);
    assert!(ran.stderr.contains("it is missing"), "{}", ran.stderr);
}

#[test]
fn names_are_checked_without_a_password() {
    let good = Place::with_snapshot();
    let ran = run(good.bare().args(["check", "--names"])).expect(0);
    assert!(ran.stdout.contains(": 0 damaged"), "{}", ran.stdout);
    let bad = damaged_place();
    let ran = run(bad.bare().args(["--json", "check", "--names"])).expect(4).json();
    assert!(ran["damaged"][0]["name"].as_str().unwrap().starts_with("packs/"), "{ran}");
}

#[test]
fn a_percentage_that_makes_no_sense_is_2() {
    let place = Place::with_repository();
    for percent in ["0", "101", "-1", "x"] {
        place.run(&["check", &format!("--read-data={percent}")]).expect(2);
    }
    place.run(&["check", "--names", "--read-data"]).expect(2);
}
