//! Progress: its totals are reached, and on a narrow screen it stays on its line.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::cli_place::Place;
use crate::needs;

/// What `--json` says of the progress at the end of a command.
fn at_the_end(place: &Place, arguments: &[&str]) -> Value {
    let ran = place.run(&[&["--json"], arguments].concat()).expect(0);
    let mut messages = ran.stderr.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    messages.rfind(|message| message["message_type"] == "progress").unwrap()
}

#[track_caller]
fn assert_reached(progress: &Value, stage: &str, unit: &str, total: u64) {
    assert_eq!((&progress["stage"], &progress["unit"]), (&stage.into(), &unit.into()), "{progress}");
    assert_eq!((&progress["done"], &progress["total"]), (&total.into(), &total.into()), "{progress}");
    assert_eq!(progress["bytes_done"], progress["bytes_total"], "{progress}");
}

#[test]
fn what_is_done_reaches_the_total_of_each_command() {
    let place = Place::with_repository();
    let (source, what) = (place.text("source"), format!("latest:{}", place.text("source")));
    assert_reached(&at_the_end(&place, &["snapshot", &source]), "snapshot", "files", 3);
    assert_reached(&at_the_end(&place, &["snapshot"]), "snapshot", "files", 3);
    assert_reached(&at_the_end(&place, &["restore", &what, &place.text("back")]), "restore", "files", 3);
    let packs = || {
        crate::cli_place::names(&place.path("repository/packs")).iter().filter(|name| fs::metadata(name).unwrap().is_file()).count() as u64
    };
    assert_reached(&at_the_end(&place, &["check", "--read-data"]), "check data", "packs", packs());
    let objects = at_the_end(&place, &["check", "--names"]);
    assert_eq!((&objects["stage"], &objects["done"]), (&"check names".into(), &objects["total"]));
    // Another source in packs of its own, all of which go.
    fs::create_dir(place.path("other")).unwrap();
    fs::write(place.path("other/file"), vec![b'o'; 200_000]).unwrap();
    let before = packs();
    let other = place.run(&["-q", "snapshot", "--series", "other", &place.text("other")]).expect(0).stdout;
    let added = packs() - before;
    place.run(&["forget", other.trim()]).expect(0);
    assert_reached(&at_the_end(&place, &["prune"]), "sweep", "packs", added);
}

/// What a command writes to a terminal of 40 columns, but for its results.
fn on_a_narrow_terminal(place: &Place, arguments: &str) -> String {
    let mut command = Command::new("script");
    let line = format!("stty cols 40 rows 24; exec {} {arguments} >/dev/null", env!("CARGO_BIN_EXE_repo"));
    command
        .args(["-q", "-e", "-c", &line, "/dev/null"])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("TERM", "xterm")
        .env("SHELL", "/bin/sh");
    command
        .env("REPO_CACHE_DIR", place.path("cache"))
        .env("REPO_REPOSITORY", place.path("repository"))
        .env("REPO_KEY_FILE", place.path("key"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn on_a_narrow_terminal_the_progress_stays_on_its_line_and_nothing_is_left_of_it() {
    if !needs::has_tool("script") || !needs::has_tool("stty") {
        return;
    }
    let place = Place::with_snapshot();
    let restore = format!("restore --verify latest {}", place.text("back"));
    for arguments in ["snapshot", "check --read-data", "prune", &restore] {
        let shown = on_a_narrow_terminal(&place, arguments);
        let plain = console_text(&shown);
        for line in plain.split(['\r', '\n']) {
            assert!(line.chars().count() <= 40, "{arguments}: `{line}`");
            assert!(!line.contains("0s left") && !line.contains("0.0 s left"), "{arguments}: `{line}`");
        }
        assert_eq!(plain.split(['\r', '\n']).next_back().unwrap_or_default(), "", "{arguments} leaves a clean line");
    }
}

/// The text without the sequences that move the cursor.
fn console_text(shown: &str) -> String {
    let mut text = String::new();
    let mut characters = shown.chars();
    while let Some(c) = characters.next() {
        if c == '\x1b' {
            // `[`, numbers, and the letter that ends it.
            characters.by_ref().find(char::is_ascii_alphabetic);
        } else {
            text.push(c);
        }
    }
    text
}
