//! What a restore says of a copy that an earlier one had begun.

use std::fs;

use super::evening::shop;
use super::server::Server;
use crate::cli_config::by_config;

#[test]
fn a_copy_that_is_still_locked_and_was_not_made_by_this_restore_is_named() {
    let Some(server) = Server::start("Super") else { return };
    let file = server.path("data/store.fdb");
    server.bank(&file, 1);
    let place = shop(&server, &file);
    by_config(&place, &["init"]).expect(0);
    by_config(&place, &["run"]).expect(0);
    // As a restore leaves it that was killed before its last step.
    let back = server.path("scratch/back");
    fs::create_dir(&back).unwrap();
    let mut command = place.bare();
    command.env("HOME", place.path("home")).env("XDG_STATE_HOME", place.path("state")).env_remove("REPO_REPOSITORY");
    let saved = command.current_dir(place.path("")).args(["cat", "latest:/databases/store/store.fdb"]).output().unwrap();
    fs::write(back.join("store.fdb"), &saved.stdout).unwrap();
    let to = ["restore", "latest:/databases/store", back.to_str().unwrap(), "--overwrite", "never"];
    let left = by_config(&place, &to);
    assert!(left.code == 4 && left.stderr.contains("says that it is locked"), "{}: {}", left.code, left.stderr);
    assert_eq!(fs::read(back.join("store.fdb")).unwrap(), saved.stdout, "it was left as it was");
    fs::remove_file(back.join("store.fdb")).unwrap();
    by_config(&place, &to).expect(0);
    assert_eq!(server.count_copy(&back.join("store.fdb")).pages, 400);
}
