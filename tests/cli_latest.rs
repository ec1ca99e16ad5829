//! Which snapshot a word on the command line means, and the undo of `forget`.

use std::fs;

use crate::cli_place::{Place, Ran};
use crate::needs;

/// A place with a snapshot for each of `contents` of the file `a`, and their ids.
fn place_of(contents: &[&str]) -> (Place, Vec<String>) {
    let place = Place::with_repository();
    let ids = contents.iter().map(|content| save(&place, content, &[])).collect();
    (place, ids)
}

fn save(place: &Place, content: &str, more: &[&str]) -> String {
    fs::write(place.path("source/a"), content).unwrap();
    let source = place.text("source");
    place.run(&[&["-q", "snapshot", &source, "--series", "home"], more].concat()).expect(0).stdout.trim().to_owned()
}

fn damage(place: &Place, id: &str, how: &str) {
    let path = place.path(&format!("repository/snapshots/{id}"));
    let mut bytes = fs::read(&path).unwrap();
    match how {
        "emptied" => bytes.clear(),
        "truncated" => bytes.truncate(20),
        _ => *bytes.last_mut().unwrap() ^= 1,
    }
    fs::remove_file(&path).unwrap();
    fs::write(&path, bytes).unwrap();
}

fn cat(place: &Place, name: &str) -> Ran {
    place.run(&["cat", &format!("{name}:{}", place.text("source/a"))])
}

#[test]
fn when_the_newest_snapshot_cannot_be_read_latest_is_no_other_and_ends_with_4() {
    for how in ["emptied", "truncated", "flipped"] {
        let (place, ids) = place_of(&["one", "two", "three"]);
        damage(&place, &ids[2], how);
        let out = place.text("out");
        for more in [&[][..], &["--no-catalog"]] {
            for arguments in [
                &["restore", "latest", &out][..],
                &["restore", "latest~1", &out],
                &["restore", "latest@home", &out],
                &["ls", "latest"],
                &["diff", "latest~1", "latest"],
                &["changes", "latest"],
                &["stats", "latest"],
                &["tag", "latest", "--pin"],
                &["forget", "latest"],
                &["restore", &ids[2], &out],
            ] {
                let told = place.run(&[arguments, more].concat()).expect(4).stderr;
                assert!(told.contains(&ids[2][..8]), "{arguments:?}: {told}");
            }
        }
        assert!(!place.path("out").exists());
        // What is asked of all snapshots is answered without the one, and that is not all.
        let file = place.text("source/a");
        for arguments in [&["snapshots"][..], &["find", "a"], &["history", &file], &["stats"]] {
            let listed = place.run(arguments).expect(4).stdout;
            assert!(!listed.is_empty());
        }
        assert_eq!(cat(&place, &ids[1][..8]).expect(0).stdout, "two");
    }
}

#[test]
fn an_older_snapshot_that_cannot_be_read_does_not_hide_the_latest() {
    let (place, ids) = place_of(&["one", "two", "three"]);
    damage(&place, &ids[1], "truncated");
    assert_eq!(cat(&place, "latest").expect(0).stdout, "three");
    cat(&place, "latest~1").expect(4);
}

#[test]
fn latest_goes_by_the_time_of_snapshots_and_so_does_their_list() {
    let place = Place::with_repository();
    let new = save(&place, "new", &["--time", "2024-03-01"]);
    let old = save(&place, "old", &["--time", "2024-01-01"]);
    let middle = save(&place, "middle", &["--time", "2024-02-01"]);
    assert_eq!(cat(&place, "latest").expect(0).stdout, "new");
    assert_eq!(cat(&place, "latest~1@home").expect(0).stdout, "middle");
    let listed = |arguments: &[&str]| place.run(arguments).expect(0).stdout.lines().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(listed(&["-q", "snapshots"]), [old, middle.clone(), new.clone()]);
    assert_eq!(listed(&["-q", "snapshots", "--last", "2"]), [middle, new]);
}

