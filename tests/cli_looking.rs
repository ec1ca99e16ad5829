//! What a person sees who looks at what was saved: the essential content of each plain listing.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::cli_place::{Place, run};

/// Three snapshots of one source: a full, one with every sort of change, and a differential.
fn three_evenings() -> Place {
    let place = Place::with_repository();
    let source = place.text("source");
    let options = ["--host", "desk", "--series", "home", "--tag", "first", "--time", "2026-01-02 03:04:05"];
    place.run(&[&["snapshot", &source][..], &options].concat()).expect(0);
    fs::write(place.path("source/a"), "first, changed").unwrap();
    fs::rename(place.path("source/b"), place.path("source/moved")).unwrap();
    fs::remove_file(place.path("source/sub/c d")).unwrap();
    fs::set_permissions(place.path("source/sub"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(place.path("source/new.txt"), "new").unwrap();
    place.run(&["snapshot", &source, "--host", "desk", "--series", "home"]).expect(0);
    place.run(&["snapshot", &source, "--host", "desk", "--series", "home", "--kind", "differential"]).expect(0);
    place
}

fn stdout(place: &Place, arguments: &[&str]) -> String {
    place.run(arguments).expect(0).stdout
}

/// A merge once left the ids alone of this table.
#[test]
fn snapshots_are_a_table_of_their_facts() {
    let place = three_evenings();
    let ids: Vec<String> = stdout(&place, &["-q", "snapshots"]).lines().map(str::to_owned).collect();
    let text = stdout(&place, &["snapshots"]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((ids.len(), lines.len(), lines[4]), (3, 5, "3 snapshots"), "{text}");
    for title in ["ID ", "Time ", "Kind ", "Series ", "Files ", "Size ", "Added ", "Sources ", "Marks"] {
        assert!(lines[0].contains(title), "{text}");
    }
    for (line, (id, kind)) in lines[1..].iter().zip(ids.iter().zip(["full", "incremental", "differential"])) {
        assert!(line.starts_with(&id[..8]) && line.split_whitespace().any(|word| word == kind), "{line}");
        assert!(line.contains("  home  ") && line.contains(&place.text("source")), "{line}");
    }
    assert!(lines[1].contains("Fri 2026-01-02 03:04") && lines[1].ends_with("  first"), "{}", lines[1]);
    assert!(lines[1].contains("  3  97.7 KiB  "), "{}", lines[1]);
    assert_eq!(stdout(&place, &["snapshots", "--tag", "first"]).lines().last(), Some("1 snapshot"));
    assert_eq!(stdout(&place, &["snapshots", "--host", "elsewhere"]), "no snapshots\n");
}

#[test]
fn a_table_fits_the_screen_and_keeps_what_matters_most() {
    let place = three_evenings();
    for columns in [40, 60, 80, 120] {
        let ran = run(place.command().env("COLUMNS", columns.to_string()).args(["snapshots"])).expect(0);
        let widest = ran.stdout.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= columns, "{columns}: {}", ran.stdout);
        assert!(ran.stdout.contains("Fri 2026-01-02 03:04"), "{}", ran.stdout);
    }
}

#[test]
fn colours_are_for_terminals_and_for_those_who_ask() {
    let place = three_evenings();
    let colored = |options: &[&str]| stdout(&place, &[&["changes", "latest"], options].concat()).contains('\x1b');
    assert!(!colored(&[]) && !colored(&["--color", "never"]) && colored(&["--color", "always"]));
    let told = place.run(&["--color", "always", "ls", "none"]).expect(2).stderr;
    assert!(told.starts_with("\x1b[1;31merror:"), "{told:?}");
}

#[test]
fn ls_shows_the_sources_or_names_below_one_folder() {
    let place = three_evenings();
    let source = place.text("source");
    assert_eq!(stdout(&place, &["ls"]), format!("{source}/\n"));
    assert_eq!(stdout(&place, &["ls", "latest~2"]), format!("{source}/\n"));
    let first = format!("latest~2:{source}");
    assert_eq!(stdout(&place, &["ls", &first]), "a\nb\nsub/\n");
    assert_eq!(stdout(&place, &["ls", "-R", &first]), "a\nb\nsub/\nsub/c d\n");
    assert_eq!(stdout(&place, &["ls", &format!("{first}/a")]), format!("{source}/a\n"));
    let long = stdout(&place, &["ls", "-l", &first]);
    let of_b: Vec<&str> = long.lines().nth(1).unwrap().split_whitespace().collect();
    assert!(of_b[0].starts_with("-rw") && of_b[3..5] == ["97.7", "KiB"] && of_b[7] == "b", "{long}");
    let of_sub = long.lines().nth(2).unwrap();
    assert!(of_sub.starts_with("drwx") && of_sub.ends_with("  sub/"), "{long}");
    let everything = stdout(&place, &["--json", "ls", "-R", "latest~2"]);
    assert!(everything.contains(&format!("\"{source}/sub/c d\"")), "paths are whole for programs: {everything}");
}

#[test]
fn changes_and_diff_name_every_sort_of_change_and_count_them() {
    let place = three_evenings();
    let source = place.text("source");
    let expected = [
        format!("M {source}/a"),
        format!("R {source}/b -> {source}/moved"),
        format!("+ {source}/new.txt"),
        format!("U {source}/sub"),
        format!("- {source}/sub/c d"),
    ];
    for arguments in [&["changes", "latest~1"][..], &["changes", "latest"], &["diff", "latest~2", "latest"]] {
        let text = stdout(&place, arguments);
        for line in &expected {
            assert!(text.lines().any(|shown| shown == line), "{arguments:?} lacks {line}: {text}");
        }
        assert!(text.contains("1 added, 1 modified,") && text.contains("1 removed, 1 renamed\n"), "{text}");
    }
    // The change view of a full is everything; two equal snapshots do not differ.
    let full = stdout(&place, &["changes", "latest~2"]);
    assert!(full.contains(&format!("+ {source}/sub/c d\n")) && full.contains(" 0 modified, 0 with other metadata, 0 removed"), "{full}");
    let none = stdout(&place, &["diff", "latest~1", "latest"]);
    assert_eq!(none, "0 added, 0 modified, 0 with other metadata, 0 removed, 0 renamed\n");
}

#[test]
fn find_shows_in_which_snapshots_something_is() {
    let place = three_evenings();
    let ids: Vec<String> = stdout(&place, &["-q", "snapshots"]).lines().map(|id| id[..8].to_owned()).collect();
    let found = stdout(&place, &["find", "*.TXT", "-i", "--all"]);
    let lines: Vec<&str> = found.lines().collect();
    assert_eq!(lines.len(), 2, "{found}");
    for (line, id) in lines.iter().zip(ids.iter().rev()) {
        assert!(line.starts_with(id) && line.ends_with(&place.text("source/new.txt")), "{line}");
    }
    let grouped = stdout(&place, &["find", "[a]"]);
    let lines: Vec<&str> = grouped.lines().collect();
    assert_eq!((lines.len(), lines[0]), (3, &place.text("source/a")[..]), "one path, two versions: {grouped}");
    assert!(lines[1].starts_with(&format!("  {}", ids[2])) && lines[1].ends_with("14 B and 1 before it"), "{grouped}");
    assert!(lines[2].starts_with(&format!("  {}", ids[0])) && lines[2].ends_with(" 5 B"), "{grouped}");
    let once = stdout(&place, &["find", "c d", "-l", "-a"]);
    assert!(once.starts_with(&ids[0]) && once.contains(" -rw") && once.lines().count() == 1, "{once}");
    let nothing = place.run(&["find", "nowhere"]).expect(1);
    assert_eq!((&nothing.stdout[..], &nothing.stderr[..]), ("", "warning: nothing in 3 snapshots fits `nowhere`\n"));
}

#[test]
fn history_shows_versions_with_their_snapshots_and_when_they_went() {
    let place = three_evenings();
    let ids: Vec<String> = stdout(&place, &["-q", "snapshots"]).lines().map(|id| id[..8].to_owned()).collect();
    let text = stdout(&place, &["history", &place.text("source/a")]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines.len(), lines[0]), (7, "series home"), "{text}");
    assert!(lines[1].starts_with("1. 5 B, modified ") && lines[2].contains(" 1 snapshot of Fri 2026-01-02 03:04"), "{text}");
    assert_eq!(lines[3].trim(), format!("repo restore {}:{} DEST", ids[0], place.text("source/a")));
    assert!(lines[4].starts_with("2. 14 B") && lines[5].contains(" 2 snapshots of ") && lines[6].contains(&ids[2]), "{text}");
    let gone = stdout(&place, &["history", &place.text("source/sub/c d")]);
    assert!(gone.contains(&format!("  gone in {} of ", ids[1])), "{gone}");
    let never = place.run(&["history", &place.text("source/never")]).expect(1);
    assert!(never.stdout.is_empty() && never.stderr.starts_with("warning: no snapshot has \""), "{}", never.stderr);
}

#[test]
fn cat_writes_the_content_of_the_chosen_snapshot_and_nothing_else() {
    let place = three_evenings();
    let file = place.text("source/a");
    assert_eq!(stdout(&place, &["cat", &format!("latest~2:{file}")]), "first");
    assert_eq!(stdout(&place, &["cat", &format!("latest:{file}")]), "first, changed");
    let missing = place.run(&["cat", &format!("latest~0:{}", place.text("source/sub/c d"))]).expect(1);
    assert!(missing.stdout.is_empty() && missing.stderr.contains("c d"), "{}", missing.stderr);
}

#[test]
fn stats_count_snapshots_files_and_what_is_stored() {
    let place = three_evenings();
    let whole = stdout(&place, &["stats"]);
    assert!(whole.contains("snapshots       3\n") && whole.contains("files in them   293.0 KiB\n"), "{whole}");
    assert!(whole.contains("  file content  ") && whole.contains("  trees         ") && whole.contains("deduplication "), "{whole}");
    let one = stdout(&place, &["stats", "latest"]);
    assert!(one.starts_with("files        3, 97.7 KiB\n") && one.contains("\ndirectories  "), "{one}");
    assert!(one.lines().any(|line| line.split_whitespace().take(3).eq([".txt", "1", "files"])), "{one}");
}
