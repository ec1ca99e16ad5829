//! Every snapshot that vanishes without having been removed is missed, by every machine that can know of it, and
//! nothing that it needs is freed meanwhile.

use std::fs;
use std::path::PathBuf;

use crate::cli_place::{Place, Ran};

/// Saves a file that only this snapshot has, and gives the id.
fn save(place: &Place, number: usize) -> String {
    fs::write(place.path("source/a"), format!("only {number} has this")).unwrap();
    place.run(&["-q", "snapshot", &place.text("source"), "--series", "home"]).expect(0).stdout.trim().to_owned()
}

fn manifest(place: &Place, id: &str) -> PathBuf {
    place.path("repository/snapshots").join(id)
}

fn lose(place: &Place, id: &str) -> Vec<u8> {
    let bytes = fs::read(manifest(place, id)).unwrap();
    fs::remove_file(manifest(place, id)).unwrap();
    bytes
}

/// Another machine, which has never seen anything.
fn move_elsewhere(place: &Place) {
    let _ = fs::remove_dir_all(place.path("cache"));
}

#[track_caller]
fn assert_missed(place: &Place, id: &str) {
    let ran: Ran = place.run(&["prune"]).expect(4);
    assert!(ran.stderr.contains(&id[..8]), "{}", ran.stderr);
    place.run(&["check"]).expect(4);
}

#[test]
fn what_was_forgotten_when_the_next_was_saved_is_missed_after_it_was_taken_back() {
    let place = Place::with_repository();
    save(&place, 1);
    let second = save(&place, 2);
    place.run(&["forget", &second]).expect(0);
    save(&place, 3);
    place.run(&["unforget", &second]).expect(0);
    lose(&place, &second);
    move_elsewhere(&place);
    assert_missed(&place, &second);
}

#[test]
fn one_that_no_manifest_names_is_recorded_by_the_next_run() {
    let place = Place::with_repository();
    save(&place, 1);
    let second = save(&place, 2);
    // Away while the next is saved, as if both had been saved at once.
    let bytes = lose(&place, &second);
    move_elsewhere(&place);
    save(&place, 3);
    fs::write(manifest(&place, &second), bytes).unwrap();
    save(&place, 4);
    lose(&place, &second);
    move_elsewhere(&place);
    assert_missed(&place, &second);
}

#[test]
fn one_that_was_away_for_a_run_is_missed_by_the_machine_that_has_seen_it() {
    let place = Place::with_repository();
    save(&place, 1);
    let second = save(&place, 2);
    let bytes = lose(&place, &second);
    save(&place, 3);
    fs::write(manifest(&place, &second), bytes).unwrap();
    lose(&place, &second);
    assert_missed(&place, &second);
}

#[test]
fn who_gives_up_one_missing_snapshot_frees_nothing_of_the_one_that_it_named() {
    let place = Place::with_repository();
    let ids: Vec<String> = (0..4).map(|number| save(&place, number)).collect();
    lose(&place, &ids[1]);
    lose(&place, &ids[2]);
    place.run(&["forget", &ids[2]]).expect(0);
    assert_missed(&place, &ids[1]);
    move_elsewhere(&place);
    assert_missed(&place, &ids[1]);
}

#[test]
fn one_that_only_a_damaged_manifest_names_stays_missed_whatever_the_program_advises() {
    for advice in ["repair", "forget"] {
        let place = Place::with_repository();
        let ids: Vec<String> = (0..4).map(|number| save(&place, number)).collect();
        lose(&place, &ids[1]);
        let mut bytes = lose(&place, &ids[2]);
        bytes[200] ^= 1;
        fs::write(manifest(&place, &ids[2]), bytes).unwrap();
        if advice == "repair" {
            place.run(&["repair"]).expect(4);
        }
        place.run(&["forget", &ids[2]]).expect(if advice == "repair" { 0 } else { 4 });
        assert_missed(&place, &ids[1]);
    }
}

#[test]
fn a_machine_that_cannot_know_what_a_lost_manifest_named_says_so() {
    let place = Place::with_repository();
    let ids: Vec<String> = (0..3).map(|number| save(&place, number)).collect();
    lose(&place, &ids[1]);
    move_elsewhere(&place);
    let ran = place.run(&["forget", &ids[1]]).expect(0);
    assert!(ran.stderr.contains("nobody can tell which snapshot"), "{}", ran.stderr);
    // What is there and was named by it alone is recorded.
    lose(&place, &ids[0]);
    move_elsewhere(&place);
    assert_missed(&place, &ids[0]);
}
