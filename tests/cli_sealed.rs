//! What prune and forget do goes by the sealed manifests: whatever became of the catalog, and whatever the
//! clock of one run said, the answers are the same.

use std::fs;

use crate::cli_place::{Place, copy, names};
use crate::needs;

/// So many changes of the tags of four snapshots that listings go through the catalog.
const TURNS: usize = 9;

/// Snapshots of several days, newest last, listed through the catalog once.
fn place() -> (Place, Vec<String>) {
    let place = Place::with_repository();
    for day in 1..=4 {
        let time = format!("2026-01-0{day}T10:00Z");
        fs::write(place.path("source/a"), time.as_bytes()).unwrap();
        place.run(&["snapshot", &place.text("source"), "--series", "home", "--time", &time]).expect(0);
    }
    let ids: Vec<String> = place.run(&["-q", "snapshots"]).expect(0).stdout.lines().map(str::to_owned).collect();
    for turn in 0..TURNS {
        let change = if turn % 2 == 0 { "--add" } else { "--remove" };
        place.run(&["tag", &ids[0], &ids[1], &ids[2], &ids[3], change, "turn"]).expect(0);
    }
    place.run(&["snapshots"]).expect(0);
    (place, ids)
}

fn damage(place: &Place, id: &str) {
    let name = place.path("repository/snapshots").join(id);
    let mut bytes = fs::read(&name).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::remove_file(&name).unwrap();
    fs::write(&name, bytes).unwrap();
}

/// The objects of the repository as they are kept beside it.
const FOLDERS: [&str; 4] = ["snapshots", "records", "index", "packs"];

fn keep(place: &Place) {
    fs::create_dir(place.path("kept")).unwrap();
    FOLDERS.iter().for_each(|folder| copy(&place.path("repository").join(folder), &place.path("kept").join(folder)));
}

fn put_back(place: &Place) {
    for folder in FOLDERS {
        fs::remove_dir_all(place.path("repository").join(folder)).unwrap();
        copy(&place.path("kept").join(folder), &place.path("repository").join(folder));
    }
}

#[test]
fn a_prune_and_a_forget_give_the_same_answers_whatever_became_of_the_catalog() {
    for damaged in [None, Some(1), Some(3)] {
        let (place, ids) = place();
        if let Some(at) = damaged {
            damage(&place, &ids[at]);
        }
        keep(&place);
        let mut answers: Vec<(String, String)> = Vec::new();
        // The catalog knows what is damaged, knows nothing, is not asked, and is of an older state.
        for state in ["as it is", "missing", "not asked", "as it was"] {
            put_back(&place);
            if state == "missing" {
                fs::remove_dir_all(place.path("cache")).unwrap();
            }
            let further: &[&str] = if state == "not asked" { &["--no-catalog"] } else { &[] };
            let mut answer = String::new();
            for command in [&["prune", "--keep-last", "2", "-n"][..], &["prune", "--keep-last", "2"], &["forget", &ids[1]], &["prune"]] {
                let ran = place.run(&[command, further].concat());
                answer += &format!("{command:?} {}\n{}", ran.code, ran.stdout);
            }
            let mut left: Vec<String> = names(&place.path("repository/snapshots"));
            left.sort_unstable();
            answers.push((state.to_owned(), format!("{answer}{left:?}")));
        }
        for (state, answer) in &answers[1..] {
            assert_eq!(*answer, answers[0].1, "the catalog {state}, damaged {damaged:?}");
        }
        assert!(damaged.is_none() || answers[0].1.starts_with("[\"prune\", \"--keep-last\", \"2\", \"-n\"] 4\n["), "{}", answers[0].1);
    }
}

#[test]
fn a_damaged_snapshot_is_forgotten_by_its_id_and_then_the_rules_go_on() {
    let (place, ids) = place();
    damage(&place, &ids[3]);
    let refused = place.run(&["prune", "--keep-last", "1"]).expect(4);
    assert!(refused.stderr.contains(&ids[3][..8]) && refused.stderr.contains("nothing is removed"), "{}", refused.stderr);
    assert!(!refused.stdout.contains("remove"), "{}", refused.stdout);
    place.run(&["forget", &ids[3][..8]]).expect(0);
    place.run(&["prune", "--keep-last", "1"]).expect(0);
    assert_eq!(place.run(&["-q", "snapshots"]).expect(0).stdout.trim(), ids[2]);
}

#[test]
fn a_run_with_a_clock_of_the_future_can_be_forgotten_and_blocks_no_prune_then() {
    if !needs::has_tool("faketime") {
        return;
    }
    for protect in ["off", "7d"] {
        let place = Place::new();
        place.run(&["init", "--protect", protect]).expect(0);
        let save = |text: &str| {
            fs::write(place.path("source/a"), text).unwrap();
            place.run(&["-q", "snapshot", &place.text("source"), "--series", "home"]).expect(0).stdout.trim().to_owned()
        };
        let first = save("first");
        let mut command = std::process::Command::new("faketime");
        command.args(["2099-01-01 12:00:00", env!("CARGO_BIN_EXE_repo"), "-q", "snapshot", &place.text("source"), "--series", "home"]);
        command.env("REPO_CACHE_DIR", place.path("cache")).env("REPO_REPOSITORY", place.path("repository"));
        let future = command.env("REPO_KEY_FILE", place.path("key")).output().unwrap();
        let future = String::from_utf8(future.stdout).unwrap().trim().to_owned();
        let last = save("last");
        let refused = place.run(&["prune", "--keep-last", "1"]).expect(2);
        assert!(refused.stderr.contains(&format!("`repo forget {}`", &future[..8])), "{}", refused.stderr);
        place.run(&["prune"]).expect(0);
        place.run(&["forget", &future[..8]]).expect(0);
        let printed = place.run(&["prune", "--keep-last", "1"]).expect(0).stdout;
        let left = names(&place.path("repository/snapshots"));
        let is_left = |id: &String| left.iter().any(|name| name.ends_with(id.as_str()));
        // What is protected stays, the one of the future too: its clock may have been the right one.
        assert_eq!([&first, &future, &last].map(is_left), [protect != "off", protect != "off", true], "{printed}");
    }
}
