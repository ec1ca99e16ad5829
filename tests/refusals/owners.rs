//! Whose the files of a repository are: root leaves nothing behind that its owner cannot use, and a group
//! can share one.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::PathBuf;
use std::process::Command;

use crate::cli_place::{Place, Ran, copy_program, names, run};
use crate::needs::{has_tool, is_root};

const GROUP: u32 = 62_000;

/// A place that all can enter, with a program that all can run; nothing where the tests do not run as root.
fn open_place() -> Option<Place> {
    if !is_root() || !has_tool("setpriv") {
        return None;
    }
    let place = Place::new();
    fs::set_permissions(place.path(""), Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(place.path("key"), Permissions::from_mode(0o644)).unwrap();
    copy_program(&place.path("repo"));
    Some(place)
}

/// Makes a folder of `mode` for `owner` and `group`.
fn make_folder(place: &Place, name: &str, owner: u32, group: u32, mode: u32) {
    fs::create_dir(place.path(name)).unwrap();
    chown(place.path(name), Some(owner), Some(group)).unwrap();
    fs::set_permissions(place.path(name), Permissions::from_mode(mode)).unwrap();
}

/// Runs the program as `user`, who is in the group that shares, with a umask that gives nobody anything.
fn run_as(place: &Place, user: u32, arguments: &[&str]) -> Ran {
    let cache = place.path(&format!("cache of {user}"));
    if !cache.exists() {
        make_folder(place, &format!("cache of {user}"), user, user, 0o700);
    }
    let mut command = Command::new("setpriv");
    command.args([format!("--reuid={user}"), format!("--regid={user}"), format!("--groups={GROUP}")]);
    command.args(["/bin/sh", "-c", "umask 077; exec \"$@\"", "sh"]).arg(place.path("repo")).args(arguments);
    command.env_clear().env("PATH", "/usr/bin:/bin").current_dir("/").env("REPO_CACHE_DIR", cache);
    command.env("REPO_KEY_FILE", place.path("key")).env("REPO_REPOSITORY", place.path("repository"));
    run(&mut command.into())
}

fn everything(place: &Place) -> Vec<(PathBuf, fs::Metadata)> {
    let all = names(&place.path("repository")).into_iter().map(PathBuf::from);
    all.map(|path| (path.clone(), path.symlink_metadata().unwrap())).collect()
}

#[test]
fn what_root_makes_in_the_repository_of_a_user_is_of_that_user() {
    let Some(place) = open_place() else { return };
    make_folder(&place, "repository", 61_001, 61_001, 0o700);
    let source = place.text("source");
    run_as(&place, 61_001, &["init"]).expect(0);
    place.run(&["snapshot", "--kind", "full", &source]).expect(0);
    fs::write(place.path("second"), [9; 32]).unwrap();
    place.run(&["key", "add", "--new-key-file", &place.text("second")]).expect(0);
    place.run(&["repair"]).expect(0);
    fs::remove_dir_all(place.path("repository/index")).unwrap();
    place.run(&["repair"]).expect(0);
    for (path, metadata) in everything(&place) {
        assert_eq!((metadata.uid(), metadata.gid()), (61_001, 61_001), "{path:?}");
        assert_eq!(metadata.mode() & 0o077, 0, "{path:?}: it is for its owner alone");
    }
    run_as(&place, 61_001, &["snapshot", "--kind", "full", &source]).expect(0);
    run_as(&place, 61_001, &["prune", "--keep-last", "1"]).expect(0);
    run_as(&place, 61_001, &["check", "--read-data"]).expect(0);
}

#[test]
fn a_folder_that_a_group_shares_holds_a_repository_that_it_shares() {
    // The folder itself, or one in it.
    for is_below in [false, true] {
        let Some(place) = open_place() else { return };
        let shared = if is_below { "shared" } else { "repository" };
        make_folder(&place, shared, 0, GROUP, 0o2775);
        let repository = place.text(if is_below { "shared/repository" } else { "repository" });
        let source = place.text("source");
        let run = |user, arguments: &[&str]| run_as(&place, user, &[&["-r", &repository], arguments].concat()).expect(0);
        run(61_001, &["init"]);
        for turn in 0..2 {
            for user in [61_001, 61_002] {
                fs::write(place.path("source/changing"), format!("{turn} {user}")).unwrap();
                run(user, &["snapshot", &source]);
                run(user, &["tag", "latest", "--add", "seen"]);
            }
        }
        run(61_002, &["prune", "--keep-last", "1"]);
        run(61_001, &["snapshot", &source]);
        run(61_001, &["prune", "--keep-last", "1"]);
        run(61_002, &["repair"]);
        run(61_001, &["check", "--read-data"]);
        for path in names(repository.as_ref()).into_iter().map(PathBuf::from) {
            let metadata = path.symlink_metadata().unwrap();
            assert_eq!((metadata.gid(), metadata.mode() & 0o007), (GROUP, 0), "{path:?}: for the group, and not for all");
            let expected = if metadata.is_dir() {
                0o2770
            } else if path.to_str().unwrap().ends_with("lock") {
                0o660
            } else {
                0o440
            };
            assert_eq!(metadata.mode() & 0o7777, expected, "{path:?}");
        }
    }
}

#[test]
fn a_folder_that_its_group_may_only_read_or_that_keeps_no_group_stays_private() {
    for mode in [0o2755, 0o775, 0o700] {
        let place = Place::new();
        fs::create_dir(place.path("repository")).unwrap();
        fs::set_permissions(place.path("repository"), Permissions::from_mode(mode)).unwrap();
        place.run(&["snapshot", "--init", &place.text("source")]).expect(0);
        for (path, metadata) in everything(&place) {
            assert_eq!(metadata.mode() & 0o077, 0, "{path:?} in {mode:o}");
        }
    }
}
