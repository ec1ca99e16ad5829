//! What a newcomer meets: help, words of other programs, completions, the manual, and what `init` says.

use std::fs;

use crate::cli_place::{Place, run};

#[test]
fn words_of_other_programs_are_answered_with_what_to_type() {
    let place = Place::new();
    for (word, instead) in
        [("backup", "repo snapshot"), ("list", "repo snapshots"), ("unlock", "no lock outlives"), ("mount", "repo restore")]
    {
        let told = place.run(&[word]).expect(2).stderr;
        assert!(told.starts_with(&format!("error: there is no command `{word}`\n  hint: ")) && told.contains(instead), "{told}");
    }
    assert!(place.run(&["snapshto"]).expect(2).stderr.contains("'snapshot'"), "a slip is answered with what is alike");
}

#[test]
fn help_is_a_command_and_says_what_the_exit_codes_mean() {
    let place = Place::new();
    let help = place.run(&["help"]).expect(0).stdout;
    assert!(help.contains("Exit codes:") && help.contains("   11  Another process"), "{help}");
    assert_eq!(place.run(&["help", "restore"]).expect(0).stdout, place.run(&["restore", "--help"]).expect(0).stdout);
}

#[test]
fn the_manual_and_the_completions_have_every_command() {
    let place = Place::new();
    place.run(&["man", &place.text("man")]).expect(0);
    let page = fs::read_to_string(place.path("man/repo-restore.1")).unwrap();
    assert!(page.starts_with(".ie") && page.contains("overwrite") && place.path("man/repo-key-add.1").exists());
    assert!(place.run(&["man"]).expect(0).stdout.contains("unforget"));
    for shell in ["bash", "zsh", "fish"] {
        let text = place.run(&["completions", shell]).expect(0).stdout;
        assert!(text.contains("unforget") && text.contains("keep-daily"), "{shell}");
    }
}

#[test]
fn init_says_what_must_not_be_lost_and_what_comes_next() {
    let place = Place::new();
    let told = run(place.bare().env("REPO_PASSWORD", "short").args(["init"])).expect(0).stderr;
    assert!(told.contains("fewer than 8 characters") && told.contains("without the password nobody"), "{told}");
    let next = told.lines().last().unwrap();
    assert_eq!(next, format!("note: next: repo -r {} snapshot PATH…", place.text("repository")));
}

#[test]
fn a_quiet_init_says_nothing_beside_its_result() {
    let place = Place::new();
    let made = place.run(&["-q", "init"]).expect(0);
    assert_eq!(made.stderr, "");
    let other = Place::new();
    assert_eq!(other.run(&["--json", "init"]).expect(0).stderr, "");
    let keyed = Place::new().run(&["init"]).expect(0).stderr;
    assert!(keyed.contains("without the key file nobody") && !keyed.contains("characters"), "{keyed}");
}
