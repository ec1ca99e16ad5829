//! Which snapshot is meant by a time, by `latest:/path`, and by options that narrow the choice; and where a path that
//! somebody types lies in it.

use std::fs;

use crate::cli_place::{Place, run};

/// A place with a snapshot of `source` for each (time, content of the file `a`; none where it is away), and their ids.
fn place_of(versions: &[(&str, Option<&str>)]) -> (Place, Vec<String>) {
    let place = Place::with_repository();
    let ids = versions.iter().map(|(time, content)| save(&place, time, *content, &[])).collect();
    (place, ids)
}

fn save(place: &Place, time: &str, content: Option<&str>, more: &[&str]) -> String {
    let file = place.path("source/a");
    match content {
        Some(content) => fs::write(file, content).unwrap(),
        None => fs::remove_file(file).unwrap(),
    }
    let source = place.text("source");
    place.run(&[&["-q", "snapshot", &source, "--time", time], more].concat()).expect(0).stdout.trim().to_owned()
}

const THREE: [(&str, Option<&str>); 3] =
    [("2020-03-01 18:00:10", Some("one")), ("2020-03-03 18:00:10", Some("two")), ("2020-03-03 20:00", Some("three"))];

#[test]
fn a_time_means_the_newest_snapshot_up_to_then_and_the_choice_is_said() {
    let (place, ids) = place_of(&THREE);
    let file = place.text("source/a");
    for (name, content) in [
        ("2020-03-01", "one"),
        ("2020-03-02", "one"),
        ("2020-03-03", "three"),
        ("2020-03-03 18:00", "two"),
        ("2020-03-03T19:00:00+00:00", "two"),
        ("2020-03", "three"),
        ("yesterday", "three"),
        ("last tuesday 18:00", "three"),
        ("3d", "three"),
        ("2 weeks ago", "three"),
    ] {
        let ran = place.run(&["cat", &format!("{name}:{file}")]).expect(0);
        assert_eq!(ran.stdout, content, "{name}");
        let id = &ids[["one", "two", "three"].iter().position(|text| *text == content).unwrap()];
        assert!(ran.stderr.contains(&id[..8]) && ran.stderr.contains("March 2020"), "{name}: {}", ran.stderr);
    }
    assert_eq!(place.run(&["-q", "cat", &format!("2020-03:{file}")]).expect(0).stderr, "");
    let told = place.run(&["ls", "2020-02-29"]).expect(1).stderr;
    assert!(told.contains(&ids[0][..8]), "the oldest is named: {told}");
    assert!(place.run(&["ls", "2020-13-01"]).expect(2).stderr.contains("2020-13-01"));
}

#[test]
fn a_time_with_a_path_is_about_the_snapshots_that_saved_the_path() {
    let (place, ids) = place_of(&THREE[..2]);
    fs::create_dir(place.path("photos")).unwrap();
    place.run(&["snapshot", &place.text("photos"), "--time", "2020-03-03 19:00"]).expect(0);
    let file = place.text("source/a");
    let ran = place.run(&["cat", &format!("2020-03-03:{file}")]).expect(0);
    assert_eq!(ran.stdout, "two");
    assert!(ran.stderr.contains(&ids[1][..8]), "{}", ran.stderr);
    save(&place, "2020-03-04 18:00", None, &[]);
    place.run(&["cat", &format!("2020-03-04:{file}")]).expect(1);
}

#[test]
fn a_time_can_be_forgotten_and_tagged_like_any_other_name() {
    let (place, ids) = place_of(&THREE);
    place.run(&["tag", "2020-03-02", "--add", "tax"]).expect(0);
    assert_eq!(place.run(&["-q", "snapshots", "--tag", "tax"]).expect(0).stdout.trim(), ids[0]);
    place.run(&["forget", "2020-03-02"]).expect(0);
    assert_eq!(place.run(&["-q", "snapshots"]).expect(0).stdout.lines().collect::<Vec<_>>(), [&ids[1], &ids[2]]);
}

#[test]
fn latest_with_a_path_is_the_newest_snapshot_that_has_it() {
    let (place, ids) = place_of(&[THREE[0], THREE[1], ("2020-03-04", None)]);
    let file = place.text("source/a");
    let ran = place.run(&["cat", &format!("latest:{file}")]).expect(0);
    assert_eq!(ran.stdout, "two");
    assert!(ran.stderr.contains(&ids[1][..8]), "{}", ran.stderr);
    let out = place.text("out");
    place.run(&["restore", &format!("latest:{file}"), &format!("{out}/")]).expect(0);
    assert_eq!(fs::read_to_string(place.path("out/a")).unwrap(), "two");
    assert!(place.run(&["cat", "latest:/nowhere"]).expect(1).stderr.contains("no snapshot has /nowhere"));
}

#[test]
fn a_path_that_a_snapshot_lacks_is_named_with_the_command_that_restores_it() {
    let (place, ids) = place_of(&[THREE[0], ("2020-03-04", None)]);
    let file = place.text("source/a");
    for arguments in [["cat", &format!("{}:{file}", ids[1])], ["ls", &format!("2020-03-04:{file}")], ["ls", &format!("latest~0:{file}")]] {
        let told = place.run(&arguments).expect(1).stderr;
        assert!(told.contains(&format!("repo restore {}:{file} DEST", &ids[0][..8])), "{told}");
        assert!(told.contains("Sunday 1 March 2020"), "{told}");
    }
}

