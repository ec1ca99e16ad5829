//! Scripts go by exit codes: each failure has its own, and nothing stands on standard output then.

use std::fs;

use crate::cli_place::{Place, run};

#[test]
fn no_repository_is_10() {
    let place = Place::new();
    let ran = place.run(&["snapshots"]).expect(10);
    assert_eq!(ran.stdout, "");
    assert!(ran.stderr.contains("error: there is no repository") && ran.stderr.contains("  hint: "), "{}", ran.stderr);
    fs::create_dir(place.path("repository")).unwrap();
    place.run(&["snapshots"]).expect(10);
}

#[test]
fn a_wrong_key_is_12_and_prints_no_result() {
    let place = Place::with_repository();
    fs::write(place.path("key"), [8; 32]).unwrap();
    let ran = place.run(&["snapshots", "--json"]).expect(12);
    assert_eq!(ran.stdout, "");
    // A password opens no slot of a key file either; none is tried slowly.
    assert_eq!(run(place.bare().env("REPO_PASSWORD", "x").arg("snapshots")).expect(12).stdout, "");
}

#[test]
fn a_later_format_is_13() {
    let place = Place::with_repository();
    let path = place.path("repository/repository.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, text.replace("\"format\": 1", "\"format\": 2")).unwrap();
    assert_eq!(place.run(&["snapshots"]).expect(13).stdout, "");
}

#[test]
fn a_changed_description_is_4() {
    let place = Place::with_repository();
    let path = place.path("repository/repository.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, text.replace("strongroom", "weakroom")).unwrap();
    assert_eq!(place.run(&["snapshots"]).expect(4).stdout, "");
}

#[test]
fn wrong_usage_is_2() {
    let place = Place::new();
    for arguments in [
        &["frobnicate"][..],
        &["snapshots", "--frobnicate"],
        &["-r", "s3://bucket", "snapshots"],
        &["init", "--encryption", "rot13"],
        &["snapshot", "--time", "yesterday", "/"],
        &["snapshot", "--command", "dump"],
        &["snapshot", "--exclude", "x"],
        &["--threads", "0", "snapshots"],
        &["-q", "-v", "snapshots"],
    ] {
        let ran = place.run(arguments).expect(2);
        assert_eq!(ran.stdout, "", "{arguments:?}");
    }
    run(place.command().env_remove("REPO_REPOSITORY").arg("snapshots")).expect(2);
}

#[test]
fn init_over_a_repository_is_1_and_changes_nothing() {
    let place = Place::with_repository();
    let before = crate::cli_place::names(&place.path("repository"));
    let ran = place.run(&["init"]).expect(1);
    assert!(ran.stderr.contains("already"), "{}", ran.stderr);
    assert_eq!(crate::cli_place::names(&place.path("repository")), before);
}

#[test]
fn an_init_that_died_is_done_again_by_the_next() {
    let place = Place::with_repository();
    fs::remove_file(place.path("repository/repository.json")).unwrap();
    place.run(&["snapshots"]).expect(10);
    // One that died has not told this machine of its repository.
    fs::remove_dir_all(place.path("cache")).unwrap();
    place.run(&["init"]).expect(0);
    place.run(&["snapshots"]).expect(0);
}

#[test]
fn init_leaves_a_folder_with_other_things_in_it_alone() {
    let place = Place::new();
    fs::create_dir(place.path("repository")).unwrap();
    fs::write(place.path("repository/letter"), "dear").unwrap();
    place.run(&["init"]).expect(2);
    assert_eq!(crate::cli_place::names(&place.path("repository")).len(), 1);
}

#[test]
fn an_unencrypted_repository_takes_no_key_unless_it_is_allowed() {
    let place = Place::new();
    let ran = place.run(&["init", "--encryption", "none"]).expect(2);
    assert!(ran.stderr.contains("takes no password"), "{}", ran.stderr);
    let ran = run(place.bare().args(["init", "--encryption", "none"])).expect(0);
    assert!(ran.stderr.contains("not encrypted"), "{}", ran.stderr);
    run(place.bare().arg("snapshots")).expect(0);
    place.run(&["snapshots"]).expect(2);
    place.run(&["snapshots", "--allow-unencrypted"]).expect(0);
}

#[test]
fn a_pack_that_is_gone_is_4_whatever_part_of_a_snapshot_is_asked_for() {
    let place = Place::with_snapshot();
    let packs = place.path("repository/packs");
    let folders = std::fs::read_dir(&packs).unwrap().flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap());
    let all: Vec<_> = folders.map(|pack| pack.unwrap().path()).collect();
    let (file, folder) = (format!("latest:{}", place.text("source/sub/c d")), format!("latest:{}", place.text("source")));
    let (back, home) = (place.text("back"), place.text("source/sub"));
    let reads: [&[&str]; 7] = [
        &["cat", &file],
        &["cat", "--archive", "tar", &folder],
        &["cat", "--archive", "zip", &folder],
        &["ls", &file],
        &["restore", &file, &back],
        &["stats", &folder],
        &["diff", &folder, &format!("latest:{home}")],
    ];
    let aside = place.path("aside");
    let mut damaged = 0;
    for pack in &all {
        std::fs::rename(pack, &aside).unwrap();
        place.run(&["stats"]).expect(4);
        for arguments in reads {
            // A zip is no text.
            let ran = place.command().args(arguments).output().unwrap();
            let (code, said) = (ran.status.code().unwrap(), String::from_utf8(ran.stderr).unwrap());
            assert!([0, 4].contains(&code), "{arguments:?} {code} {said}");
            damaged += u32::from(code == 4);
        }
        std::fs::rename(&aside, pack).unwrap();
    }
    assert!(damaged >= 8, "{damaged}");
}
