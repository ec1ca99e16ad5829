//! Where the password comes from, and that nobody is asked where nobody sits.

use std::fs;

use crate::cli_place::{Place, run};

#[test]
fn without_a_source_and_a_terminal_the_message_names_all_sources() {
    let place = Place::with_repository();
    let ran = run(place.bare().arg("snapshots")).expect(2);
    for name in ["REPO_PASSWORD", "REPO_PASSWORD_FILE", "REPO_PASSWORD_COMMAND", "REPO_KEY_FILE", "--password-file", "--key-file"] {
        assert!(ran.stderr.contains(name), "{name}: {}", ran.stderr);
    }
    assert_eq!(ran.stdout, "");
}

#[test]
fn an_option_wins_over_the_environment_and_two_of_a_rank_are_refused() {
    let place = Place::with_repository();
    let key = place.text("key");
    run(place.bare().env("REPO_KEY_FILE", "/none").args(["--key-file", &key, "snapshots"])).expect(0);
    run(place.command().env("REPO_PASSWORD", "x").arg("snapshots")).expect(2);
    place.run(&["--key-file", &key, "--password-file", &key, "snapshots"]).expect(2);
}

#[test]
fn a_password_is_the_same_from_the_environment_a_file_and_a_command() {
    let place = Place::new();
    fs::write(place.path("password"), "correct horse\n# a remark\n").unwrap();
    run(place.bare().env("REPO_PASSWORD", "correct horse").arg("init")).expect(0);
    run(place.bare().args(["--password-file", &place.text("password"), "snapshots"])).expect(0);
    run(place.bare().env("REPO_PASSWORD_COMMAND", "echo correct horse").arg("snapshots")).expect(0);
    run(place.bare().env("REPO_PASSWORD_COMMAND", "echo wrong horse").arg("snapshots")).expect(12);
    run(place.bare().env("REPO_PASSWORD_COMMAND", "exit 7").arg("snapshots")).expect(1);
}

#[test]
fn a_key_file_of_another_length_is_a_mistake_and_not_a_wrong_key() {
    let place = Place::with_repository();
    fs::write(place.path("key"), [7; 33]).unwrap();
    let ran = place.run(&["snapshots"]).expect(2);
    assert!(ran.stderr.contains("32 bytes"), "{}", ran.stderr);
}
