//! What prune says it keeps and removes, and what forget and tag change about it.

use crate::cli_place::Place;

/// Four snapshots on three days, oldest first.
fn place() -> (Place, Vec<String>) {
    let place = Place::with_repository();
    for time in ["2026-01-01T10:00Z", "2026-01-02T10:00Z", "2026-01-02T20:00Z", "2026-01-03T10:00Z"] {
        place.run(&["snapshot", &place.text("source"), "--series", "home", "--time", time]).expect(0);
    }
    let ids = place.run(&["-q", "snapshots"]).expect(0).stdout.lines().map(str::to_owned).collect();
    (place, ids)
}

#[test]
fn every_snapshot_is_printed_with_its_reason_and_a_dry_run_removes_nothing() {
    let (place, ids) = place();
    place.run(&["tag", &ids[0], "--pin"]).expect(0);
    let printed = place.run(&["prune", "--keep-daily", "2", "-n"]).expect(0).stdout;
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines[0], "series home: 4 snapshots, 3 kept");
    let expected = [
        (0, "keep    ", "full          pinned"),
        (1, "remove  ", "incremental   no rule keeps it"),
        (2, "keep    ", "incremental   daily 2 of 2"),
        (3, "keep    ", "incremental   daily 1 of 2, newest of its series"),
    ];
    for (at, word, reason) in expected {
        let line = lines[at + 1];
        assert!(line.starts_with(&format!("  {word}{}", &ids[at][..8])) && line.ends_with(reason), "{line}");
    }
    assert!(lines[5].starts_with("1 snapshot would be removed"), "{printed}");
    assert_eq!(place.run(&["-q", "snapshots"]).expect(0).stdout.lines().count(), 4);
    let json = place.run(&["--json", "prune", "--keep-last", "1", "-n"]).expect(0).stdout;
    let objects: Vec<serde_json::Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((objects[1]["id"].as_str(), objects[1]["decision"].as_str()), (Some(&ids[1][..]), Some("remove")));
    assert_eq!(objects[3]["reasons"][0].as_str(), Some("last 1 of 1"));
    assert_eq!(objects[4]["summary"]["snapshots_removed"].as_u64(), Some(2));
}

#[test]
fn forgotten_snapshots_are_hidden_at_once_and_pinned_ones_cannot_be_forgotten() {
    let (place, ids) = place();
    place.run(&["tag", &ids[1], "--pin", "--add", "tax"]).expect(0);
    // One that is pinned leaves the others alone.
    place.run(&["forget", &ids[2], &ids[1]]).expect(2);
    assert_eq!(place.run(&["-q", "snapshots"]).expect(0).stdout.lines().count(), 4);
    place.run(&["forget", &ids[3], "latest"]).expect(0);
    for catalog in [&["-q", "snapshots"][..], &["-q", "--no-catalog", "snapshots"]] {
        assert_eq!(place.run(catalog).expect(0).stdout.lines().collect::<Vec<_>>(), ids[..3]);
    }
    place.run(&["ls", &ids[3]]).expect(1);
    assert_eq!(place.run(&["-q", "snapshots", "--tag", "tax"]).expect(0).stdout.trim(), ids[1]);
    let printed = place.run(&["prune", "-n"]).expect(0).stdout;
    assert!(printed.contains(&format!("forgotten: 1 snapshot\n  remove  {}", &ids[3][..8])), "{printed}");
    assert!(printed.contains("no rule was given"), "{printed}");
}

#[test]
fn prune_removes_what_it_says_and_the_rest_restores() {
    let (place, ids) = place();
    place.run(&["forget", &ids[0]]).expect(0);
    place.run(&["prune", "--keep-last", "1", "--series", "home"]).expect(0);
    assert_eq!(place.run(&["-q", "snapshots"]).expect(0).stdout.trim(), ids[3]);
    assert_eq!(place.run(&["cat", &format!("latest:{}", place.text("source/a"))]).expect(0).stdout, "first");
    place.run(&["prune", "--keep-last", "1", "--series", "other"]).expect(1);
    place.run(&["prune", "--keep-within", "-3d"]).expect(2);
}

#[test]
fn the_last_snapshot_with_a_lone_database_outlasts_the_rules_night_after_night() {
    let place = Place::with_repository();
    for (name, text) in [("db/only", "what cannot be made again"), ("home/letter", "letter")] {
        std::fs::create_dir(place.path(name).parent().unwrap()).unwrap();
        std::fs::write(place.path(name), text).unwrap();
    }
    let save = |code| {
        place.run(&["snapshot", &place.text("db"), &place.text("home"), "--series", "all"]).expect(code);
        place.run(&["prune", "--keep-last", "1"]).expect(0).stdout
    };
    save(0);
    std::fs::remove_file(place.path("db/only")).unwrap();
    save(3);
    let printed = save(0);
    assert!(printed.contains("last with 1 file in ") && printed.contains("later ones have 0"), "{printed}");
    place.run(&["restore", &format!("latest~1:{}", place.text("db")), &place.text("back")]).expect(0);
    assert_eq!(std::fs::read(place.path("back/only")).unwrap(), b"what cannot be made again");
    // When it is back nothing more is kept for its sake.
    std::fs::write(place.path("db/only"), "back").unwrap();
    save(0);
    assert_eq!(place.run(&["-q", "snapshots"]).expect(0).stdout.lines().count(), 1);
}
