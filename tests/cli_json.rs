//! `docs/json.md` is what scripts are written from: every field that a command prints stands in the
//! section of that command, or in one that the section takes fields from.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::ffi::OsStrExt;

use serde_json::Value;

use crate::cli_place::Place;

/// The words in back quotes of each section of the page.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/json.md")).unwrap();
    let sections = page.split("\n## ").skip(1).map(|section| {
        let (heading, text) = section.split_once('\n').unwrap();
        let words = text.split('`').skip(1).step_by(2).map(str::to_owned);
        (heading.split(':').next().unwrap().replace('`', ""), words.collect())
    });
    sections.collect()
}

/// The names of all fields of `value`, but for those under `by_ending`, which are endings of names.
fn fields(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| fields(value, names)),
        Value::Object(map) => {
            for (name, value) in map {
                names.insert(name.clone());
                match value {
                    // Numbers by names that steps give them.
                    Value::Object(_) if name == "figures" => {}
                    Value::Object(endings) if name == "by_ending" => endings.values().for_each(|value| fields(value, names)),
                    value => fields(value, names),
                }
            }
        }
        _ => {}
    }
}

/// What the commands printed, checked against the page as it comes.
struct Checked<'a> {
    place: &'a Place,
    page: BTreeMap<String, BTreeSet<String>>,
}

impl Checked<'_> {
    /// Runs a command with `--json`; each line is an object whose fields stand under `headings`.
    #[track_caller]
    fn run(&self, code: i32, arguments: &[&str], headings: &[&str]) -> Vec<Value> {
        let ran = self.place.run(&[&["--json"], arguments].concat()).expect(code);
        let lines: Vec<Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(!lines.is_empty(), "{arguments:?} printed something");
        let mut names = BTreeSet::new();
        lines.iter().for_each(|line| fields(line, &mut names));
        for name in names {
            let is_there = headings.iter().any(|heading| self.page[*heading].contains(&name));
            assert!(is_there, "docs/json.md lacks `{name}` of {arguments:?} under {headings:?}");
        }
        lines
    }
}

const ENTRY: &str = "Attributes of an entry";

