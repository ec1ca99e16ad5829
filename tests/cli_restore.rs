//! Restores as a user types them.

use std::fs;

use crate::cli_place::Place;

#[test]
fn a_snapshot_comes_back_below_the_destination_and_a_path_straight_into_it() {
    let place = Place::with_snapshot();
    let ran = place.run(&["restore", "latest", &place.text("all")]).expect(0);
    assert!(ran.stdout.contains("3 files"), "{}", ran.stdout);
    let back = place.text("all") + &place.text("source");
    assert_eq!(fs::read_to_string(format!("{back}/sub/c d")).unwrap(), "third");
    let folder = format!("latest:{}", place.text("source"));
    let restored = place.run(&["--json", "restore", &folder, &place.text("part"), "--verify"]).expect(0).json();
    assert_eq!((restored["files"].as_u64(), restored["verified"].as_u64()), (Some(3), Some(3)));
    assert_eq!(fs::read(place.path("part/b")).unwrap(), vec![b'b'; 100_000]);
}

#[test]
fn files_that_differ_are_left_unless_it_is_said_otherwise() {
    let place = Place::with_snapshot();
    let folder = format!("latest:{}", place.text("source"));
    fs::write(place.path("source/a"), "changed since").unwrap();
    place.run(&["restore", &folder, &place.text("source")]).expect(3);
    assert_eq!(fs::read_to_string(place.path("source/a")).unwrap(), "changed since");
    place.run(&["restore", &folder, &place.text("source"), "-n", "--overwrite", "always"]).expect(0);
    assert_eq!(fs::read_to_string(place.path("source/a")).unwrap(), "changed since");
    place.run(&["restore", &folder, &place.text("source"), "--overwrite", "if-changed"]).expect(0);
    assert_eq!(fs::read_to_string(place.path("source/a")).unwrap(), "first");
}

#[test]
fn a_destination_that_is_in_the_snapshot_is_2_and_the_right_command_is_said() {
    let place = Place::with_snapshot();
    let ran = place.run(&["restore", "latest", &place.text("source")]).expect(2);
    let meant = format!(":{source} {source}", source = place.text("source"));
    assert!(ran.stderr.contains("repo restore ") && ran.stderr.contains(&meant), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
}
