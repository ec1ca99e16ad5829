//! A user who is not root: what may not be read is named and the rest is saved; what may not be set is
//! named and the rest is restored.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use crate::cli_place::{Place, Ran, copy_program, run};
use crate::needs::is_root;

/// The user `nobody` of most systems.
const NOBODY: u32 = 65534;

/// A place that `nobody` can enter, with a repository and a source of their own.
struct OtherUser {
    place: Place,
    program: PathBuf,
}

impl OtherUser {
    /// None when the tests do not run as root, who alone can become another user.
    fn new() -> Option<Self> {
        if !is_root() {
            return None;
        }
        let place = Place::new();
        fs::set_permissions(place.path(""), Permissions::from_mode(0o755)).unwrap();
        // The folder that the program was built in may be closed to others.
        let program = place.path("repo");
        copy_program(&program);
        for folder in ["repository", "cache", "back"] {
            fs::create_dir(place.path(folder)).unwrap();
        }
        for path in ["key", "repository", "cache", "back", "source"] {
            chown(place.path(path), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let other = Self { place, program };
        other.run(&["init"]).expect(0);
        Some(other)
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(&self.program);
        command.env_clear().current_dir("/").args(arguments);
        let environment = [("REPO_CACHE_DIR", "cache"), ("REPO_REPOSITORY", "repository"), ("REPO_KEY_FILE", "key")];
        command.envs(environment.map(|(name, value)| (name, self.place.path(value))));
        // Groups of root are left behind too.
        command.uid(NOBODY).gid(NOBODY);
        run(&mut command.into())
    }
}

#[test]
fn what_may_not_be_read_is_named_and_the_rest_is_saved() {
    let Some(other) = OtherUser::new() else { return };
    let place = &other.place;
    fs::write(place.path("source/secret"), "of root").unwrap();
    fs::set_permissions(place.path("source/secret"), Permissions::from_mode(0o600)).unwrap();
    fs::create_dir(place.path("source/closed")).unwrap();
    fs::write(place.path("source/closed/file"), "behind it").unwrap();
    fs::set_permissions(place.path("source/closed"), Permissions::from_mode(0o700)).unwrap();
    let ran = other.run(&["snapshot", "--json", &place.text("source")]).expect(3);
    assert_eq!(ran.json()["counts"]["problems"].as_u64(), Some(2), "{}", ran.stdout);
    for path in ["source/secret", "source/closed"] {
        assert!(ran.stderr.contains(&place.text(path)), "{path}: {}", ran.stderr);
    }
    let listed = other.run(&["ls", "-R", "latest"]).expect(0).stdout;
    assert!(listed.contains("source/a\n") && listed.contains("source/sub/c d\n"), "{listed}");
    assert!(!listed.contains("secret") && listed.contains("source/closed/\n") && !listed.contains("closed/file"), "{listed}");
    // What was left out is looked for again, and found when it may be read.
    chown(place.path("source/secret"), Some(NOBODY), None).unwrap();
    chown(place.path("source/closed"), Some(NOBODY), None).unwrap();
    other.run(&["snapshot", &place.text("source")]).expect(0);
    let listed = other.run(&["ls", "-R", "latest"]).expect(0).stdout;
    assert!(listed.contains("secret") && listed.contains("closed/file"), "{listed}");
}

#[test]
fn owners_that_may_not_be_set_are_named_and_everything_else_is_restored() {
    let Some(other) = OtherUser::new() else { return };
    let place = &other.place;
    fs::set_permissions(place.path("source/a"), Permissions::from_mode(0o4755)).unwrap();
    other.run(&["snapshot", &place.text("source")]).expect(0);
    let what = format!("latest:{}", place.text("source"));
    let ran = other.run(&["restore", "--json", "--verify", &what, &place.text("back")]).expect(3);
    let json = ran.json();
    assert_eq!((json["files"].as_u64(), json["verified"].as_u64(), json["failed"].as_u64()), (Some(3), Some(3), Some(0)), "{json}");
    assert!(ran.stderr.contains("owner 0 not restored") && ran.stderr.contains("setuid"), "{}", ran.stderr);
    // One line for a reason, not one for each file.
    assert!(ran.stderr.lines().count() <= 6, "{}", ran.stderr);
    for name in ["a", "b", "sub/c d"] {
        assert_eq!(fs::read(place.path("back").join(name)).unwrap(), fs::read(place.path("source").join(name)).unwrap());
    }
    let restored = fs::metadata(place.path("back/a")).unwrap();
    assert_eq!((restored.mode() & 0o7777, restored.uid()), (0o755, NOBODY), "no privileges for another owner");
    assert_eq!(restored.mtime(), fs::metadata(place.path("source/a")).unwrap().mtime());
}

#[test]
fn a_repository_that_may_only_be_read_is_listed_and_restored_from() {
    let Some(other) = OtherUser::new() else { return };
    let place = &other.place;
    other.run(&["snapshot", &place.text("source")]).expect(0);
    for name in crate::cli_place::names(&place.path("repository")).into_iter().chain([place.text("repository")]) {
        let mode = if fs::metadata(&name).unwrap().is_dir() { 0o555 } else { 0o444 };
        fs::set_permissions(name, Permissions::from_mode(mode)).unwrap();
    }
    chown(place.path("repository"), Some(0), Some(0)).unwrap();
    assert!(other.run(&["ls", "-R", "latest"]).expect(0).stdout.contains("sub/c d"));
    other.run(&["snapshots", "--no-catalog"]).expect(0);
    other.run(&["restore", &format!("latest:{}", place.text("source")), &place.text("back")]).expect(3);
    assert_eq!(fs::read_to_string(place.path("back/a")).unwrap(), "first");
    let ran = other.run(&["snapshot", &place.text("source")]).expect(1);
    assert_eq!(ran.stdout, "", "{}", ran.stderr);
}