#[test]
fn a_snapshot_of_the_future_is_not_the_latest_and_that_is_said() {
    if !needs::has_tool("faketime") {
        return;
    }
    let (place, ids) = place_of(&["now"]);
    fs::write(place.path("source/a"), "future").unwrap();
    let mut future = std::process::Command::new("faketime");
    future.arg("2099-01-01 00:00:00").arg(env!("CARGO_BIN_EXE_repo")).args(["-q", "snapshot", &place.text("source"), "--series", "home"]);
    future.env_clear().env("PATH", "/usr/bin:/bin").env("TZ", "UTC").env("REPO_CACHE_DIR", place.path("cache"));
    let saved = future.env("REPO_REPOSITORY", place.path("repository")).env("REPO_KEY_FILE", place.path("key")).output().unwrap();
    assert!(saved.status.success(), "{}", String::from_utf8_lossy(&saved.stderr));
    let ran = cat(&place, "latest").expect(0);
    assert_eq!(ran.stdout, "now");
    assert!(ran.stderr.contains("1 snapshots have a time in the future"), "{}", ran.stderr);
    place.run(&["forget", &ids[0]]).expect(0);
    let told = cat(&place, "latest").expect(1).stderr;
    assert!(told.contains("set the clock"), "{told}");
}

#[test]
fn an_id_is_given_by_four_digits_or_more() {
    let (place, ids) = place_of(&["one"]);
    for arguments in [&["ls"][..], &["forget"], &["unforget"], &["tag", "--pin"], &["key", "remove"]] {
        let told = place.run(&[arguments, &[&ids[0][..3]]].concat()).expect(2).stderr;
        assert!(told.contains("too short") && told.contains("at least 4"), "{told}");
    }
    place.run(&["ls", &ids[0][..4]]).expect(0);
}

#[test]
fn what_was_forgotten_comes_back_until_a_prune_and_the_prune_leaves_it() {
    let (place, ids) = place_of(&["one", "two", "three"]);
    place.run(&["tag", &ids[0], "--add", "kept"]).expect(0);
    place.run(&["forget", &ids[0], &ids[1]]).expect(0);
    assert_eq!(place.run(&["-q", "snapshots"]).expect(0).stdout.lines().count(), 1);
    let told = place.run(&["--json", "unforget", &ids[0][..6]]).expect(0).json();
    assert_eq!(told, serde_json::json!({ "unforgotten": [ids[0]] }));
    for more in [&[][..], &["--no-catalog"]] {
        let listed = place.run(&[&["snapshots"], more].concat()).expect(0).stdout;
        assert!(listed.contains(&ids[0][..8]) && listed.contains("  kept") && !listed.contains(&ids[1][..8]), "{listed}");
    }
    place.run(&["prune"]).expect(0);
    assert_eq!(cat(&place, &ids[0]).expect(0).stdout, "one");
    let gone = place.run(&["unforget", &ids[1]]).expect(1).stderr;
    assert!(gone.contains("what a prune has removed is gone"), "{gone}");
    let needless = place.run(&["unforget", &ids[0]]).expect(2).stderr;
    assert!(needless.contains("is not forgotten"), "{needless}");
    // It can be forgotten again, and then it goes.
    place.run(&["forget", &ids[0]]).expect(0);
    place.run(&["prune"]).expect(0);
    cat(&place, &ids[0]).expect(1);
    place.run(&["check", "--read-data"]).expect(0);
}

#[test]
fn a_mistyped_id_leaves_all_of_them_forgotten() {
    let (place, ids) = place_of(&["one", "two"]);
    place.run(&["forget", &ids[0]]).expect(0);
    place.run(&["unforget", &ids[0], "ffff0000ffff"]).expect(1);
    assert_eq!(place.run(&["-q", "snapshots"]).expect(0).stdout.trim(), ids[1]);
}
