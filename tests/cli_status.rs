//! `repo status`: one sentence, and the exit code of it.

use std::fs;

use serde_json::Value;

use crate::cli_config::{by_config, configured};
use crate::cli_place::Place;

/// A place with a repository and a job that runs by hand.
fn place() -> Place {
    let place = configured();
    by_config(&place, &["init"]).expect(0);
    change(&place, "schedule = \"Mon..Sat 19:30\"", "");
    place
}

fn change(place: &Place, from: &str, to: &str) {
    let text = fs::read_to_string(place.path("repo.toml")).unwrap();
    assert!(text.contains(from), "{from}: {text}");
    fs::write(place.path("repo.toml"), text.replacen(from, to, 1)).unwrap();
}

fn status(place: &Place, code: i32) -> Value {
    by_config(place, &["--json", "status"]).expect(code).json()
}

#[test]
fn before_the_first_run_nothing_is_well_and_after_it_everything_is() {
    let place = place();
    let never = status(&place, 3);
    assert_eq!(
        (never["sentence"].as_str(), never["series"][0]["state"].as_str()),
        (Some("Not well: `shop` was never saved."), Some("never"))
    );
    by_config(&place, &["run"]).expect(0);
    let well = status(&place, 0);
    assert!(well["sentence"].as_str().unwrap().starts_with("All is well: everything was saved, last on "), "{well}");
    assert!(well["series"][0]["last_good"].is_string() && well["series"][0]["checked"]["outcome"] == "good");
    let said = by_config(&place, &["status"]).expect(0).stdout;
    assert!(said.starts_with("All is well: ") && said.lines().nth(2).is_some_and(|line| line.starts_with("shop")), "{said}");
    let quiet = by_config(&place, &["-q", "status"]).expect(0);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
}

#[test]
fn a_run_that_failed_shows_until_one_that_did_not_and_its_reason_is_said() {
    let place = place();
    by_config(&place, &["run"]).expect(0);
    fs::rename(place.path("source"), place.path("away")).unwrap();
    by_config(&place, &["run"]).expect(1);
    let failed = status(&place, 3);
    assert_eq!(failed["series"][0]["state"], "failed");
    assert!(failed["series"][0]["reasons"][0].as_str().unwrap().contains("is not there; nothing was committed"), "{failed}");
    assert!(failed["series"][0]["last_good"].is_string(), "what is there is still there");
    fs::rename(place.path("away"), place.path("source")).unwrap();
    by_config(&place, &["run"]).expect(0);
    status(&place, 0);
}

#[test]
fn a_suspect_snapshot_shows_until_it_is_accepted() {
    let place = place();
    (0..30).for_each(|number| fs::write(place.path(&format!("source/{number}")), "paper").unwrap());
    by_config(&place, &["run"]).expect(0);
    (0..30).for_each(|number| fs::remove_file(place.path(&format!("source/{number}"))).unwrap());
    by_config(&place, &["run"]).expect(3);
    let suspect = status(&place, 3);
    let reason = suspect["series"][0]["reasons"].to_string();
    assert!(suspect["series"][0]["state"] == "suspect" && reason.contains("30 of 33 files") && reason.contains("repo accept"), "{suspect}");
    by_config(&place, &["accept", "latest"]).expect(0);
    status(&place, 0);
}

#[test]
fn what_should_have_run_long_ago_outranks_a_good_snapshot_and_runs_once_when_it_is_started() {
    let place = place();
    change(&place, "full     =", "schedule = \"2020-01-01 12:00\"\nfull     =");
    by_config(&place, &["snapshot"]).expect(0);
    let late = status(&place, 3);
    assert_eq!(
        (late["series"][0]["state"].as_str(), late["series"][0]["overdue_since"].as_str()),
        (Some("overdue"), Some("2020-01-01T12:00:00.000000000Z"))
    );
    assert!(late["sentence"].as_str().unwrap().contains("`shop` is late; it was last saved on"), "{late}");
    let first = by_config(&place, &["--json", "run", "--scheduled"]).expect(0).stdout;
    assert!(first.contains("\"state\":\"good\""), "{first}");
    assert_eq!(by_config(&place, &["--json", "run", "--scheduled"]).expect(0).stdout, "", "one run answers all that was missed");
    status(&place, 0);
}

