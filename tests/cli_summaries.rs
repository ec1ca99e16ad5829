//! What a run says at its end, and what can be asked about it later: `snapshot`, `restore`, `problems`.

use std::fs;

use serde_json::Value;

use crate::cli_place::{Place, Ran};

fn lines(ran: &Ran) -> Vec<Value> {
    ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A place with a snapshot, and a source of which one file is new, one changed, one gone and one renamed since.
fn changed_place() -> Place {
    let place = Place::with_repository();
    for (name, content) in [("gone", "was here"), ("old", "a content of its own"), ("same", "as before")] {
        fs::write(place.path("source").join(name), content).unwrap();
    }
    place.run(&["snapshot", &place.text("source")]).expect(0);
    fs::write(place.path("source/a"), "first, and more").unwrap();
    fs::write(place.path("source/new"), "nobody knew it").unwrap();
    fs::remove_file(place.path("source/gone")).unwrap();
    fs::rename(place.path("source/old"), place.path("source/renamed")).unwrap();
    place
}

#[test]
fn a_snapshot_says_what_is_new_changed_removed_and_renamed() {
    let place = changed_place();
    let ran = place.run(&["snapshot"]).expect(0);
    let source = place.text("source");
    for line in [
        format!("  of {source}"),
        "  files: 2 new, 1 changed, 3 unchanged, 2 removed".to_owned(),
        "  renamed: 1, counted above as new and as removed".to_owned(),
    ] {
        assert!(ran.stdout.lines().any(|said| said == line), "`{line}` is missing: {}", ran.stdout);
    }
    let again = changed_place();
    let told = again.run(&["--json", "snapshot"]).expect(0).json();
    assert_eq!((&told["renamed"], &told["unreadable"], &told["changed_while_read"]), (&1.into(), &0.into(), &0.into()));
    assert_eq!(again.run(&["--json", "snapshot"]).expect(0).json()["renamed"], 0);
}

#[test]
fn a_verbose_snapshot_prints_each_change_with_its_letter_as_changes_does() {
    let place = changed_place();
    let dry = place.run(&["snapshot", "-n", "-v"]).expect(0).stdout;
    let (new, renamed, changed) = (place.text("source/new"), place.text("source/renamed"), place.text("source/a"));
    for line in [format!("+ {new}"), format!("+ {renamed}"), format!("M {changed}")] {
        assert!(dry.lines().any(|said| said == line), "`{line}` is missing: {dry}");
    }
    let told = place.run(&["snapshot", "-v"]).expect(0).stdout;
    let listed = place.run(&["-q", "changes", "latest"]).expect(0).stdout;
    let is_change = |line: &&str| line.as_bytes().get(1) == Some(&b' ') && !line.starts_with(' ');
    assert_eq!(told.lines().filter(is_change).collect::<Vec<_>>(), listed.lines().collect::<Vec<_>>());
    assert!(told.contains(&format!("R {} -> {renamed}", place.text("source/old"))), "{told}");
}

#[test]
fn a_restore_says_of_which_moment_to_which_place_and_what_became_of_the_files() {
    let place = Place::with_repository();
    place.run(&["snapshot", &place.text("source"), "--time", "2026-01-07 19:00"]).expect(0);
    fs::create_dir(place.path("back")).unwrap();
    let what = format!("latest:{}", place.text("source"));
    let mut command = place.command();
    let ran = crate::cli_place::run(command.current_dir(place.path("")).args(["restore", "--verify", &what, "back"])).expect(0);
    assert!(ran.stdout.contains("  of Wednesday 7 January 2026, 19:00\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains(&format!("  to \"{}\"\n", place.text("back"))), "{}", ran.stdout);
    assert!(ran.stdout.contains("  3 verified: read and found right\n"), "{}", ran.stdout);
    let mut command = place.command();
    let told = crate::cli_place::run(command.current_dir(place.path("")).args(["--json", "restore", &what, "back"])).expect(0).json();
    assert_eq!((&told["destination"], &told["absolute_destination"]), (&"back".into(), &place.text("back").into()));
    assert_eq!((&told["time"], &told["unchanged"]), (&"2026-01-07T19:00:00.000000000Z".into(), &3.into()));
}

#[test]
fn a_verbose_restore_prints_each_file_with_its_letter() {
    let place = Place::with_snapshot();
    let (back, what) = (place.text("back"), format!("latest:{}", place.text("source")));
    let sorted = |ran: Ran| {
        let mut lines: Vec<String> =
            ran.stdout.lines().filter(|line| line.contains(&back) && !line.starts_with(' ')).map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let first = sorted(place.run(&["restore", "-v", &what, &back]).expect(0));
    let all: Vec<String> = ["a", "b", "sub", "sub/c d"].iter().map(|name| format!("+ {back}/{name}")).collect();
    assert_eq!(first, all);
    fs::write(place.path("back/a"), "another").unwrap();
    fs::write(place.path("back/more"), "not in the snapshot").unwrap();
    let second = sorted(place.run(&["restore", "-v", "--delete", "--overwrite", "if-changed", &what, &back]).expect(0));
    assert_eq!(second, [format!("- {back}/more"), format!("M {back}/a")]);
    assert_eq!(sorted(place.run(&["restore", &what, &place.text("other")]).expect(0)), [""; 0]);
}

#[test]
fn what_a_snapshot_could_not_read_can_be_asked_for_later() {
    let place = Place::with_repository();
    let gone = place.text("not there");
    let ran = place.run(&["snapshot", "--series", "papers", &place.text("source"), &gone]).expect(3);
    assert!(ran.stdout.contains("  not read: 1 entry\n") && ran.stdout.contains("  see `repo problems "), "{}", ran.stdout);
    place.run(&["snapshot", "--series", "well", &place.text("source")]).expect(0);
    let listed = place.run(&["problems"]).expect(0).stdout;
    assert!(listed.contains("  papers\n  unreadable  ") && listed.contains(&gone), "{listed}");
    assert!(listed.contains("  well\n  no problems\n"), "{listed}");
    let told = lines(&place.run(&["--json", "problems", "latest@papers"]).expect(0));
    assert_eq!(told.len(), 1);
    assert_eq!((&told[0]["problem"], &told[0]["path"], &told[0]["series"]), (&"unreadable".into(), &gone.into(), &"papers".into()));
    assert_eq!(place.run(&["-q", "problems", "latest@well"]).expect(0).stdout, "");
}

#[test]
fn a_loss_is_a_problem_that_can_be_asked_for_later() {
    let place = Place::with_snapshot();
    ["source/a", "source/b", "source/sub/c d"].iter().for_each(|name| fs::remove_file(place.path(name)).unwrap());
    place.run(&["snapshot"]).expect(3);
    let told = lines(&place.run(&["--json", "problems", "latest"]).expect(0));
    assert_eq!((told.len(), &told[0]["problem"]), (1, &"gone".into()), "{told:?}");
}