#[test]
fn a_relative_path_is_tried_from_the_current_folder_and_then_from_the_sources() {
    let (place, _) = place_of(&THREE);
    let cat = |folder: &str, path: &str| run(place.command().current_dir(place.path(folder)).args(["cat", &format!("latest:{path}")]));
    assert_eq!(cat("source", "a").expect(0).stdout, "three");
    assert_eq!(cat("source/sub", "./c d").expect(0).stdout, "third");
    assert_eq!(cat("cache", "a").expect(0).stdout, "three", "from the source");
    assert_eq!(cat("cache", "source/a").expect(0).stdout, "three", "from the folder that the source lies in");
    assert!(cat("cache", "../source/a").expect(2).stderr.contains(".."));
    // Two sources that have it: the user decides.
    fs::create_dir(place.path("other")).unwrap();
    fs::write(place.path("other/a"), "another").unwrap();
    place.run(&["snapshot", &place.text("source"), &place.text("other")]).expect(0);
    let told = cat("cache", "a").expect(2).stderr;
    assert!(told.contains("source/a") && told.contains("other/a"), "{told}");
}

#[test]
fn a_relative_path_means_the_current_folder_also_where_a_newer_snapshot_of_another_has_one_of_that_name() {
    let (place, _) = place_of(&THREE);
    fs::create_dir(place.path("other")).unwrap();
    fs::write(place.path("other/a"), "another").unwrap();
    place.run(&["snapshot", &place.text("other")]).expect(0);
    let cat = |folder: &str, path: &str| run(place.command().current_dir(place.path(folder)).args(["cat", path]));
    for path in ["latest:a", "latest:./a", "yesterday:a"] {
        assert_eq!(cat("source", path).expect(0).stdout, "three", "{path}");
        assert_eq!(cat("other", path).expect(0).stdout, if path == "yesterday:a" { "three" } else { "another" }, "{path}");
    }
    let told = cat("cache", "latest:a").expect(0);
    assert!(told.stdout == "another" && told.stderr.contains(&place.text("other/a")), "what is meant is said: {}", told.stderr);
}

#[test]
fn at_a_time_a_relative_path_was_there_or_not_as_the_whole_path_is() {
    let (place, _) = place_of(&[THREE[0], ("2020-03-04", None)]);
    let cat = |folder: &str, path: &str| run(place.command().current_dir(place.path(folder)).args(["cat", path]));
    for (folder, path) in [("source", "a"), ("cache", "a"), ("cache", "source/a")] {
        assert!(cat(folder, &format!("2020-03-04:{path}")).expect(1).stderr.contains("last seen in"), "{folder}: {path}");
        assert_eq!(cat(folder, &format!("2020-03-03:{path}")).expect(0).stdout, "one", "{folder}: {path}");
    }
}

#[test]
fn options_narrow_the_choice_everywhere() {
    let (place, ids) = place_of(&THREE[..2]);
    let other = save(&place, "2020-04-01", Some("elsewhere"), &["--series", "other", "--host", "elsewhere", "--tag", "moved"]);
    let file = place.text("source/a");
    let name = format!("latest:{file}");
    for (options, content) in [
        (&["--series", "other"][..], "elsewhere"),
        (&["--host", "elsewhere"], "elsewhere"),
        (&["--tag", "moved"], "elsewhere"),
        (&["--path", &file], "elsewhere"),
        (&[], "elsewhere"),
    ] {
        assert_eq!(place.run(&[&["cat", &name], options].concat()).expect(0).stdout, content, "{options:?}");
    }
    place.run(&["tag", &ids[0], "--add", "tax"]).expect(0);
    assert_eq!(place.run(&["cat", &name, "--tag", "tax"]).expect(0).stdout, "one");
    for command in
        [&["restore", "latest"][..], &["ls", "latest"], &["changes", "latest"], &["stats", "latest"], &["diff", "latest", "latest"]]
    {
        let out = place.text("out");
        let more: &[&str] = if command[0] == "restore" { &[&out, "--tag", "none"] } else { &["--tag", "none"] };
        place.run(&[command, more].concat()).expect(1);
    }
    place.run(&["ls", &other[..8], "--series", "home"]).expect(1);
    place.run(&["forget", "latest", "--series", "other"]).expect(0);
    assert_eq!(place.run(&["-q", "snapshots"]).expect(0).stdout.lines().collect::<Vec<_>>(), [&ids[0], &ids[1]]);
}

#[test]
fn counting_back_with_a_path_counts_the_snapshots_that_have_it() {
    let place = Place::with_repository();
    let file = place.path("source/note");
    for text in [Some("first"), None, Some("third"), None] {
        match text {
            Some(text) => fs::write(&file, text).unwrap(),
            None => fs::remove_file(&file).unwrap(),
        }
        place.run(&["snapshot", &place.text("source")]).expect(0);
    }
    let cat = |name: &str| place.run(&["cat", &format!("{name}:{}", place.text("source/note"))]);
    assert_eq!((cat("latest").expect(0).stdout, cat("latest~1").expect(0).stdout), ("third".to_owned(), "first".to_owned()));
    assert!(cat("latest~2").expect(1).stderr.contains("no snapshot 2 before the newest that has it has "));
    assert!(cat("latest~+1").expect(2).stderr.contains("names no snapshot"));
    assert!(cat("latest~0").code != 0, "the newest itself, whatever it has");
    let elsewhere = cat("latest@other").stderr;
    assert!(elsewhere.contains("series `other`"), "{elsewhere}");
}

#[test]
fn an_id_in_capital_letters_is_that_id() {
    let place = Place::with_snapshot();
    let id = place.run(&["--json", "snapshots"]).expect(0).json()["id"].as_str().unwrap().to_uppercase();
    place.run(&["ls", &id[..12]]).expect(0);
}