#[test]
fn a_job_that_waits_for_a_disk_is_neither_run_nor_failed() {
    let place = place();
    by_config(&place, &["run"]).expect(0);
    change(&place, "full     =", "schedule = \"*:*:*\"\nafter = [\"mounted:/no/such/disk\"]\nfull     =");
    let waits = by_config(&place, &["run", "--scheduled"]).expect(0);
    assert!(waits.stderr.contains("job `shop` waits for the disk at \"/no/such/disk\"") && waits.stdout.is_empty(), "{}", waits.stderr);
    let told = status(&place, 3);
    assert_eq!(told["series"][0]["state"], "waiting", "{told}");

    // Once it is late, somebody is told, once for each time that it should have run.
    change(&place, "*:*:*", "2020-01-01 12:00");
    change(&place, "[check]", "[[notify]]\non = [\"late\"]\ncommand = [\"sh\", \"-c\", \"echo $REPO_EVENT >> told\"]\n[check]");
    fs::remove_dir_all(place.path("made")).unwrap();
    fs::remove_dir_all(place.path("cache")).unwrap();
    by_config(&place, &["init"]).expect(0);
    by_config(&place, &["snapshot"]).expect(0);
    for _ in 0..2 {
        by_config(&place, &["run", "--scheduled"]).expect(0);
    }
    assert_eq!(fs::read_to_string(place.path("told")).unwrap(), "late\n");
    assert_eq!(status(&place, 3)["series"][0]["state"], "overdue");
}

#[test]
fn damage_is_said_first_and_is_the_exit_code() {
    let place = place();
    change(&place, "\"1%\"", "\"100%\"");
    by_config(&place, &["run"]).expect(0);
    let packs = fs::read_dir(place.path("made/packs")).unwrap().flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap());
    for pack in packs.map(|entry| entry.unwrap().path()) {
        let mut bytes = fs::read(&pack).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&pack, bytes).unwrap();
    }
    by_config(&place, &["run"]).expect(4);
    assert!(status(&place, 4)["sentence"].as_str().unwrap().contains("stored data is damaged"));
}

#[test]
fn files_that_cannot_be_read_are_named_with_since_when() {
    let place = place();
    by_config(&place, &["run"]).expect(0);
    fs::write(place.path("source/locked"), "x").unwrap();
    let mut chown = std::process::Command::new("chmod");
    chown.args(["0", &place.text("source/locked")]).status().unwrap();
    if fs::read(place.path("source/locked")).is_ok() {
        println!("skipped: needs a user who is not root");
        return;
    }
    by_config(&place, &["run"]).expect(3);
    let told = status(&place, 3);
    assert!(told["series"][0]["unreadable"][0]["path"].as_str().unwrap().ends_with("source/locked"), "{told}");
}

#[test]
fn a_page_and_figures_are_written_whole() {
    let place = place();
    by_config(&place, &["run"]).expect(0);
    by_config(&place, &["-q", "status", "--html", "status.html", "--prometheus", "repo.prom"]).expect(0);
    let page = fs::read_to_string(place.path("status.html")).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.contains("All is well") && page.ends_with("</html>\n"));
    let figures = fs::read_to_string(place.path("repo.prom")).unwrap();
    assert!(figures.contains("\nrepo_well 1\n") && figures.contains("repo_job_well{job=\"shop\"} 1\n"), "{figures}");
    assert!(!fs::read_dir(place.path("")).unwrap().any(|entry| entry.unwrap().file_name().to_string_lossy().ends_with(".new")));
}

#[test]
fn folders_beside_the_sources_that_no_job_covers_are_named() {
    let place = place();
    fs::create_dir(place.path("scans")).unwrap();
    by_config(&place, &["run"]).expect(0);
    let uncovered = status(&place, 0)["uncovered"].to_string();
    assert!(
        uncovered.contains(&place.text("scans"))
            && !uncovered.contains(&place.text("source\""))
            && !uncovered.contains(&place.text("made")),
        "{uncovered}"
    );
}

#[test]
fn an_open_database_without_a_profile_is_named_until_it_has_one() {
    let place = place();
    let path = place.path("source/shop.db");
    let own = rusqlite::Connection::open(&path).unwrap();
    own.pragma_update(None, "journal_mode", "wal").unwrap();
    own.execute_batch("create table t (a blob); insert into t values (zeroblob(200000))").unwrap();
    own.execute_batch("pragma wal_checkpoint(truncate)").unwrap();
    let ran = by_config(&place, &["run"]).expect(0).stdout;
    assert!(ran.contains("shop.db") && ran.contains("it is a database that is open"), "{ran}");
    let told = status(&place, 3);
    assert!(told["series"][0]["open_databases"].to_string().contains("source/shop.db"), "{told}");
    assert_eq!(told["series"][0]["state"], "incomplete");
    change(&place, "[check]", &format!("[[job.shop.database]]\ntype = \"sqlite\"\nname = \"shop\"\npath = {path:?}\n[check]"));
    by_config(&place, &["run"]).expect(0);
    assert_eq!(status(&place, 0)["series"][0]["open_databases"].as_array().unwrap().len(), 0);
}
