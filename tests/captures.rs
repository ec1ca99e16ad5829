//! `docs/captures.md` shows what the main commands print, on a screen of 80 columns and on one of 40.
//!
//! `UPDATE=1 cargo test --test integration captures` writes the document anew. What differs from run to run, ids, stored
//! bytes and seconds, is replaced by what does not.

use std::fmt::Write;
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::cli_place::{Place, run};

const HEAD: &str = "# What it looks like

Made by `tests/captures.rs`, which runs the commands. Ids, stored bytes and seconds differ from run to run; others stand for them here.
";

const COMMANDS: [&[&str]; 10] = [
    &["snapshots"],
    &["series"],
    &["ls"],
    &["ls", "latest:/papers"],
    &["changes", "latest"],
    &["history", "/papers/contract.txt"],
    &["find", "contract*"],
    &["problems"],
    &["cat", "2026-01-05:/papers/contract.txt"],
    &["restore", "-n", "latest:/papers", "rescued"],
];

/// Three evenings of two series.
fn place() -> (Place, Vec<String>) {
    // Where paths are short, so that they are not cut differently.
    let place = Place::below(Path::new("/tmp"));
    place.run(&["init"]).expect(0);
    let papers = place.path("papers");
    fs::create_dir_all(papers.join("2025")).unwrap();
    fs::create_dir(place.path("photos")).unwrap();
    write(&papers.join("2025/tax.txt"), "tax\n", 1);
    write(&place.path("photos/harbour.jpg"), &"p".repeat(900), 1);
    let mut ids = Vec::new();
    for (day, text) in [(5, "first\n"), (6, "first\nsecond\n"), (7, "first\nsecond\nthird\n")] {
        write(&papers.join("contract.txt"), text, day);
        let time = format!("2026-01-{day:02} 19:00:04");
        for (folder, series) in [("papers", "papers"), ("photos", "photos")] {
            let kind = if day == 5 { "full" } else { "incremental" };
            let arguments = ["-q", "snapshot", &place.text(folder), "--series", series, "--host", "desk", "--time", &time, "--kind", kind];
            ids.push(place.run(&arguments).expect(0).stdout.trim()[..8].to_owned());
        }
    }
    place.run(&["tag", &ids[0], "--add", "tax"]).expect(0);
    (place, ids)
}

fn write(path: &Path, text: &str, day: u64) {
    fs::write(path, text).unwrap();
    // 1 January 2026, 10:00, and days behind it.
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_261_600 + (day - 1) * 86_400);
    File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

/// The text with stable ids, paths and stored bytes.
fn settle(place: &Place, ids: &[String], text: &str) -> String {
    let mut settled = text.to_owned();
    for (number, id) in ids.iter().enumerate() {
        settled = settled.replace(id, &format!("{number}{}", &"a1b2c3d4"[1..]));
    }
    settled
        .replace(&place.text(""), "/")
        .lines()
        .map(without_stored_bytes)
        .map(|line| without_seconds(&line))
        .map(|line| line + "\n")
        .collect()
}

/// How long it took.
fn without_seconds(line: &str) -> String {
    match line.rsplit_once(" in ") {
        Some((before, time)) if time.ends_with(" s") => format!("{before} in 0.0 s"),
        _ => line.to_owned(),
    }
}

/// Of a table of snapshots, the column that says what each added, which depends on how well random bytes pack.
fn without_stored_bytes(line: &str) -> String {
    let is_snapshot = line.len() > 8 && line.as_bytes()[0].is_ascii_digit() && line[1..8] == "a1b2c3d4"[1..];
    if !is_snapshot {
        return line.to_owned();
    }
    let ends: Vec<usize> = line.match_indices(" KiB").map(|(at, _)| at).collect();
    match ends[..] {
        [.., at] if line[..at].ends_with(|c: char| c.is_ascii_digit()) && at > 3 => format!("{}1.0{}", &line[..at - 3], &line[at..]),
        _ => line.to_owned(),
    }
}

#[test]
fn the_captures_are_what_the_commands_print() {
    let (place, ids) = place();
    let mut text = HEAD.to_owned();
    for columns in [80, 40] {
        write!(text, "\n## {columns} columns\n").unwrap();
        for command in COMMANDS {
            let arguments: Vec<String> = command
                .iter()
                .map(|word| word.replace("/papers", &place.text("papers")).replace("rescued", &place.text("rescued")))
                .collect();
            let ran = run(place.command().env("COLUMNS", columns.to_string()).args(&arguments)).expect(0);
            let shown = settle(&place, &ids, &ran.stdout);
            let widest = shown.lines().map(|line| line.chars().count()).max().unwrap_or(0);
            let is_table = matches!(command[0], "snapshots" | "series");
            assert!(!is_table || widest <= columns, "{command:?} fits {columns} columns:\n{shown}");
            write!(text, "\n    $ repo {}\n", command.join(" ")).unwrap();
            for line in shown.lines() {
                writeln!(text, "    {line}").unwrap();
            }
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/captures.md");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &text).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), text, "UPDATE=1 writes it anew");
}
