//! Keys come and go, the data stays, and nobody can lock everybody out.

use std::fs;

use crate::cli_place::{Place, run};

#[test]
fn a_second_key_opens_the_repository_until_it_is_removed() {
    let place = Place::with_repository();
    fs::write(place.path("second"), [9; 32]).unwrap();
    let second = |arguments: &[&str]| run(place.bare().env("REPO_KEY_FILE", place.path("second")).args(arguments));
    second(&["snapshots"]).expect(12);
    let added = place.run(&["--json", "key", "add", "--new-key-file", &place.text("second"), "--label", "spare"]).expect(0).json();
    assert_eq!((added["type"].as_str(), added["label"].as_str()), (Some("key-file"), Some("spare")));
    second(&["snapshots"]).expect(0);
    let listed = place.run(&["key", "list"]).expect(0).stdout;
    assert_eq!((listed.lines().count(), listed.lines().filter(|line| line.starts_with('*')).count()), (2, 1), "{listed}");
    let id = added["id"].as_str().unwrap();
    second(&["key", "remove", id]).expect(2);
    place.run(&["key", "remove", "0000000000000000"]).expect(1);
    place.run(&["key", "remove", id]).expect(0);
    second(&["snapshots"]).expect(12);
    place.run(&["snapshots"]).expect(0);
}

#[test]
fn the_last_key_cannot_be_removed() {
    let place = Place::with_repository();
    let id = place.run(&["--json", "key", "list"]).expect(0).json()["id"].as_str().unwrap().to_owned();
    let ran = place.run(&["key", "remove", &id]).expect(2);
    assert!(ran.stderr.contains("the last one"), "{}", ran.stderr);
    place.run(&["snapshots"]).expect(0);
}

#[test]
fn a_changed_key_opens_and_the_old_one_no_longer() {
    let place = Place::with_repository();
    fs::write(place.path("password"), "new one\n").unwrap();
    place.run(&["key", "change", "--new-password-file", &place.text("password")]).expect(0);
    place.run(&["snapshots"]).expect(12);
    run(place.bare().env("REPO_PASSWORD", "new one").args(["key", "list"])).expect(0);
    assert_eq!(fs::read_dir(place.path("repository/keys")).unwrap().count(), 1);
}
