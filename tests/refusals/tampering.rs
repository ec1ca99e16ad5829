//! A wrong password, a description that was changed, a record of a later version.

use std::fs;
use std::sync::Arc;

use strongroom::id::{ClientId, RecordId, RunId};
use strongroom::manifest::Record;
use strongroom::pack::{ObjectKind, seal_object};
use strongroom::repository::{Credential, OpenOptions, Repository};
use strongroom::storage::LocalStorage;
use strongroom::units::Timestamp;
use strongroom::wire::Extensions;

use crate::cli_place::{Place, names, run};

#[test]
fn a_wrong_password_is_12_for_every_command_and_prints_no_result() {
    let place = Place::new();
    let with = |password: &str, arguments: &[&str]| run(place.bare().env("REPO_PASSWORD", password).args(arguments));
    with("right", &["init"]).expect(0);
    with("right", &["snapshot", &place.text("source")]).expect(0);
    let (source, back) = (place.text("source"), place.text("back"));
    let before = names(&place.path("repository"));
    for arguments in
        [&["snapshot", &source][..], &["snapshots", "--json"], &["ls", "latest"], &["restore", "latest", &back], &["key", "list"]]
    {
        for password in ["wrong", "Right", "right ", ""] {
            let ran = with(password, arguments);
            // Nothing at all is no password: that is a mistake of usage.
            assert_eq!(ran.code, if password.is_empty() { 2 } else { 12 }, "{arguments:?} {password:?}: {}", ran.stderr);
            assert_eq!(ran.stdout, "", "{arguments:?} {password:?}");
        }
    }
    assert_eq!(names(&place.path("repository")), before);
    assert!(!place.path("back").exists());
}

/// Changes `repository.json` with `change` and expects every command to end with `code`.
#[track_caller]
fn assert_refused(code: i32, change: impl FnOnce(&str) -> String) {
    let place = Place::with_snapshot();
    let path = place.path("repository/repository.json");
    let text = fs::read_to_string(&path).unwrap();
    let changed = change(&text);
    assert_ne!(text, changed);
    fs::remove_file(&path).unwrap();
    fs::write(&path, changed).unwrap();
    let before = names(&place.path("repository"));
    for command in [&["snapshot", &place.text("source")][..], &["snapshots"], &["restore", "latest", &place.text("back")]] {
        for further in [&[][..], &["--no-catalog"], &["--allow-unencrypted"]] {
            let ran = place.run(&[command, further].concat());
            let is_as_expected = ran.code == code || (code == 2 && further == ["--allow-unencrypted"] && ran.code == 4);
            assert!(is_as_expected, "{command:?} {further:?} ended with {}: {}", ran.code, ran.stderr);
            assert_eq!(ran.stdout, "", "{command:?} {further:?}");
        }
    }
    assert_eq!(names(&place.path("repository")), before, "nothing was written");
    assert!(!place.path("back").exists());
}

#[test]
fn another_id_in_the_description_is_refused() {
    // The key slots were sealed for the id, so none opens.
    assert_refused(12, |text| {
        let id = text.split('"').skip_while(|part| *part != "id").nth(2).unwrap();
        text.replace(id, &id.chars().rev().collect::<String>())
    });
}

#[test]
fn a_later_format_in_the_description_is_refused() {
    assert_refused(13, |text| text.replace("\"format\": 1", "\"format\": 99"));
}

#[test]
fn an_unknown_feature_in_the_description_is_refused() {
    assert_refused(13, |text| text.replace("[]", "[\"erasure-coding\"]"));
}

#[test]
fn a_space_more_in_the_description_is_refused() {
    assert_refused(4, |text| text.replacen("\": ", "\":  ", 1));
}

#[test]
fn another_cipher_in_the_description_is_refused() {
    assert_refused(4, |text| text.replace("aes-256-gcm", "chacha20-poly1305"));
}

#[test]
fn nobody_turns_an_encrypted_repository_into_a_plain_one() {
    assert_refused(2, |text| text.replace("aes-256-gcm", "none"));
    // Without a key, too, nothing is written into it.
    let place = Place::with_snapshot();
    let path = place.path("repository/repository.json");
    let text = fs::read_to_string(&path).unwrap().replace("aes-256-gcm", "none");
    fs::remove_file(&path).unwrap();
    fs::write(&path, text).unwrap();
    let before = names(&place.path("repository"));
    assert_eq!(run(place.bare().args(["snapshot", &place.text("source")])).expect(4).stdout, "");
    assert_eq!(names(&place.path("repository")), before);
}

/// Puts a sealed record of the type `record_type` into the repository, as another version might.
fn publish_record(place: &Place, record_type: u16) {
    let key = fs::read(place.path("key")).unwrap();
    let options =
        OpenOptions { credential: Some(Credential::KeyFile(key.into())), allow_unencrypted: false, cache_root: None, no_catalog: true };
    let storage = Arc::new(LocalStorage::open(&place.path("repository")).unwrap());
    let repository = Repository::open(storage, options).unwrap();
    let record = Record {
        record_type,
        counter: 5,
        run: RunId([3; 16]),
        client: ClientId([4; 16]),
        time: Timestamp::new(1_800_000_000, 0),
        payload: b"from another time".to_vec(),
        extensions: Extensions::none(),
    };
    let bytes = seal_object(repository.keys(), ObjectKind::Record, record.run, &record.encode()).unwrap();
    let id = RecordId(*blake3::hash(&bytes).as_bytes());
    fs::write(place.path(&format!("repository/records/{id}")), bytes).unwrap();
}

#[test]
fn an_unknown_critical_record_forbids_writing_and_allows_reading() {
    let place = Place::with_snapshot();
    publish_record(&place, 0x8f00);
    let before = names(&place.path("repository"));
    for kind in ["full", "incremental", "differential"] {
        let ran = place.run(&["snapshot", "--kind", kind, &place.text("source")]).expect(13);
        assert!(ran.stdout.is_empty() && ran.stderr.contains("0x8f00"), "{}", ran.stderr);
    }
    fs::write(place.path("new key"), [9; 32]).unwrap();
    place.run(&["key", "add", "--new-key-file", &place.text("new key")]).expect(13);
    place.run(&["key", "list"]).expect(0);
    assert_eq!(names(&place.path("repository")), before);
    assert!(place.run(&["ls", "-R", "latest"]).expect(0).stdout.contains("sub/c d"));
    place.run(&["restore", &format!("latest:{}", place.text("source")), &place.text("back")]).expect(0);
    assert_eq!(fs::read_to_string(place.path("back/a")).unwrap(), "first");
}

#[test]
fn an_unknown_record_that_is_not_critical_is_let_be() {
    let place = Place::with_snapshot();
    publish_record(&place, 0x0f00);
    place.run(&["snapshot", &place.text("source")]).expect(0);
    place.run(&["ls", "latest"]).expect(0);
}
