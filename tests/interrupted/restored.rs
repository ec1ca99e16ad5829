//! Restores that a power cut, a kill or a failing disk ends: no file has its name before its content is
//! durable.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

use super::disk::Disk;
use super::traced::{Traced, trace};
use crate::cli_place::Place;
use crate::needs::has_tool;
use crate::picture::Picture;

/// A place with a snapshot of files that end with a hole and of some that do not.
fn with_snapshot() -> Place {
    let place = Place::with_repository();
    for number in 0..8 {
        let file = fs::File::create(place.path(&format!("source/image {number}"))).unwrap();
        file.set_len(1 << 20).unwrap();
        file.write_all_at(&vec![b'a' + number; 70_000], 100_000).unwrap();
    }
    place.run(&["snapshot", &place.text("source")]).expect(0);
    place
}

fn restore(place: &Place, destination: &Path, injection: Option<&str>) -> Traced {
    restore_as(place, &[&format!("latest:{}", place.text("source")), destination.to_str().unwrap()], injection)
}

fn restore_as(place: &Place, arguments: &[&str], injection: Option<&str>) -> Traced {
    let mut command = Command::new(env!("CARGO_BIN_EXE_repo"));
    command.args(["-q", "restore"]).args(arguments).env_clear();
    for (name, value) in [("REPO_CACHE_DIR", "cache"), ("REPO_REPOSITORY", "repository"), ("REPO_KEY_FILE", "key")] {
        command.env(name, place.path(value));
    }
    trace(&command, &place.path("log"), Some(injection.unwrap_or("syncfs:delay_enter=0")))
}

