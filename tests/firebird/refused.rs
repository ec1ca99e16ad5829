//! What is not ours is left: a lock that somebody else has.

use std::process::Command;

use strongroom::databases::firebird::State;

use super::evening::shop;
use super::server::{Server, succeed};
use crate::cli_config::by_config;

fn nbackup(server: &Server, file: &std::path::Path, what: &str) {
    let mut command = Command::new("nbackup");
    succeed(command.args([what, &server.address(file)]).envs(server.variables()).env("ISC_USER", "SYSDBA").env("ISC_PASSWORD", "x"));
}

#[test]
fn a_lock_that_somebody_else_has_is_named_and_neither_a_run_nor_the_doctor_releases_it() {
    let Some(server) = Server::start("Super") else { return };
    let file = server.path("data/store.fdb");
    server.bank(&file, 1);
    let place = shop(&server, &file);
    by_config(&place, &["init"]).expect(0);
    nbackup(&server, &file, "-L");
    server.mark(&file, "since the lock");
    let ran = by_config(&place, &["run"]);
    assert!(ran.code != 0 && ran.stdout.contains("locked"), "{}: {}", ran.code, ran.stdout);
    let doctor = by_config(&place, &["doctor"]);
    assert!(doctor.code != 0, "{}", doctor.stdout);
    assert_eq!(server.state(&file), State::Locked);
    assert_eq!(by_config(&place, &["--json", "snapshots"]).expect(0).stdout, "");
    nbackup(&server, &file, "-N");
    assert_eq!(server.count(&file).markers, ["since the lock"]);
    by_config(&place, &["run"]).expect(0);
}
