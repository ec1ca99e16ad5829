//! What a restore never touches, as a user meets it: the repository, the keys, and other mounts.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::cli_place::{Place, Ran, names, run};
use crate::needs;

/// A place whose repository, cache and key lie in the source, which was saved when it had a file `data`
/// and another `key`.
fn in_the_source() -> Place {
    let place = Place::new();
    fs::write(place.path("source/key"), "an old one").unwrap();
    fs::write(place.path("source/data"), "a file").unwrap();
    let mut command = place.command();
    command.env("REPO_REPOSITORY", place.path("source/backup/repository")).env("REPO_CACHE_DIR", place.path("source/cache"));
    run(command.args(["snapshot", "--init", &place.text("source")])).expect(0);
    fs::copy(place.path("key"), place.path("source/key")).unwrap();
    place
}

fn run_there(place: &Place, repository: &str, arguments: &[&str]) -> Ran {
    let mut command = place.bare();
    command.env("REPO_REPOSITORY", place.path(repository)).env("REPO_CACHE_DIR", place.path("source/cache"));
    run(command.args(["--key-file", &place.text("source/key")]).args(arguments))
}

#[test]
fn the_repository_the_cache_and_the_key_outlive_a_restore_that_deletes_and_overwrites_everything() {
    let place = in_the_source();
    fs::write(place.path("source/backup/extra"), "x").unwrap();
    let source = place.text("source");
    for delete in ["--delete", "--delete-excluded"] {
        let arguments = ["restore", delete, "--overwrite", "always", &format!("latest:{source}"), &source];
        let ran = run_there(&place, "source/backup/repository", &arguments).expect(3);
        for what in ["the repository", "the cache of this program", "a key file of the repository"] {
            assert!(ran.stderr.contains(&format!("left as it is: it is {what}")), "{what}: {}", ran.stderr);
        }
    }
    assert_eq!(fs::read(place.path("source/key")).unwrap(), [7; 32]);
    assert!(!place.path("source/backup/extra").exists(), "what is beside it goes");
    assert_eq!(run_there(&place, "source/backup/repository", &["-q", "snapshots"]).expect(0).stdout.lines().count(), 1);
    run_there(&place, "source/backup/repository", &["check", "--read-data"]).expect(0);
}

#[test]
fn a_folder_with_the_repository_in_it_makes_no_way_for_a_file_however_the_repository_is_named() {
    let place = in_the_source();
    fs::remove_file(place.path("source/data")).unwrap();
    fs::create_dir_all(place.path("source/data/deep")).unwrap();
    fs::write(place.path("source/data/a"), "x").unwrap();
    fs::rename(place.path("source/backup/repository"), place.path("source/data/deep/repository")).unwrap();
    symlink(place.path("source/data/deep"), place.path("link")).unwrap();
    let source = place.text("source");
    for repository in ["source/data/deep/repository", "link/repository"] {
        let arguments = ["restore", "--overwrite", "always", &format!("latest:{source}"), &source];
        let ran = run_there(&place, repository, &arguments).expect(3);
        assert!(ran.stderr.contains("source/data\": left as it is: "), "{}", ran.stderr);
        assert!(place.path("source/data/a").exists(), "nothing of the folder goes");
        run_there(&place, repository, &["check"]).expect(0);
    }
}

#[test]
fn a_destination_in_the_repository_is_2_and_nothing_is_made() {
    let place = Place::with_snapshot();
    symlink(place.path("repository"), place.path("link")).unwrap();
    let before = names(&place.path("repository"));
    for destination in ["repository", "repository/new/deep", "repository/packs", "link/x"] {
        for more in [&["--delete"][..], &["-n"], &[]] {
            let ran = place.run(&[&["restore", "latest", &place.text(destination)], more].concat()).expect(2);
            assert!(ran.stderr.contains("lies in the repository"), "{}", ran.stderr);
        }
    }
    assert_eq!(names(&place.path("repository")), before);
    place.run(&["restore", "latest", &place.text("repository-2")]).expect(0);
}

/// Runs a shell script where mounts are its own, with `$REPO`, `$T` (the place) and what a command needs.
pub fn run_with_mounts(place: &Place, script: &str) -> Option<String> {
    if !needs::is_root() || !needs::has_tool("unshare") {
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-eux", "-c", script]).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let here = place.path("key").parent().map(std::path::Path::to_owned).unwrap_or_default();
    command.env("REPO", env!("CARGO_BIN_EXE_repo")).env("T", here).env("REPO_KEY_FILE", place.path("key"));
    command.env("REPO_CACHE_DIR", place.path("cache")).env("REPO_REPOSITORY", place.path("repository"));
    let output = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    if stderr.contains("mount: ") || stderr.contains("unshare: ") {
        needs::skip("mounts");
        return None;
    }
    assert!(output.status.success(), "{stdout}\n{stderr}");
    Some(stdout + &stderr)
}

#[test]
fn nothing_is_deleted_in_a_mount_below_the_destination_whatever_it_is_of() {
    let place = Place::with_repository();
    let script = r#"
        mkdir -p "$T/source/tmp" "$T/source/bind" "$T/source/seen" "$T/outside/deep"
        mount -t tmpfs none "$T/source/tmp"; mount --bind "$T/outside" "$T/source/bind"
        echo precious >"$T/source/tmp/p"; echo precious >"$T/outside/deep/p"; echo seen >"$T/source/seen/f"
        "$REPO" -q snapshot --one-file-system "$T/source"
        mount -t tmpfs none "$T/source/seen"; echo extra >"$T/source/seen/extra"; mkdir -p "$T/source/new/m"
        mount --bind "$T/outside" "$T/source/new/m"; echo extra >"$T/source/new/extra"; echo extra >"$T/outside/extra"
        code=0; "$REPO" restore --delete-excluded --overwrite always "latest:$T/source" "$T/source" || code=$?
        test $code = 3
        cat "$T/source/tmp/p" "$T/outside/deep/p" "$T/source/seen/extra" "$T/outside/extra"
        test ! -e "$T/source/new/extra"; test -e "$T/source/new/m/deep"
        umount "$T/source/tmp"; echo under >"$T/source/tmp/under"
        "$REPO" restore --delete --overwrite always "latest:$T/source" "$T/source" || test $? = 3
        cat "$T/source/tmp/under"
    "#;
    if let Some(said) = run_with_mounts(&place, script) {
        assert!(said.contains("another file system is mounted"), "{said}");
    }
}

#[test]
fn a_repository_that_is_known_through_a_bind_mount_stays_where_it_is() {
    let place = Place::new();
    let script = r#"
        mkdir -p "$T/source/deep/backup" "$T/mnt"
        mount --bind "$T/source/deep/backup" "$T/mnt"
        export REPO_REPOSITORY="$T/mnt/r"
        "$REPO" -q snapshot --init --exclude deep "$T/source"
        code=0; "$REPO" -q restore --delete-excluded --overwrite always "latest:$T/source" "$T/source" || code=$?
        test $code = 3
        "$REPO" -q snapshots; test -d "$T/source/deep/backup/r/packs"
        mkdir "$T/packs"; mount --bind "$T/mnt/r/packs" "$T/packs"
        code=0; "$REPO" -q restore "latest:$T/source" "$T/packs/new" || code=$?
        test $code = 2; test ! -e "$T/packs/new"
    "#;
    run_with_mounts(&place, script);
}
