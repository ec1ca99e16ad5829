//! An evening and a morning after: save, look, restore, as a user types it.

use std::fs;

use crate::cli_place::{Place, run};

#[test]
fn an_evenings_command_saves_the_same_paths_again_and_says_what() {
    let place = Place::with_repository();
    let ran = place.run(&["snapshot", &place.text("source"), "--tag", "first"]).expect(0);
    assert!(ran.stdout.contains(" saved (full)") && ran.stdout.contains("files: 3 new, 0 changed, 0 unchanged"), "{}", ran.stdout);
    fs::write(place.path("source/a"), "first, changed").unwrap();
    let saved = place.run(&["--json", "snapshot", "--kind", "incremental"]).expect(0).json();
    assert_eq!((saved["kind"].as_str(), saved["dry_run"].as_bool()), (Some("incremental"), Some(false)));
    assert_eq!(saved["counts"]["files_changed"].as_u64(), Some(1), "{saved}");
    let id = saved["id"].as_str().unwrap();
    assert_eq!(id.len(), 64);
    let changes = place.run(&["changes", "latest"]).expect(0).stdout;
    assert!(changes.contains(&format!("M {}", place.text("source/a"))), "{changes}");
    assert_eq!(place.run(&["-q", "snapshots"]).expect(0).stdout.lines().last(), Some(id));
    assert_eq!(place.run(&["cat", &format!("latest~1:{}", place.text("source/a"))]).expect(0).stdout, "first");
    let diff = place.run(&["--json", "diff", "latest~1", &id[..10]]).expect(0).stdout;
    assert!(diff.contains("\"modified\""), "{diff}");
    let history = place.run(&["history", &place.text("source/a")]).expect(0).stdout;
    assert_eq!(history.lines().filter(|line| line.contains("modified")).count(), 2, "{history}");
    let found = place.run(&["find", "c d", "--tag", "first", "--all"]).expect(0).stdout;
    assert_eq!(found.lines().count(), 1, "{found}");
    assert!(place.run(&["ls", "-R", "-l", "latest"]).expect(0).stdout.contains("sub/c d"));
    place.run(&["stats"]).expect(0);
    place.run(&["--json", "stats", "latest"]).expect(0).json();
}

#[test]
fn the_evenings_command_takes_the_paths_of_the_newest_snapshot_by_its_time() {
    let place = Place::with_repository();
    fs::create_dir(place.path("old")).unwrap();
    fs::write(place.path("old/b"), "b").unwrap();
    place.run(&["snapshot", "--series", "s", &place.text("source")]).expect(0);
    place.run(&["snapshot", "--series", "s", "--time", "2020-01-01", &place.text("old")]).expect(0);
    let told = place.run(&["snapshot"]).expect(0);
    assert!(told.stdout.contains(&place.text("source")) && !told.stdout.contains(&place.text("old")), "{}", told.stdout);
    assert!(place.run(&["series"]).expect(0).stdout.contains(&place.text("source")));
}

#[test]
fn where_the_newest_snapshot_cannot_be_read_the_evenings_command_says_that_it_may_take_older_paths() {
    let place = Place::with_repository();
    fs::create_dir(place.path("more")).unwrap();
    fs::write(place.path("more/b"), "b").unwrap();
    place.run(&["snapshot", "--series", "s", &place.text("source")]).expect(0);
    let ran = place.run(&["-q", "snapshot", "--series", "s", &place.text("source"), &place.text("more")]).expect(0);
    place.run(&["-q", "snapshot"]).expect(0);
    let last = place.run(&["-q", "snapshots"]).expect(0).stdout.lines().last().unwrap().to_owned();
    for id in [ran.stdout.trim(), &last] {
        fs::write(place.path("repository/snapshots").join(id), "damaged").unwrap();
    }
    let told = place.run(&["snapshot"]).expect(3).stderr;
    assert!(told.contains(&last[..8]) && told.contains("repo check"), "{told}");
    place.run(&["snapshot", "--series", "s"]).expect(3);
}

#[test]
fn a_dry_run_saves_nothing() {
    let place = Place::with_repository();
    let ran = place.run(&["--json", "snapshot", "-n", &place.text("source")]).expect(0);
    assert_eq!((ran.json()["id"].is_null(), ran.json()["dry_run"].as_bool()), (true, Some(true)));
    assert_eq!(place.run(&["-q", "snapshots"]).expect(0).stdout, "");
}

#[test]
fn a_series_with_colons_in_its_name_is_found_with_and_without_a_path() {
    let place = Place::with_repository();
    place.run(&["snapshot", &place.text("source"), "--series", "shop:/srv:daily"]).expect(0);
    place.run(&["ls", "latest@shop:/srv:daily"]).expect(0);
    let file = format!("latest@shop:/srv:daily:{}", place.text("source/a"));
    assert_eq!(place.run(&["cat", &file]).expect(0).stdout, "first");
    place.run(&["ls", "latest@shop"]).expect(1);
}

#[test]
fn standard_input_and_commands_are_saved_and_a_failing_command_saves_nothing() {
    let place = Place::with_repository();
    run(place.command().args(["snapshot", "--stdin", "letter"]).write_stdin("dear reader")).expect(0);
    assert_eq!(place.run(&["cat", "latest:/letter"]).expect(0).stdout, "dear reader");
    place.run(&["snapshot", "--command", "dump", "--", "echo", "all of it"]).expect(0);
    assert_eq!(place.run(&["cat", "latest:/dump"]).expect(0).stdout, "all of it\n");
    place.run(&["snapshot", "--command", "dump", "--", "false"]).expect(1);
    assert_eq!(place.run(&["-q", "snapshots"]).expect(0).stdout.lines().count(), 2);
    // What was a stream cannot be read again.
    place.run(&["snapshot"]).expect(2);
}

#[test]
fn one_command_makes_a_repository_and_saves_into_it_and_leaves_itself_out() {
    let place = Place::new();
    let all = place.text("");
    place.run(&["snapshot", "--init", &all]).expect(0);
    place.run(&["snapshot", "--init", &all]).expect(0);
    let listed = place.run(&["ls", "-R", "latest"]).expect(0).stdout;
    assert!(listed.contains("source/a") && !listed.contains("packs"), "{listed}");
    assert_eq!(place.run(&["-q", "snapshots"]).expect(0).stdout.lines().count(), 2);
}

#[test]
fn a_name_that_begins_with_a_dash_is_saved_behind_two_dashes() {
    let place = Place::with_repository();
    fs::write(place.path("source/-n"), "odd").unwrap();
    run(place.command().current_dir(place.path("source")).args(["snapshot", "--", "-n"])).expect(0);
    assert_eq!(place.run(&["cat", &format!("latest:{}", place.text("source/-n"))]).expect(0).stdout, "odd");
}
