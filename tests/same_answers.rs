//! The catalog and the tables of the index are caches: without them, with empty ones and with ruined
//! ones every question has the same answer.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::cli_place::{Place, names};
use crate::picture::Picture;

/// From so many snapshots and records on a listing goes through the catalog.
const OBJECTS_OF_A_CATALOG: usize = 32;

/// A place with several snapshots of two series and of every kind.
fn make_place() -> Place {
    let place = Place::with_repository();
    let (source, sub) = (place.text("source"), place.text("source/sub"));
    place.run(&["snapshot", &source, "--tag", "one"]).expect(0);
    fs::write(place.path("source/a"), "changed").unwrap();
    fs::rename(place.path("source/b"), place.path("source/sub/b")).unwrap();
    place.run(&["snapshot", &source]).expect(0);
    place.run(&["snapshot", &sub, "--series", "other"]).expect(0);
    fs::set_permissions(place.path("source/a"), Permissions::from_mode(0o700)).unwrap();
    fs::remove_file(place.path("source/sub/c d")).unwrap();
    for kind in ["differential", "full", "incremental"] {
        place.run(&["snapshot", &source, "--kind", kind, "--host", "elsewhere", "--series", "daily"]).expect(0);
        fs::write(place.path(&format!("source/new in {kind}")), kind.repeat(5000)).unwrap();
    }
    // Listings of very few objects do without the catalog.
    for turn in 0..OBJECTS_OF_A_CATALOG {
        place.run(&["tag", "latest", if turn % 2 == 0 { "--add" } else { "--remove" }, "turn"]).expect(0);
    }
    place
}

/// Every question, with what it printed and how it ended, and a picture of what was restored.
fn ask(place: &Place, further: &[&str]) -> Vec<(String, String)> {
    let source = place.text("source");
    let below = format!("latest~2@daily:{source}");
    let restored = place.text("back");
    let questions: [&[&str]; 17] = [
        &["snapshots"],
        &["snapshots", "--json"],
        &["ls", "-R", "-l", "latest"],
        &["ls", "--json", "latest~2@daily"],
        &["ls", "latest~1@other"],
        &["changes", "latest"],
        &["changes", "--json", "latest~1@daily"],
        &["diff", "latest~2@daily", "latest@daily"],
        &["diff", "--json", "latest~5", "latest"],
        &["find", "*b*"],
        &["find", "--json", "a", "--tag", "one"],
        &["history", &place.text("source/a")],
        &["history", "--json", &place.text("source/sub")],
        &["stats"],
        &["stats", "--json"],
        &["stats", "--json", "latest@other"],
        &["restore", "-q", &below, &restored],
    ];
    let mut answers = Vec::new();
    for question in questions {
        let ran = place.run(&[question, further].concat());
        answers.push((question.join(" "), format!("{}\n{}", ran.code, ran.stdout)));
    }
    answers.push(("restored".to_owned(), format!("{:?}", Picture::of(restored.as_ref()))));
    fs::remove_dir_all(restored).unwrap();
    answers
}

/// Writes bytes that mean nothing over every file below `folder` whose path has `part` in it.
fn ruin(folder: &Path, part: &str) -> usize {
    let mut ruined = 0;
    for name in names(folder).into_iter().filter(|name| name.contains(part)) {
        let Ok(metadata) = fs::metadata(&name) else { continue };
        if metadata.is_file() && metadata.len() > 0 {
            let mut content = vec![0; metadata.len() as usize];
            blake3::Hasher::new().update(name.as_bytes()).finalize_xof().fill(&mut content);
            fs::write(&name, content).unwrap();
            ruined += 1;
        }
    }
    ruined
}

#[track_caller]
fn assert_same(expected: &[(String, String)], answers: &[(String, String)]) {
    for ((question, expected), (_, answer)) in expected.iter().zip(answers) {
        assert_eq!(expected, answer, "{question}");
    }
}

