//! `repo config`, and what a configuration does for the other commands.

use std::fs;

use crate::cli_place::{Place, Ran, run};

/// A place with a configuration that names its repository and its password.
pub fn configured() -> Place {
    let place = Place::new();
    fs::write(place.path("password"), "correct horse battery\n").unwrap();
    let arguments = ["config", "example", "--for", "source", "--to", "made", "--password", "password"];
    let example = by_config(&place, &arguments).expect(0).stdout;
    assert!(example.lines().count() <= 60);
    fs::write(place.path("repo.toml"), example).unwrap();
    place
}

/// Runs a command in the place with nothing in the environment that says where the repository is.
pub fn by_config(place: &Place, arguments: &[&str]) -> Ran {
    let mut command = place.bare();
    command.env_remove("REPO_REPOSITORY").env("HOME", place.path("home")).env("XDG_STATE_HOME", place.path("state"));
    run(command.current_dir(place.path("")).args(arguments))
}

#[test]
fn the_example_is_right_and_with_it_the_four_lines_work_without_more() {
    let place = configured();
    let checked = by_config(&place, &["config", "check"]).expect(0);
    assert!(checked.stdout.ends_with("repo.toml\" is right: 1 job\n"), "{}", checked.stdout);
    by_config(&place, &["init"]).expect(0);
    by_config(&place, &["snapshot", "--kind", "incremental"]).expect(0);
    let id = by_config(&place, &["--json", "snapshots"]).expect(0).json()["id"].as_str().unwrap().to_owned();
    by_config(&place, &["restore", &id, "back"]).expect(0);
    let saved = place.path("back").join(place.path("source/a").strip_prefix("/").unwrap());
    assert_eq!(fs::read_to_string(saved).unwrap(), "first");
    by_config(&place, &["prune", "--keep-daily", "7", "--keep-weekly", "4"]).expect(0);
    assert!(place.path("made/repository.json").exists());
}

#[test]
fn every_mistake_is_shown_in_its_place_and_no_other_command_begins() {
    let place = configured();
    let text = fs::read_to_string(place.path("repo.toml")).unwrap();
    fs::write(place.path("repo.toml"), text.replace("exclude  =", "exlcude  =").replace("\"monthly\"", "\"mothly\"")).unwrap();
    let wrong = by_config(&place, &["config", "check"]).expect(2).stderr;
    assert!(
        wrong.contains("has 2 mistakes") && wrong.contains("repo.toml:12:1: there is no key `exlcude` in `job`; `exclude`?"),
        "{wrong}"
    );
    assert!(wrong.contains("\n    exlcude  = [\"*.tmp\"]\n    ^^^^^^^\n"), "{wrong}");
    let json = by_config(&place, &["--json", "config", "check"]).expect(2).json();
    assert_eq!(
        (json["is_right"].as_bool(), json["mistakes"][0]["line"].as_u64(), json["mistakes"][1]["column"].as_u64()),
        (Some(false), Some(12), Some(12))
    );
    let refused = by_config(&place, &["init"]).expect(2).stderr;
    assert!(refused.contains("is wrong: 12:1: ") && refused.contains("repo config check"), "{refused}");
    assert!(!place.path("made").exists());
}

#[test]
fn options_and_the_environment_come_before_the_configuration_and_its_password_opens_no_other_repository() {
    let place = configured();
    by_config(&place, &["init"]).expect(0);
    place.run(&["init"]).expect(0);
    let mut command = place.command();
    let listed = run(command.current_dir(place.path("")).args(["snapshots"]));
    assert_eq!(listed.code, 0, "the key file opens the one of the environment: {}", listed.stderr);
    let mut other = place.bare();
    let refused = run(other.current_dir(place.path("")).args(["snapshots"])).expect(2).stderr;
    assert!(refused.contains("a password is needed"), "{refused}");
}

#[test]
fn what_is_shown_says_where_it_comes_from_and_never_what_the_password_is() {
    let place = configured();
    let shown = by_config(&place, &["config", "show"]).expect(0).stdout;
    let line = |begin: &str| shown.lines().find(|line| line.starts_with(begin)).unwrap_or_else(|| panic!("{begin}: {shown}"));
    assert!(line("job.shop.keep = daily 7, weekly 4, monthly 12, yearly 7").ends_with("# repo.toml:6"));
    assert!(line("job.shop.exclude_caches = false").ends_with("# default"));
    assert!(line("password = the first line of").ends_with("# repo.toml:3"));
    assert!(!shown.contains("correct horse"));
    by_config(&place, &["config", "show", "shop"]).expect(0);
    let missing = by_config(&place, &["config", "show", "shopp"]).expect(2).stderr;
    assert!(missing.contains("there are: shop"), "{missing}");
    let lines = by_config(&place, &["--json", "config", "show"]).expect(0).stdout;
    assert!(lines.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["from"].is_string()));
}

#[test]
fn without_a_configuration_its_commands_say_how_to_make_one() {
    let place = Place::new();
    let missing = by_config(&place, &["config", "show"]).expect(2).stderr;
    assert!(missing.contains("repo config example > repo.toml"), "{missing}");
    let named = by_config(&place, &["--config", "none.toml", "config", "check"]).expect(1).stderr;
    assert!(named.contains("there is no configuration at \"none.toml\""), "{named}");
}
