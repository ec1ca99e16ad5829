//! `repo drill`: what is whole is proved, and what is not is blamed on the right place.

use std::fs;

use serde_json::Value;

use crate::cli_config::{by_config, configured};
use crate::cli_place::Place;

fn place() -> Place {
    let place = configured();
    by_config(&place, &["init"]).expect(0);
    fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pictures/small.jpg"), place.path("source/picture.jpg")).unwrap();
    place
}

fn drill(place: &Place, code: i32) -> Value {
    let scratch = place.text("scratch");
    fs::create_dir_all(&scratch).unwrap();
    by_config(place, &["--json", "drill", "--scratch", &scratch]).expect(code).json()
}

#[test]
fn a_drill_proves_what_is_whole_and_stands_in_the_ledger_and_the_status() {
    let place = place();
    by_config(&place, &["snapshot"]).expect(0);
    let proved = drill(&place, 0);
    assert_eq!((proved["is_proved"].as_bool(), proved["rung"].as_str(), proved["files"].as_u64()), (Some(true), Some("opened"), Some(4)));
    assert!(proved["compared"] == 4 && proved["opened"].as_u64().unwrap() >= 3);
    let again = by_config(&place, &["--json", "drill", "--random", "2", "--newest", "0", "--seed", "5"]).expect(0).json();
    assert_eq!((again["seed"].as_u64(), again["files"].as_u64()), (Some(5), Some(2)));
    let status = by_config(&place, &["--json", "status"]);
    assert!(status.stdout.contains("\"proved\":{") && status.stdout.contains("\"outcome\":\"good\""), "{}", status.stdout);
    by_config(&place, &["drill", "--html", "drill.html"]).expect(0);
    let page = fs::read_to_string(place.path("drill.html")).unwrap();
    assert!(page.contains("data:image/png;base64,") && page.contains("Proved: shop on") && !page.contains("<script"));
}

#[test]
fn a_picture_and_a_database_that_were_damaged_at_the_source_are_red_until_they_are_good_again() {
    let place = place();
    let database = place.path("source/plain.db");
    rusqlite::Connection::open(&database)
        .unwrap()
        .execute_batch("create table t (a text); insert into t values (zeroblob(20000)); create index i on t (a)")
        .unwrap();
    by_config(&place, &["run"]).expect(0);
    assert_eq!(drill(&place, 0)["is_proved"], true);
    let picture = fs::read(place.path("source/picture.jpg")).unwrap();
    fs::write(place.path("source/picture.jpg"), &picture[..picture.len() / 2]).unwrap();
    let mut bytes = fs::read(&database).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 2000].fill(0x55);
    fs::write(&database, bytes).unwrap();
    by_config(&place, &["run"]).expect(0);
    let red = drill(&place, 3);
    let failures = red["failures"].as_array().unwrap();
    let paths: Vec<&str> = failures.iter().map(|failure| failure["path"].as_str().unwrap().rsplit('/').next().unwrap()).collect();
    assert_eq!(paths, ["picture.jpg", "plain.db"], "{red}");
    assert!(failures.iter().all(|failure| failure["is_of_source"] == true && failure["earlier"].is_string()));
    // No newer backup hides it.
    by_config(&place, &["run"]).expect(0);
    let status = by_config(&place, &["--json", "status"]).expect(3).json();
    assert!(status["series"][0]["state"] == "failed" && status["series"][0]["reasons"].to_string().contains("drill failed"), "{status}");
    fs::write(place.path("source/picture.jpg"), picture).unwrap();
    fs::remove_file(&database).unwrap();
    by_config(&place, &["run"]).expect(0);
    drill(&place, 0);
    assert_eq!(by_config(&place, &["--json", "status"]).expect(0).json()["series"][0]["proved"]["outcome"], "good");
}

#[test]
fn a_drill_that_could_not_look_takes_nothing_back_of_one_that_failed() {
    let place = place();
    let picture = place.path("source/picture.jpg");
    let whole = fs::read(&picture).unwrap();
    fs::write(&picture, &whole[..whole.len() / 2]).unwrap();
    by_config(&place, &["snapshot"]).expect(0);
    assert_eq!(drill(&place, 3)["is_proved"], false);
    let reasons = |place: &Place| by_config(place, &["status"]).stdout;
    assert!(reasons(&place).contains("drill failed"), "{}", reasons(&place));
    let file = place.text("source/a");
    assert_ne!(by_config(&place, &["drill", "--scratch", &file]).code, 0);
    assert!(reasons(&place).contains("drill failed"), "{}", reasons(&place));
    let figures = by_config(&place, &["status", "--prometheus"]).stdout;
    assert!(!figures.contains("repo_job_last_proved_seconds{"), "{figures}");
}

#[test]
fn a_drill_that_is_due_is_a_step_of_the_evening_once() {
    let place = place();
    let steps = |code: i32| {
        let line = by_config(&place, &["--json", "run"]).expect(code).json();
        line["steps"].as_array().unwrap().iter().find(|step| step["kind"] == "drill").unwrap().clone()
    };
    let first = steps(0);
    assert!(first["state"] == "good" && first["message"].as_str().unwrap().starts_with("opened: 4 of 4 files"), "{first}");
    assert_eq!(steps(0)["state"], "skipped", "once a month is enough");
}