#[test]
fn with_without_empty_and_ruined_caches_every_answer_is_the_same() {
    let place = make_place();
    let expected = ask(&place, &[]);
    // They are answers and no failures; only one snapshot is asked for that is not there.
    let failed: Vec<&String> = expected.iter().filter(|(_, answer)| answer.starts_with('1')).map(|(question, _)| question).collect();
    assert_eq!(failed, ["ls latest~1@other"]);
    let lines_of = |question: &str| expected.iter().find(|(asked, _)| asked == question).map_or(0, |(_, answer)| answer.lines().count());
    assert_eq!(lines_of("snapshots --json"), 1 + 6);

    assert_same(&expected, &ask(&place, &["--no-catalog"]));
    fs::remove_dir_all(place.path("cache")).unwrap();
    assert_same(&expected, &ask(&place, &["--no-catalog"]));
    fs::remove_dir_all(place.path("cache")).unwrap();
    assert_same(&expected, &ask(&place, &[]));

    assert!(ruin(&place.path("cache"), "/catalog/") > 0);
    assert_same(&expected, &ask(&place, &[]));
    place.run(&["catalog", "verify"]).expect(0);
    assert!(ruin(&place.path("cache"), "/tables/") > 0);
    assert_same(&expected, &ask(&place, &[]));
    assert!(ruin(&place.path("cache"), "") > 0);
    assert_same(&expected, &ask(&place, &[]));
}

#[test]
fn a_snapshot_over_ruined_caches_stores_nothing_twice() {
    let place = make_place();
    let packs = names(&place.path("repository/packs")).len();
    for part in ["/catalog/", "/tables/", ""] {
        assert!(ruin(&place.path("cache"), part) > 0);
        let saved = place.run(&["snapshot", "--json", "--kind", "full", &place.text("source/sub")]).expect(0).json();
        assert_eq!(saved["counts"]["chunks_new"].as_u64(), Some(0), "{part}: {saved}");
    }
    assert_eq!(names(&place.path("repository/packs")).len(), packs);
}

#[test]
fn every_answer_is_the_same_where_a_snapshot_or_a_mark_was_damaged_that_the_catalog_knows() {
    let place = make_place();
    place.run(&["snapshots"]).expect(0);
    for area in ["snapshots", "records"] {
        let objects = names(&place.path("repository").join(area));
        for name in objects.iter().filter(|name| Path::new(name).is_file()).step_by(if area == "records" { 9 } else { 2 }) {
            let whole = fs::read(name).unwrap();
            let mut bytes = whole.clone();
            *bytes.last_mut().unwrap() ^= 1;
            fs::set_permissions(name, Permissions::from_mode(0o600)).unwrap();
            fs::write(name, bytes).unwrap();
            let say = |further: &[&str]| {
                ["latest", "latest~1", "latest~4"].map(|which| {
                    let ran = place.run(&[&["ls", which][..], further].concat());
                    (ran.code, ran.stdout, ran.stderr)
                })
            };
            assert_eq!(say(&["--no-catalog"]), say(&[]), "{name}");
            let listed = |further: &[&str]| {
                let ran = place.run(&[&["snapshots"][..], further].concat());
                (ran.code, ran.stdout, ran.stderr)
            };
            assert_eq!(listed(&["--no-catalog"]), listed(&[]), "{name}");
            fs::write(name, whole).unwrap();
        }
    }
}

#[test]
fn a_cache_of_another_repository_or_from_an_earlier_day_is_not_believed() {
    let place = make_place();
    let cache = place.path("cache");
    let early = place.path("early");
    assert!(std::process::Command::new("cp").args(["-a", "--"]).args([&cache, &early]).status().unwrap().success());
    fs::write(place.path("source/later"), "later").unwrap();
    place.run(&["snapshot", &place.text("source")]).expect(0);
    let expected = ask(&place, &["--no-catalog"]);
    fs::remove_dir_all(&cache).unwrap();
    fs::rename(&early, &cache).unwrap();
    assert_same(&expected, &ask(&place, &[]));

    // The folder of another repository's cache under the name of this one's.
    let other = Place::with_snapshot();
    let only_folder = |cache: &Path| names(cache).into_iter().find(|name| Path::new(name).is_dir()).unwrap();
    let ours = only_folder(&cache);
    fs::remove_dir_all(&ours).unwrap();
    fs::rename(only_folder(&other.path("cache")), &ours).unwrap();
    assert_same(&expected, &ask(&place, &[]));
}
