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

#[test]
fn a_password_that_an_editor_or_a_shell_wrapped_is_the_one_that_a_person_types() {
    let utf16: Vec<u8> = "\u{feff}secret\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for content in [&b"\xef\xbb\xbfsecret\r\n"[..], &utf16] {
        let place = Place::new();
        fs::write(place.path("password"), content).unwrap();
        run(place.bare().args(["--password-file", &place.text("password"), "init"])).expect(0);
        run(place.bare().env("REPO_PASSWORD", "secret").arg("snapshots")).expect(0);
        run(place.bare().env("REPO_PASSWORD", "secret\n").arg("snapshots")).expect(0);
        let command = format!("cat {}", place.text("password"));
        run(place.bare().env("REPO_PASSWORD_COMMAND", command).arg("snapshots")).expect(0);
        run(place.bare().env("REPO_PASSWORD", "secret\n\n").arg("snapshots")).expect(12);
    }
}

#[test]
fn a_password_that_nobody_can_type_makes_no_repository_and_no_key() {
    let place = Place::with_repository();
    for content in [&b"s\0e\0c\0r\0e\0t\0"[..], b"se\rcret", b"\x1b[200~secret", b"\xff\xfes", b"\xef\xbb\xbf\n"] {
        fs::write(place.path("password"), content).unwrap();
        let file = place.text("password");
        run(place.bare().args(["-r", &place.text("other"), "--password-file", &file, "init"])).expect(2);
        run(place.bare().args(["-r", &place.text("other"), "--password-file", &file, "snapshot", "--init", "/etc/hostname"])).expect(2);
        place.run(&["key", "add", "--new-password-file", &file]).expect(2);
        place.run(&["key", "change", "--new-password-file", &file]).expect(2);
    }
    assert!(!place.path("other").exists());
    run(place.bare().env("REPO_PASSWORD", "two\nlines").args(["-r", &place.text("other"), "init"])).expect(2);
    place.run(&["check"]).expect(0);
}

#[test]
fn a_repository_that_was_made_with_an_odd_password_opens_with_what_it_was_made_with() {
    use strongroom::crypto::{Algorithm, Argon2Cost};
    use strongroom::repository::{CreateOptions, Credential, create};
    use strongroom::storage::LocalStorage;
    use strongroom::units::Timestamp;

    let cost = Argon2Cost { memory_kib: 64, passes: 1, lanes: 1 };
    for (made_with, given, is_variable) in [
        (&b"secret\n"[..], &b"secret\n"[..], true),
        (b"\xef\xbb\xbfsecret", b"\xef\xbb\xbfsecret\r\n", false),
        (b"\xff\xfes\0e\0c\0", b"\xff\xfes\0e\0c\0", false),
        (b"\xff\xfex", b"\xff\xfex\n", false),
        (b"\xef\xbb\xbf", b"\xef\xbb\xbf", false),
        (b"tab\tand\x1b", b"tab\tand\x1b\n", false),
    ] {
        let place = Place::new();
        let storage = LocalStorage::create(&place.path("repository")).unwrap();
        let credential = Some(Credential::Password(made_with.to_vec().into()));
        create(&storage, &CreateOptions { algorithm: Algorithm::Aes256Gcm, credential, cost, now: Timestamp::default() }).unwrap();
        fs::write(place.path("password"), given).unwrap();
        let command = || {
            let mut command = place.bare();
            if is_variable {
                command.env("REPO_PASSWORD", std::str::from_utf8(given).unwrap());
            } else {
                command.args(["--password-file", &place.text("password")]);
            }
            command
        };
        run(command().args(["snapshot", &place.text("source")])).expect(0);
        fs::remove_file(place.path("repository/repository.json")).unwrap();
        run(command().arg("repair")).expect(0);
        run(command().arg("check")).expect(0);
        // The way out: a key that can be typed.
        fs::write(place.path("typed"), "secret").unwrap();
        run(command().args(["key", "change", "--new-password-file", &place.text("typed")])).expect(0);
        run(place.bare().env("REPO_PASSWORD", "secret").arg("snapshots")).expect(0);
    }
}