fn names(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn what_a_restore_has_named_before_a_power_cut_is_whole_after_it() {
    if !has_tool("strace") {
        return;
    }
    let Some(disk) = Disk::new() else { return };
    let place = with_snapshot();
    // Calls are counted for each thread: the first sync, and a name that is among the first.
    for (cut, call) in ["syncfs:signal=SIGKILL:when=1", "renameat2:signal=SIGKILL:when=3"].into_iter().enumerate() {
        let destination = disk.top().join(format!("cut {cut}"));
        let ended = restore(&place, &destination, Some(call));
        assert_eq!(ended.code, None, "{}", ended.stderr);
        // Names, lengths and times come to the disk with any other file that is synced.
        let other = fs::File::create(disk.top().join("other")).unwrap();
        other.sync_all().unwrap();
        drop(other);
        disk.cut_power();
        let named: Vec<_> = names(&destination).into_iter().filter(|name| !name.starts_with(".repo-restore-")).collect();
        for name in &named {
            let path = destination.join(name);
            if path.is_file() {
                assert!(fs::read(&path).unwrap() == fs::read(place.path("source").join(name)).unwrap(), "{call}: {name}");
            }
        }
        let files = named.iter().filter(|name| destination.join(name).is_file()).count();
        assert_eq!(files > 0, cut == 1, "no names before the sync, and some after it: {named:?}");
        let folder = format!("latest:{}", place.text("source"));
        place.run(&["restore", &folder, destination.to_str().unwrap(), "--overwrite", "if-changed"]).expect(0);
        Picture::of(&place.path("source")).assert_same(&Picture::of(&destination));
        assert!(names(&destination).iter().all(|name| !name.starts_with(".repo-restore-")), "{:?}", names(&destination));
    }
}

#[test]
fn a_sync_that_fails_fails_the_restore_and_gives_no_names() {
    if !has_tool("strace") {
        return;
    }
    let place = with_snapshot();
    let failed = restore(&place, &place.path("back"), Some("syncfs:error=EIO:when=1"));
    assert_eq!(failed.code, Some(1), "{}", failed.stderr);
    assert!(failed.stderr.contains("cannot sync"), "{}", failed.stderr);
    let files: Vec<_> = crate::cli_place::names(&place.path("back")).into_iter().filter(|name| Path::new(name).is_file()).collect();
    assert!(files.is_empty(), "{files:?}");
}

#[test]
fn where_a_file_system_cannot_be_synced_as_a_whole_each_file_is() {
    if !has_tool("strace") {
        return;
    }
    let place = with_snapshot();
    let traced = restore(&place, &place.path("back"), Some("syncfs:error=ENOSYS"));
    assert_eq!(traced.code, Some(0), "{}", traced.stderr);
    let synced = traced.log.lines().filter(|line| line.contains("fdatasync(") && line.contains("/.repo-restore-")).count();
    assert_eq!(synced, 11, "{}", traced.log);
    Picture::of(&place.path("source")).assert_same(&Picture::of(&place.path("back")));
}

#[test]
fn each_file_system_below_the_destination_is_synced_before_names_are_given_on_it() {
    if !has_tool("strace") {
        return;
    }
    let Some(disk) = Disk::new() else { return };
    let place = with_snapshot();
    let name = disk.top().file_name().unwrap().to_owned();
    fs::create_dir(place.path("source").join(&name)).unwrap();
    fs::write(place.path("source").join(&name).join("there"), "on another disk").unwrap();
    place.run(&["snapshot", &place.text("source")]).expect(0);
    let traced = restore(&place, disk.top().parent().unwrap(), None);
    // The mount point itself differs from the folder that was saved.
    assert!(matches!(traced.code, Some(0 | 3)), "{}", traced.stderr);
    let position = |what: &str, path: &str| traced.log.lines().position(|line| line.contains(what) && line.contains(path));
    let below = format!("{}>", disk.top().display());
    let (synced, named) = (position("syncfs(", &below).unwrap(), position("renameat2(", "\"there\"").unwrap());
    assert!(synced < named, "{}", traced.log);
    assert_eq!(fs::read(disk.top().join("there")).unwrap(), b"on another disk");
}

#[test]
fn what_was_to_make_way_when_a_restore_was_killed_is_left_by_the_next() {
    if !has_tool("strace") {
        return;
    }
    let place = with_snapshot();
    let back = place.path("back");
    fs::create_dir(&back).unwrap();
    fs::write(place.path("back/sub"), "precious").unwrap();
    // The first call finds that the name is taken, the second comes when the file was set aside.
    let latest = format!("latest:{}", place.text("source"));
    restore_as(&place, &[&latest, &place.text("back"), "--overwrite", "always"], Some("mkdirat:signal=SIGKILL:when=2"));
    let left = || -> Vec<String> { crate::cli_place::names(&back).into_iter().filter(|name| name.contains(".repo-restore-")).collect() };
    let aside = left();
    assert!(aside.len() == 1 && !place.path("back/sub").exists(), "{aside:?}");
    let told = place.run(&["restore", &format!("latest:{}/a", place.text("source")), &place.text("back")]).expect(0).stderr;
    assert!(told.contains(&aside[0]) && told.contains("it was there before"), "{told}");
    assert_eq!(fs::read_to_string(back.join(&aside[0])).unwrap(), "precious");
}

#[test]
fn what_a_killed_restore_left_is_removed_by_the_next() {
    if !has_tool("strace") {
        return;
    }
    for call in ["syncfs:signal=SIGKILL:when=1", "renameat2:signal=SIGKILL:when=3"] {
        let place = with_snapshot();
        let back = place.path("back");
        let killed = restore(&place, &back, Some(call));
        assert_eq!(killed.code, None, "{call}: {}", killed.stderr);
        assert!(crate::cli_place::names(&back).iter().any(|name| name.contains(".repo-restore-")), "{call}");
        // The destination itself was there for this one, so it keeps its metadata unless that is overwritten.
        let folder = format!("latest:{}", place.text("source"));
        let ended = place.run(&["restore", &folder, &place.text("back"), "--overwrite", "if-changed"]).expect(0);
        assert!(ended.stdout.contains("temporary files of a killed restore removed"), "{call}: {}", ended.stdout);
        Picture::of(&place.path("source")).assert_same(&Picture::of(&back));
    }
}
