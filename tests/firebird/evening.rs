//! A whole evening with the real program: the database is saved while its clients go on, comes back by an ordinary restore,
//! and opens.

use std::fs;
use std::path::Path;

use super::server::{ACCOUNTS, Movers, Server};
use crate::cli_config::by_config;
use crate::cli_place::Place;

/// A place whose one job saves the database.
pub fn shop(server: &Server, file: &Path) -> Place {
    let place = Place::new();
    fs::write(place.path("password"), "correct horse battery\n").unwrap();
    fs::write(place.path("login"), "x\n").unwrap();
    let root = place.text("");
    let config = format!(
        "version = 1\nrepository = \"{root}made\"\npassword = {{ file = \"{root}password\" }}\n[job.shop]\nsource = [\"{}\"]\n\
         [[job.shop.database]]\ntype = \"firebird\"\nname = \"store\"\naddress = \"127.0.0.1/{}:{}\"\n\
         login = {{ user = \"SYSDBA\", file = \"{root}login\" }}\nscratch = \"{}\"\n",
        server.path("data").display(),
        server.port,
        file.display(),
        server.path("scratch").display(),
    );
    fs::write(place.path("repo.toml"), config).unwrap();
    place
}

#[test]
fn an_evening_saves_a_database_that_is_open_and_an_ordinary_restore_gives_one_that_opens() {
    let Some(server) = Server::start("Super") else { return };
    let file = server.path("data/store.fdb");
    server.bank(&file, 8);
    let place = shop(&server, &file);
    by_config(&place, &["init"]).expect(0);
    let movers = Movers::begin(&server, &file);
    let first = by_config(&place, &["--json", "run"]).expect(0).json();
    assert_eq!(first["state"], "good", "{first}");
    let second = by_config(&place, &["--json", "run"]).expect(0).json();
    movers.end();
    let stored = |line: &serde_json::Value| {
        let steps = line["steps"].as_array().unwrap().iter();
        steps.filter(|step| step["kind"] == "snapshot").map(|step| step["figures"]["bytes-stored"].as_u64().unwrap()).sum::<u64>()
    };
    assert!(stored(&second) < stored(&first), "only pages that changed are stored again: {second}");

    let live = server.path("data").join("store.fdb");
    let listed = by_config(&place, &["ls", "-R", "latest:/"]).expect(0).stdout;
    assert!(listed.contains("databases/store/store.fdb") && !listed.contains(live.to_str().unwrap().trim_start_matches('/')), "{listed}");
    let back = server.path("scratch/back");
    let restored = by_config(&place, &["restore", "latest:/databases/store", back.to_str().unwrap()]).expect(0);
    assert!(!restored.stderr.contains("damaged"), "{}", restored.stderr);
    let count = server.count_copy(&back.join("store.fdb"));
    assert_eq!(count.money, ACCOUNTS * 100, "the sum holds");
}
