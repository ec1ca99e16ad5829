//! Keys come and go, the data stays, and nobody can lock everybody out.

use std::fs;
use std::path::PathBuf;

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
    assert_eq!(fs::read_dir(place.path("repository/keys")).unwrap().count(), 2, "one key, two slots");
}

/// The files of key slots.
fn slots(place: &Place) -> Vec<PathBuf> {
    let mut slots: Vec<PathBuf> = fs::read_dir(place.path("repository/keys")).unwrap().map(|entry| entry.unwrap().path()).collect();
    slots.sort();
    slots
}

#[test]
fn one_lost_slot_of_a_key_locks_nobody_out_is_seen_by_check_and_made_again_by_repair() {
    let place = Place::with_snapshot();
    let good: Vec<_> = slots(&place).into_iter().map(|path| (fs::read(&path).unwrap(), path)).collect();
    assert_eq!(good.len(), 2);
    for ((bytes, path), way) in good.iter().flat_map(|slot| [(slot, "deleted"), (slot, "emptied"), (slot, "flipped")]) {
        fs::remove_file(path).unwrap();
        let mut flipped = bytes.clone();
        flipped[bytes.len() / 2] ^= 1;
        match way {
            "deleted" => {}
            "emptied" => fs::write(path, "").unwrap(),
            _ => fs::write(path, flipped).unwrap(),
        }
        let ran = place.run(&["check"]).expect(4);
        assert!(ran.stderr.contains("one of the two slots of key"), "{way}: {}", ran.stderr);
        assert_eq!(place.run(&["key", "list"]).expect(0).stdout.lines().count(), 1);
        let before = slots(&place).len();
        assert_eq!(place.run(&["--json", "repair", "-n"]).expect(0).json()["restored_key"], true);
        assert_eq!(slots(&place).len(), before);
        assert_eq!(place.run(&["--json", "repair"]).expect(0).json()["restored_key"], true);
        place.run(&["check"]).expect(0);
        assert_eq!(slots(&place).len(), 2);
        for slot in slots(&place) {
            let elsewhere = place.path("elsewhere");
            fs::rename(&slot, &elsewhere).unwrap();
            place.run(&["snapshots"]).expect(0);
            fs::rename(&elsewhere, &slot).unwrap();
        }
        for slot in slots(&place) {
            fs::remove_file(slot).unwrap();
        }
        good.iter().for_each(|(bytes, path)| fs::write(path, bytes).unwrap());
    }
}

#[test]
fn the_lost_slot_of_another_key_waits_for_that_key() {
    let place = Place::with_repository();
    let first = slots(&place);
    fs::write(place.path("second"), [9; 32]).unwrap();
    place.run(&["key", "add", "--new-key-file", &place.text("second")]).expect(0);
    let of_second: Vec<PathBuf> = slots(&place).into_iter().filter(|path| !first.contains(path)).collect();
    assert_eq!(of_second.len(), 2);
    fs::remove_file(&of_second[0]).unwrap();
    let ran = place.run(&["repair"]).expect(0);
    assert!(ran.stderr.contains("one of the two slots of key"), "{}", ran.stderr);
    place.run(&["check"]).expect(4);
    run(place.bare().env("REPO_KEY_FILE", place.path("second")).arg("repair")).expect(0);
    place.run(&["check"]).expect(0);
}

#[test]
fn without_any_key_slot_the_repository_is_damaged_and_no_password_is_wrong() {
    let place = Place::with_repository();
    for slot in slots(&place) {
        fs::remove_file(slot).unwrap();
    }
    let ran = place.run(&["snapshots"]).expect(4);
    assert!(ran.stderr.contains("there is no key slot"), "{}", ran.stderr);
    fs::remove_dir(place.path("repository/keys")).unwrap();
    place.run(&["snapshots"]).expect(4);
}

#[test]
fn a_wrong_password_beside_damaged_slots_says_that_it_may_be_one_of_theirs() {
    let place = Place::with_repository();
    let first = slots(&place);
    fs::write(place.path("second"), [9; 32]).unwrap();
    place.run(&["key", "add", "--new-key-file", &place.text("second")]).expect(0);
    for slot in first {
        fs::remove_file(&slot).unwrap();
        fs::write(&slot, "garbage").unwrap();
    }
    let ran = place.run(&["snapshots"]).expect(12);
    assert!(ran.stderr.contains("2 key slots are damaged"), "{}", ran.stderr);
}

#[test]
fn a_changed_key_says_where_the_old_one_still_opens() {
    let place = Place::with_repository();
    fs::write(place.path("new"), [9; 32]).unwrap();
    let again = place.run(&["--json", "key", "add", "--new-key-file", &place.text("key"), "--label", "again"]).expect(0).json();
    assert_eq!(again["slots"].as_array().unwrap().len(), 2);
    let ran = place.run(&["key", "change", "--new-key-file", &place.text("new")]).expect(0);
    assert!(ran.stderr.contains("still opens key"), "{}", ran.stderr);
    let other = run(place.bare().env("REPO_KEY_FILE", place.path("new")).args(["key", "list"])).expect(0).stdout;
    let id = other.lines().find(|line| !line.starts_with('*')).unwrap().split_whitespace().next().unwrap().to_owned();
    assert!(ran.stderr.contains(&id), "{}", ran.stderr);
    run(place.bare().env("REPO_KEY_FILE", place.path("new")).args(["key", "remove", &id])).expect(0);
    place.run(&["snapshots"]).expect(12);
    assert_eq!(slots(&place).len(), 2);
    // Nothing is said where nothing is to be said.
    let ran =
        run(place.bare().env("REPO_KEY_FILE", place.path("new")).args(["key", "change", "--new-key-file", &place.text("key")])).expect(0);
    assert_eq!(ran.stderr, "");
}

#[test]
fn either_slot_of_a_key_names_it() {
    let place = Place::with_repository();
    fs::write(place.path("second"), [9; 32]).unwrap();
    for at in 0..2 {
        let added = place.run(&["--json", "key", "add", "--new-key-file", &place.text("second")]).expect(0).json();
        place.run(&["key", "remove", added["slots"][at].as_str().unwrap()]).expect(0);
        assert_eq!(slots(&place).len(), 2);
        run(place.bare().env("REPO_KEY_FILE", place.path("second")).arg("snapshots")).expect(12);
    }
}
