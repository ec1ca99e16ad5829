//! Locale, time zone, umask, closed descriptors, arguments that look like options.

use std::fs;
use std::process::Command;

use crate::cli_place::Place;
use crate::picture::Picture;

/// Runs a script in which `repo` is the program, with nothing in the environment but `more`.
fn script(place: &Place, more: &[(&str, &str)], text: &str) -> (i32, String) {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("repo() {{ {} \"$@\"; }}\n{text}", env!("CARGO_BIN_EXE_repo"))]).env_clear();
    shell.env("PATH", "/usr/bin:/bin").env("S", place.path("source")).env("B", place.path("back")).current_dir(place.path("source"));
    for (name, value) in [("REPO_CACHE_DIR", "cache"), ("REPO_REPOSITORY", "repository"), ("REPO_KEY_FILE", "key")] {
        shell.env(name, place.path(value));
    }
    let output = shell.envs(more.iter().copied()).output().unwrap();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A whole round trip in `more`, begun by `before`.
fn assert_round_trip(more: &[(&str, &str)], before: &str) {
    let place = Place::new();
    fs::write(place.path("source/\u{e9}\u{1f600}"), "name beyond ASCII").unwrap();
    let text = "repo init -q && repo snapshot -q $S && repo ls -lR latest >/dev/null && repo restore -q latest:$S $B && repo check -q";
    let (code, stderr) = script(&place, more, &format!("{before}\n{text}"));
    assert_eq!(code, 0, "{more:?} {before}: {stderr}");
    Picture::of(&place.path("source")).assert_same(&Picture::of(&place.path("back")));
    let again = place.run(&["--json", "snapshot", &place.text("source")]).expect(0).json();
    assert_eq!(again["counts"]["files_changed"].as_u64(), Some(0), "{more:?} {before}");
}

#[test]
fn no_locale_and_no_time_zone_changes_what_comes_back() {
    for more in [
        &[("LC_ALL", "C")][..],
        &[("LC_ALL", "tr_TR.UTF-8"), ("LANG", "nonsense")],
        &[("TZ", "Pacific/Kiritimati")],
        &[("TZ", "Nonsense/Where")],
        &[("TZ", ":")],
        &[("TZ", "XYZ-99:99")],
        &[("HOME", ""), ("TMPDIR", "/nonsense"), ("COLUMNS", "0"), ("TERM", "nonsense")],
    ] {
        assert_round_trip(more, "");
    }
}

#[test]
fn no_umask_and_no_closed_descriptor_changes_what_comes_back() {
    for before in ["umask 000", "umask 777", "exec 0<&-", "exec 1>&-", "exec 2>&-", "exec 0<&- 1>&- 2>&-"] {
        assert_round_trip(&[], before);
    }
}

#[test]
fn output_that_cannot_be_written_is_a_failure_and_not_a_success() {
    let place = Place::with_snapshot();
    let (code, stderr) = script(&place, &[], "repo snapshots >/dev/full");
    assert!(code == 1 && stderr.contains("cannot write to standard output"), "{code} {stderr}");
    let (code, _) = script(&place, &[], "repo cat latest:$S/b >/dev/full");
    assert_eq!(code, 1);
}

#[test]
fn names_that_look_like_options_are_saved_and_restored() {
    let place = Place::with_repository();
    fs::create_dir(place.path("source/-r")).unwrap();
    for name in ["--help", "-r/-", "-r/--", "-n"] {
        fs::write(place.path("source").join(name), name).unwrap();
    }
    let (code, stderr) = script(&place, &[], "repo snapshot -q -- --help -r -n && repo restore -q latest $B");
    assert_eq!(code, 0, "{stderr}");
    let back = place.path("back").join(place.path("source").strip_prefix("/").unwrap());
    for name in ["--help", "-r/-", "-r/--", "-n"] {
        assert_eq!(fs::read_to_string(back.join(name)).unwrap(), name);
    }
}

#[test]
fn sources_that_overlap_are_saved_once_for_each_path() {
    let place = Place::with_repository();
    std::os::unix::fs::symlink("sub", place.path("source/link")).unwrap();
    let (code, stderr) = script(&place, &[], "repo snapshot -q $S $S/sub $S/sub/../sub . $S/./ && repo restore -q latest:$S $B");
    assert_eq!(code, 0, "{stderr}");
    Picture::of(&place.path("source")).assert_same(&Picture::of(&place.path("back")));
    let listed = place.run(&["ls", "-R", "latest"]).expect(0).stdout;
    assert_eq!(listed.lines().filter(|line| line.ends_with("/c d")).count(), 1, "{listed}");
}

#[test]
fn a_source_that_lost_everything_makes_a_snapshot_and_the_older_one_stays() {
    let place = Place::with_snapshot();
    let before = Picture::of(&place.path("source"));
    let first = place.run(&["-q", "snapshots"]).expect(0).stdout.trim().to_owned();
    // A disk that is not mounted looks so: the folder is there, and nothing in it.
    fs::rename(place.path("source"), place.path("away")).unwrap();
    fs::create_dir(place.path("source")).unwrap();
    let ran = place.run(&["snapshot", &place.text("source")]).expect(3);
    assert!(ran.stderr.contains("no file is left of the 3"), "{}", ran.stderr);
    assert!(ran.stdout.contains("0 unchanged, 3 removed") && ran.stdout.contains(&place.text("source")), "{}", ran.stdout);
    place.run(&["restore", &format!("{first}:{}", place.text("source")), &place.text("back")]).expect(0);
    before.assert_same(&Picture::of(&place.path("back")));
    // And one that is not there at all makes none.
    fs::remove_dir(place.path("source")).unwrap();
    place.run(&["snapshot", &place.text("source")]).expect(1);
    assert_eq!(place.run(&["-q", "snapshots"]).expect(0).stdout.lines().count(), 2);
}
