//! Sources in odd places, as a user names them: behind links, below folders of others, on other file
//! systems.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use crate::cli_place::{Place, copy_program};
use crate::needs::{has_tool, is_root};

/// The paths of the newest snapshot, below the place.
fn saved(place: &Place) -> Vec<String> {
    let listed = place.run(&["ls", "-R", "--json", "latest"]).expect(0).stdout;
    let path = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["path"].as_str().unwrap().to_owned();
    let root = place.text("");
    listed.lines().map(path).filter_map(|path| path.strip_prefix(&root).map(str::to_owned)).collect()
}

#[test]
fn a_link_is_followed_however_it_is_written_and_restores() {
    let place = Place::with_repository();
    symlink("source", place.path("alias")).unwrap();
    for given in ["alias", "alias/", "alias//", "alias/.", "./alias/", "source/../alias/./"] {
        let ran = place.run(&["snapshot", &place.text(given)]).expect(0);
        assert!(ran.stderr.contains("symbolic link"), "{given}: {}", ran.stderr);
        assert!(saved(&place).contains(&"source/sub/c d".to_owned()), "{given}");
        let _ = fs::remove_dir_all(place.path("back"));
        place.run(&["restore", &format!("latest:{}", place.text("source")), &place.text("back")]).expect(0);
        assert_eq!(fs::read_to_string(place.path("back/a")).unwrap(), "first");
    }
    let ran = place.run(&["snapshot", "--json"]).expect(0).json();
    assert_eq!((&ran["counts"]["files_unchanged"], &ran["counts"]["files_new"]), (&3.into(), &0.into()));
}

/// A command as the user nobody, who owns `home/me` and may enter `home` but not list it.
fn as_nobody(place: &Place, arguments: &[&str]) -> (i32, String) {
    // The folder of the program may be closed to others.
    let program = place.path("repo");
    if !program.exists() {
        copy_program(&program);
        for folder in ["", "home"] {
            fs::set_permissions(place.path(folder), fs::Permissions::from_mode(0o711)).unwrap();
        }
        fs::set_permissions(place.path("key"), fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Command::new("chown").args(["-R", "65534:65534", &place.text("home/me")]).status().unwrap().success());
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(&program).args(arguments).env_clear();
    command.env("REPO_CACHE_DIR", place.path("home/me/cache")).env("REPO_REPOSITORY", place.path("home/me/repository"));
    let output = command.env("REPO_KEY_FILE", place.path("key")).output().unwrap();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[test]
fn a_folder_below_one_that_may_be_entered_and_not_listed_is_saved() {
    if !is_root() || !has_tool("setpriv") {
        return;
    }
    let place = Place::new();
    fs::create_dir_all(place.path("home/me/documents")).unwrap();
    fs::write(place.path("home/me/documents/a"), "precious").unwrap();
    let (home, me) = (place.text("home"), place.text("home/me/documents"));
    let (code, said) = as_nobody(&place, &["snapshot", "--init", &me]);
    assert_eq!(code, 0, "{said}");
    let (code, content) = as_nobody(&place, &["cat", &format!("latest:{me}/a")]);
    assert_eq!((code, content.as_str()), (0, "precious"));
    // Both named: the outer one cannot be listed, which is told, and the inner one is saved.
    let (code, said) = as_nobody(&place, &["snapshot", &home, &me]);
    assert_eq!(code, 3, "{said}");
    let (code, content) = as_nobody(&place, &["cat", &format!("latest:{me}/a")]);
    assert_eq!((code, content.as_str()), (0, "precious"));
}

#[test]
fn what_is_left_out_by_name_need_not_be_looked_at() {
    if !is_root() || !has_tool("setpriv") {
        return;
    }
    let place = Place::new();
    fs::create_dir_all(place.path("home/me/data/locked")).unwrap();
    fs::write(place.path("home/me/data/locked/a"), "x").unwrap();
    let data = place.text("home/me/data");
    // Names can be listed here and not looked at.
    fs::set_permissions(place.path("home/me/data/locked"), fs::Permissions::from_mode(0o444)).unwrap();
    assert_eq!(as_nobody(&place, &["snapshot", "--init", &data]).0, 3);
    for pattern in ["a", "a/", &format!("{data}/locked/*")] {
        let (code, said) = as_nobody(&place, &["snapshot", "--exclude", pattern, &data]);
        assert_eq!(code, 0, "{pattern}: {said}");
    }
}

/// Runs a script in a mount namespace of its own, with the program as `$0` and the place as `$1`.
fn with_mounts(place: &Place, script: &str) -> (i32, String) {
    let mut command = Command::new("unshare");
    command
        .args(["-m", "sh", "-ec", script, env!("CARGO_BIN_EXE_repo"), &place.text("")])
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    for (name, value) in [("REPO_CACHE_DIR", "cache"), ("REPO_REPOSITORY", "repository"), ("REPO_KEY_FILE", "key")] {
        command.env(name, place.path(value));
    }
    let output = command.output().unwrap();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[test]
fn a_source_on_another_file_system_below_a_source_is_saved_and_the_rest_of_that_one_is_not() {
    if !is_root() || !has_tool("unshare") {
        return;
    }
    let place = Place::with_repository();
    fs::create_dir(place.path("source/mnt")).unwrap();
    let script = "cd $1; mount -t tmpfs none source/mnt; mkdir source/mnt/in; echo p >source/mnt/in/precious; echo o >source/mnt/other
        $0 snapshot --one-file-system source source/mnt/in; $0 ls -R latest | grep precious; ! $0 ls -R latest | grep other
        $0 snapshot --one-file-system source source/mnt; $0 ls -R latest | grep other; $0 ls -R latest | grep precious
        $0 snapshot --one-file-system source; ! $0 ls -R latest | grep precious";
    let (code, said) = with_mounts(&place, script);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn a_file_of_proc_that_is_mounted_over_an_ordinary_one_is_saved_with_its_content() {
    if !is_root() || !has_tool("unshare") {
        return;
    }
    let place = Place::with_repository();
    let script = "cd $1; mount --bind /proc/version source/a; $0 snapshot source; $0 cat latest:$1/source/a | cmp - /proc/version";
    let (code, said) = with_mounts(&place, script);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn a_file_of_proc_below_the_root_is_saved_when_it_is_named_too() {
    let place = Place::with_repository();
    if !Path::new("/proc/version").exists() {
        return;
    }
    let keep = format!("!{}", place.text("source"));
    // Of the root nothing but what leads to the two.
    let ran = place.run(&["snapshot", "--exclude", "/*", "--exclude", &keep, "/", "/proc/version", &place.text("source")]);
    let ran = ran.expect(0);
    assert_eq!(
        place.run(&["cat", "latest:/proc/version"]).expect(0).stdout,
        fs::read_to_string("/proc/version").unwrap(),
        "{}",
        ran.stderr
    );
    assert!(saved(&place).contains(&"source/sub/c d".to_owned()));
}

#[test]
fn a_closed_standard_input_is_no_empty_file() {
    let place = Place::with_repository();
    let script = "exec \"$0\" snapshot --stdin dump <&-";
    let mut command = assert_cmd::Command::new("/bin/sh");
    command.env_clear().env("REPO_CACHE_DIR", place.path("cache")).env("REPO_REPOSITORY", place.path("repository"));
    command.env("REPO_KEY_FILE", place.path("key")).args(["-c", script, env!("CARGO_BIN_EXE_repo")]);
    let ran = crate::cli_place::run(&mut command).expect(1);
    assert!(ran.stderr.contains("standard input is closed"), "{}", ran.stderr);
}
