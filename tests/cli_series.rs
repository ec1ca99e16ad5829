//! Series as people meet them: listed, renamed, stopped, and all saved by one command in the evening.

use std::fs;
use std::os::unix::ffi::OsStrExt;

use crate::cli_place::{Place, run};

/// A place with two series of two folders.
fn place() -> Place {
    let place = Place::with_repository();
    fs::create_dir(place.path("photos")).unwrap();
    fs::write(place.path("photos/p"), "picture").unwrap();
    place.run(&["snapshot", &place.text("source"), "--series", "papers", "--exclude", "b"]).expect(0);
    place.run(&["snapshot", &place.text("photos"), "--series", "photos"]).expect(0);
    place
}

fn lines(place: &Place, arguments: &[&str]) -> Vec<serde_json::Value> {
    let text = place.run(&[&["--json"], arguments].concat()).expect(0).stdout;
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn series_of(lines: &[serde_json::Value]) -> Vec<&str> {
    lines.iter().map(|line| line["series"].as_str().unwrap()).collect()
}

#[test]
fn the_evenings_command_saves_every_series_of_the_machine_each_as_it_was() {
    let place = place();
    // One save by the way in no way replaces the evening's.
    place.run(&["snapshot", &place.text("source/sub"), "--series", "once"]).expect(0);
    place.run(&["snapshot", &place.text("photos"), "--series", "foreign", "--host", "elsewhere"]).expect(0);
    fs::write(place.path("photos/q"), "another").unwrap();
    let saved = lines(&place, &["snapshot"]);
    assert_eq!(series_of(&saved), ["once", "papers", "photos"]);
    assert!(saved.iter().all(|line| line["kind"] == "incremental"));
    assert_eq!(saved[2]["counts"]["files_new"], 1);
    let papers = place.run(&["ls", &format!("latest@papers:{}", place.text("source"))]).expect(0).stdout;
    assert!(papers.contains("a\n") && !papers.contains("b\n"), "with its filters: {papers}");
    assert_eq!(series_of(&lines(&place, &["snapshot", "--series", "papers"])), ["papers"]);
    place.run(&["snapshot", "--series", "nothing"]).expect(1);
}

#[test]
fn a_stopped_series_rests_until_it_is_resumed_or_named() {
    let place = place();
    place.run(&["series", "stop", "photos"]).expect(0);
    assert_eq!(series_of(&lines(&place, &["snapshot"])), ["papers"]);
    let listed = place.run(&["series"]).expect(0).stdout;
    assert!(listed.lines().any(|line| line.starts_with("photos") && line.ends_with("stopped")), "{listed}");
    assert_eq!(series_of(&lines(&place, &["snapshot", "--series", "photos"])), ["photos"]);
    place.run(&["series", "stop", "papers"]).expect(0);
    assert!(place.run(&["snapshot"]).expect(2).stderr.contains("repo series resume"));
    place.run(&["series", "resume", "photos"]).expect(0);
    assert_eq!(series_of(&lines(&place, &["--no-catalog", "snapshot"])), ["photos"]);
    place.run(&["series", "stop", "nothing"]).expect(1);
}

#[test]
fn a_series_that_was_renamed_goes_on_under_its_new_name() {
    let place = place();
    let photos = place.text("photos");
    place.run(&["series", "rename", "photos", "pictures"]).expect(0);
    for more in [&[][..], &["--no-catalog"]] {
        let listed = lines(&place, &[&["series"], more].concat());
        assert_eq!(series_of(&listed), ["papers", "pictures"]);
    }
    // The next run builds on the snapshots of before, by either name.
    for name in ["pictures", "photos"] {
        let saved = lines(&place, &["snapshot", &photos, "--series", name]);
        assert_eq!((&saved[0]["series"], &saved[0]["kind"]), (&"pictures".into(), &"incremental".into()));
    }
    assert_eq!(lines(&place, &["snapshots", "--series", "pictures"]).len(), 3);
    place.run(&["ls", "latest~2@pictures"]).expect(0);
    let pruned = place.run(&["prune", "--keep-last", "1"]).expect(0).stdout;
    assert!(pruned.contains("series pictures: 3 snapshots, 1 kept"), "rules count it as one: {pruned}");
    let refused = place.run(&["series", "rename", "pictures", "papers"]).expect(2).stderr;
    assert!(refused.contains("already"), "{refused}");
    place.run(&["series", "rename", "photos", "x"]).expect(1);
    place.run(&["series", "rename", "pictures", "photos"]).expect(0);
    assert_eq!(series_of(&lines(&place, &["series"])), ["papers", "photos"]);
}

#[test]
fn what_fails_of_an_evening_keeps_nothing_else_from_being_saved() {
    let place = place();
    fs::remove_dir_all(place.path("source")).unwrap();
    let ran = place.run(&["snapshot"]).expect(3);
    assert!(ran.stdout.contains("photos") && ran.stderr.contains("papers"), "{}{}", ran.stdout, ran.stderr);
    assert_eq!(lines(&place, &["snapshots", "--series", "photos"]).len(), 2);
}

#[test]
fn all_sources_of_a_series_are_listed_also_those_that_are_no_text() {
    let place = Place::with_repository();
    let odd = place.path("").join(std::ffi::OsStr::from_bytes(b"odd\xff"));
    let folders: Vec<_> = (0..60).map(|number| place.path(&format!("{}{number}", "f".repeat(100)))).chain([odd]).collect();
    folders.iter().for_each(|folder| fs::create_dir(folder).unwrap());
    run(place.command().args(["snapshot", "--series", "many"]).args(&folders)).expect(0);
    let listed = lines(&place, &["series"]);
    assert_eq!(listed[0]["paths"].as_array().unwrap().len(), 61);
    assert!(listed[0]["paths_hex"].as_array().unwrap().iter().any(|path| path.as_str().unwrap().ends_with("ff")), "{listed:?}");
}

#[test]
fn a_stream_is_not_read_again_and_that_is_said() {
    let place = place();
    place.run(&["snapshot", "--series", "dump", "--command", "dump.sql", "--", "echo", "data"]).expect(0);
    let ran = place.run(&["snapshot"]).expect(0);
    assert!(ran.stderr.contains("series `dump` saves a stream"), "{}", ran.stderr);
    assert_eq!(lines(&place, &["snapshots", "--series", "dump"]).len(), 1);
}