#[test]
fn every_field_of_every_command_is_documented() {
    let place = Place::new();
    let (source, odd) = (place.text("source"), place.path("source"));
    fs::write(odd.join(std::ffi::OsStr::from_bytes(b"odd\xff")), "odd").unwrap();
    std::os::unix::fs::symlink("a", place.path("source/link")).unwrap();
    let checked = Checked { place: &place, page: documented() };
    let file = format!("{source}/a");

    checked.run(0, &["init"], &["init"]);
    let dry = checked.run(0, &["snapshot", "-n", &source], &["snapshot", "snapshots"]);
    assert!(dry[0]["id"].is_null() && dry[0]["dry_run"] == true);
    checked.run(0, &["snapshot", &source, "--tag", "first"], &["snapshot", "snapshots"]);
    fs::write(&file, "first, changed").unwrap();
    fs::rename(place.path("source/b"), place.path("source/renamed")).unwrap();
    checked.run(0, &["snapshot"], &["snapshot", "snapshots"]);
    fs::remove_file(&file).unwrap();
    checked.run(0, &["snapshot"], &["snapshot", "snapshots"]);
    assert_eq!(checked.run(0, &["snapshots"], &["snapshots"]).len(), 3);

    let listed = checked.run(0, &["ls", "-R", "latest"], &["ls", ENTRY]);
    assert!(listed.iter().any(|line| line["path_hex"].is_string()) && listed.iter().any(|line| line["target"] == "a"));
    checked.run(0, &["series"], &["series"]);
    checked.run(0, &["find", "*"], &["find", "ls", ENTRY]);
    let changes = checked.run(0, &["changes", "latest~1"], &["diff and changes", ENTRY]);
    assert!(changes.iter().any(|line| line["from"].is_string()) && changes.last().unwrap()["summary"]["reference"] == "snapshot");
    checked.run(0, &["changes", "latest~2"], &["diff and changes", ENTRY]);
    checked.run(0, &["diff", "latest~2", "latest"], &["diff and changes", ENTRY]);
    let versions = checked.run(0, &["history", &file], &["history", ENTRY]);
    assert!(versions.len() == 2 && versions[1]["gone"]["id"].is_string());
    checked.run(0, &["stats"], &["stats of a repository"]);
    checked.run(0, &["stats", "latest"], &["stats of a snapshot or a path in it"]);

    let destination = place.text("back");
    assert!(checked.run(0, &["restore", "-n", "latest", &destination], &["restore"])[0]["actions"].is_array());
    assert_eq!(checked.run(0, &["restore", "latest", &destination, "--verify"], &["restore"])[0]["verified"], 3);

    fs::write(place.path("second"), [9; 32]).unwrap();
    let added = checked.run(0, &["key", "add", "--new-key-file", &place.text("second")], &["key"]);
    checked.run(0, &["key", "list"], &["key"]);
    checked.run(0, &["key", "remove", added[0]["id"].as_str().unwrap()], &["key"]);
    checked.run(0, &["key", "change", "--new-key-file", &place.text("key")], &["key"]);

    checked.run(0, &["check"], &["check"]);
    checked.run(0, &["repair"], &["repair"]);
    checked.run(0, &["settings"], &["settings"]);
    checked.run(0, &["settings", "protect", "1h"], &["settings"]);
    let (config, units) = (place.text("jobs.toml"), place.text("units"));
    let job = format!("version = 1\n[job.shop]\nsource = [{source:?}]\nschedule = \"daily\"\nafter = [\"network\"]\n");
    fs::write(&config, job).unwrap();
    let schedule = |words: &[&'static str]| [&["schedule"], words, &["--config", &config, "--into", &units]].concat();
    checked.run(0, &schedule(&["install"]), &["schedule install"]);
    checked.run(0, &schedule(&["install", "--print", "launchd"]), &["schedule install"]);
    checked.run(0, &schedule(&["list"]), &["schedule list"]);
    checked.run(0, &schedule(&["remove"]), &["schedule remove"]);
    checked.run(0, &["config", "check", &config], &["config check"]);
    checked.run(0, &["config", "show", "--config", &config], &["config show"]);
    checked.run(0, &["doctor", "--config", &config], &["doctor"]);
    checked.run(3, &["status", "--config", &config], &["status"]);
    let evening = checked.run(0, &["run", "--config", &config], &["run"]);
    checked.run(0, &["drill", "--config", &config], &["drill"]);
    assert!(evening[0]["steps"].as_array().unwrap().len() > 2);
    let forgotten = checked.run(0, &["forget", "latest"], &["forget"]);
    assert_eq!(forgotten[0]["protected"], forgotten[0]["forgotten"]);
    let pruned = checked.run(0, &["prune", "--keep-last", "1", "-n"], &["prune"]);
    assert_eq!(pruned.last().unwrap()["summary"]["snapshots_protected"], 1);
    assert_eq!(checked.run(0, &["check"], &["check"])[0]["missing_snapshots"], Value::Array(vec![]));

    fs::remove_dir_all(place.path("cache")).unwrap();
    assert_ne!(checked.run(4, &["catalog", "verify"], &["catalog verify"])[0]["differences"], Value::Array(vec![]));
    checked.run(0, &["catalog", "rebuild"], &["catalog rebuild"]);
    assert_eq!(checked.run(0, &["catalog", "verify"], &["catalog verify"])[0]["differences"], Value::Array(vec![]));

    let missing = place.text("missing");
    checked.run(3, &["snapshot", "--series", "torn", &missing, &place.text("source/sub")], &["snapshot", "snapshots"]);
    assert_eq!(checked.run(0, &["problems"], &["problems"])[0]["path"], missing);
}

#[test]
fn a_file_is_not_json() {
    let place = Place::with_snapshot();
    assert_eq!(place.run(&["--json", "cat", &format!("latest:{}", place.text("source/a"))]).expect(2).stdout, "");
}

/// Whoever adds a command that prints objects documents and checks it here.
#[test]
fn every_command_has_a_section() {
    let page = documented();
    for command in strongroom::cli::command().get_subcommands().map(|command| command.get_name().to_owned()) {
        let has_section = page.keys().any(|heading| heading.split(' ').any(|word| word == command));
        let prints_text = ["cat", "completions", "man", "help"].contains(&&command[..]);
        assert!(has_section || prints_text, "docs/json.md has no section about `{command}`");
    }
}
