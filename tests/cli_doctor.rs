//! `repo doctor` and `repo recovery-kit`: what a person needs when something is wrong, or gone.

use std::fs;

use crate::cli_config::{by_config, configured};
use crate::cli_place::Place;

fn place() -> Place {
    let place = configured();
    std::process::Command::new("chmod").args(["600", &place.text("password")]).status().unwrap();
    by_config(&place, &["init"]).expect(0);
    place
}

#[test]
fn what_is_wrong_is_named_with_what_to_do_about_it() {
    let place = place();
    let well = by_config(&place, &["doctor"]).expect(0).stdout;
    assert!(well.contains("nothing is wrong") && well.contains("nobody is told when a run fails"), "{well}");

    std::process::Command::new("chmod").args(["644", &place.text("password")]).status().unwrap();
    let database = "[[job.shop.database]]\ntype = \"sqlite\"\nname = \"store\"\npath = \"/no/such.db\"\n[check]";
    let text = fs::read_to_string(place.path("repo.toml")).unwrap();
    fs::write(place.path("repo.toml"), text.replace("[check]", database)).unwrap();
    fs::rename(place.path("source"), place.path("away")).unwrap();
    let wrong = by_config(&place, &["doctor"]).expect(3).stdout;
    for said in ["can be read by others", "do: chmod 600", "database store: there is no database at", "job shop: \"", "is not there"] {
        assert!(wrong.contains(said), "{said}: {wrong}");
    }
    let lines = by_config(&place, &["--json", "doctor"]).expect(3).stdout;
    assert!(lines.lines().any(|line| line.contains("\"is_wrong\":true")));
}

#[test]
fn a_kit_says_what_to_type_and_has_the_secret_only_where_somebody_asks() {
    let place = place();
    by_config(&place, &["snapshot"]).expect(0);
    let kit = by_config(&place, &["recovery-kit"]).expect(0).stdout;
    assert!(kit.contains(&place.text("made")) && kit.contains("restore latest rescued") && !kit.contains("correct horse"), "{kit}");
    let secret = by_config(&place, &["recovery-kit", "--secret", "--html", "kit.html"]).expect(0);
    assert!(secret.stderr.contains("can open the repository"));
    let page = fs::read_to_string(place.path("kit.html")).unwrap();
    assert!(page.contains("correct horse battery") && page.contains("<svg") && !page.contains("<script"));

    // What the page says works with nothing else at hand.
    let line = kit.lines().find(|line| line.contains("restore latest rescued")).unwrap();
    let words: Vec<&str> = line.split_whitespace().skip(1).map(|word| word.trim_matches('"')).collect();
    let mut command = place.bare();
    command.env("REPO_PASSWORD", "correct horse battery").env("REPO_CACHE_DIR", place.path("other-cache")).env_remove("REPO_REPOSITORY");
    crate::cli_place::run(command.current_dir(place.path("")).args(words)).expect(0);
    assert!(place.path("rescued").join(place.path("source/a").strip_prefix("/").unwrap()).exists());
}

#[test]
fn a_key_file_comes_back_from_its_digits() {
    let place = Place::with_repository();
    let kit = place.run(&["recovery-kit", "--secret"]).expect(0).stdout;
    assert!(kit.contains(&"07".repeat(32)) && kit.contains("xxd -r -p > key"), "{kit}");
}
