//! A run that is killed while the database is locked: nothing is lost, and the next run releases what it left.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use strongroom::databases::firebird::State;

use super::evening::shop;
use super::server::{ACCOUNTS, Movers, Server};
use crate::cli_config::by_config;
use crate::cli_place::{Place, names};

/// Begins a run of the program itself.
fn begin(place: &Place) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_repo"));
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", place.path("home")).env("XDG_STATE_HOME", place.path("state"));
    command.env("REPO_CACHE_DIR", place.path("cache")).current_dir(place.path("")).arg("run");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Records of locks that are there, whole or not.
fn records(place: &Place) -> Vec<String> {
    let state = place.path("state");
    let all = if state.exists() { names(&state) } else { Vec::new() };
    all.into_iter().filter(|name| name.contains("firebird-locks/")).collect()
}

/// Those that are whole: nothing is asked for before they are.
fn whole_records(place: &Place) -> Vec<String> {
    records(place).into_iter().filter(|name| !name.contains("/.new-")).collect()
}

fn delta_bytes(file: &Path) -> u64 {
    std::fs::metadata(file.with_extension("fdb.delta")).map_or(0, |found| found.len())
}

/// Kills a run in the moment that `has_come` says has come; again where the run was faster than we looked.
fn kill_when(place: &Place, mut has_come: impl FnMut() -> bool) {
    for _ in 0..50 {
        let mut run = begin(place);
        loop {
            if has_come() {
                run.kill().unwrap();
                run.wait().unwrap();
                return;
            }
            if run.try_wait().unwrap().is_some() {
                break;
            }
        }
    }
    panic!("the moment never came");
}

/// When a run is killed, in words, and what says that it has come.
type Moment<'a> = (&'a str, Box<dyn FnMut() -> bool + 'a>);

fn killed(mode: &str) {
    let Some(server) = Server::start(mode) else { return };
    let file = server.path("data/store.fdb");
    server.bank(&file, 8);
    let place = shop(&server, &file);
    by_config(&place, &["init"]).expect(0);
    let movers = Movers::begin(&server, &file);
    let mut was_locked = false;
    let mut moments: [Moment<'_>; 4] = [
        ("it is written down", Box::new(|| !records(&place).is_empty())),
        ("it is locked", Box::new(|| server.state(&file) == State::Locked)),
        ("rows go to the difference file", Box::new(|| server.state(&file) == State::Locked && delta_bytes(&file) > 40_000)),
        (
            "it is being released",
            Box::new(|| {
                let state = server.state(&file);
                was_locked |= state == State::Locked;
                was_locked && state != State::Locked
            }),
        ),
    ];
    for (round, (moment, has_come)) in moments.iter_mut().enumerate() {
        kill_when(&place, has_come);
        server.mark(&file, &format!("after kill {round}"));
        // Of each second kill the doctor is first, and releases what there is.
        if round % 2 == 1 {
            let has_released = (0..200).any(|_| {
                by_config(&place, &["doctor"]);
                server.state(&file) == State::Normal && whole_records(&place).is_empty()
            });
            assert!(has_released, "{moment}: {}", by_config(&place, &["doctor"]).stdout);
        }
        // A tool that the killed run had started may still be at work: then the lock is in use, and is not touched.
        let ended = (0..200).map(|_| by_config(&place, &["run"])).find(|ran| ran.code == 0);
        let ended = ended.unwrap_or_else(|| panic!("{moment}: {}", by_config(&place, &["run"]).stdout));
        assert_eq!((server.state(&file), whole_records(&place)), (State::Normal, vec![]), "{moment}: {}", ended.stdout);
        assert_eq!(delta_bytes(&file), 0, "{moment}");
        let back = server.path(&format!("scratch/back {round}"));
        by_config(&place, &["restore", "latest:/databases/store", back.to_str().unwrap()]).expect(0);
        let count = server.count_copy(&back.join("store.fdb"));
        let marks: Vec<String> = (0..=round).map(|round| format!("after kill {round}")).collect();
        assert_eq!((count.money, count.pages, count.markers), (ACCOUNTS * 100, 8 * 400, marks), "{moment}");
    }
    let moved = movers.end();
    let count = server.count(&file);
    assert_eq!((count.money, count.moved), (ACCOUNTS * 100, moved), "every row that was committed is there");
}

#[test]
fn a_run_that_is_killed_beside_a_super_server_loses_no_row_and_the_next_releases_its_lock() {
    killed("Super");
}

#[test]
fn a_run_that_is_killed_beside_a_classic_server_loses_no_row_and_the_next_releases_its_lock() {
    killed("Classic");
}
