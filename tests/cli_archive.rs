//! `repo cat --archive`: what other programs take out of an archive is what was saved.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use crate::cli_place::Place;

/// Bytes that do not compress.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 1u64;
    let step = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    (0..bytes).map(step).collect()
}

/// A source with names and types of all sorts.
fn place() -> Place {
    let place = Place::with_repository();
    let long = place.path("source").join("long ".repeat(30)).join("longer ".repeat(30));
    fs::create_dir_all(&long).unwrap();
    fs::write(long.join("end"), noise(300_000)).unwrap();
    fs::write(place.path("source").join(OsStr::from_bytes(b"no\xfftext")), "bytes").unwrap();
    fs::hard_link(place.path("source/a"), place.path("source/sub/same")).unwrap();
    symlink("a", place.path("source/link")).unwrap();
    symlink("x".repeat(150), place.path("source/far")).unwrap();
    File::create(place.path("source/sparse")).unwrap().write_all_at(b"end", 500_000).unwrap();
    assert!(Command::new("mkfifo").arg(place.path("source/pipe")).status().unwrap().success());
    for (name, time) in [("a", Duration::new(1_600_000_000, 123_456_789)), ("b", Duration::from_secs(1_600_000_000))] {
        let file = File::options().write(true).open(place.path("source").join(name)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + time).unwrap();
    }
    let old = File::options().write(true).open(place.path("source/sub/c d")).unwrap();
    old.set_modified(SystemTime::UNIX_EPOCH - Duration::from_millis(1_500)).unwrap();
    place.run(&["snapshot", &place.text("source")]).expect(0);
    place
}

/// The archive as the program writes it, with the exit code and what was said.
fn archive(place: &Place, format: &str, what: &str) -> (Vec<u8>, i32, String) {
    let out = place.command().args(["cat", "--archive", format, what]).output().unwrap();
    (out.stdout, out.status.code().unwrap(), String::from_utf8(out.stderr).unwrap())
}

/// What `program` prints that is given `input`.
fn feed(program: &mut Command, input: &[u8]) -> (bool, String) {
    let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    std::thread::scope(|threads| {
        // Whoever stops early has said enough.
        threads.spawn(move || _ = pipe.write_all(input));
        let out = child.wait_with_output().unwrap();
        (out.status.success(), String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned())
    })
}

/// Every entry below `folder` with its type, mode, owner, time, links, target and content.
fn picture(folder: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(path) = waiting.pop() {
        let found = fs::symlink_metadata(&path).unwrap();
        let content = if found.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
        let target = fs::read_link(&path).ok();
        let name = path.strip_prefix(folder).unwrap();
        let time = (found.mtime(), found.mtime_nsec());
        let links = if found.is_dir() { 0 } else { found.nlink() };
        lines.push(format!("{name:?} {:o} {} {} {time:?} {links} {target:?} {}", found.mode(), found.uid(), found.gid(), hash(&content)));
        if found.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    lines.sort();
    lines
}

fn hash(content: &[u8]) -> String {
    format!("{}-{}", content.len(), content.iter().fold(0u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte))))
}

#[test]
fn what_tar_takes_out_of_an_archive_is_what_was_saved() {
    let place = place();
    let back = place.path("back");
    fs::create_dir(&back).unwrap();
    let (bytes, code, told) = archive(&place, "tar", &format!("latest:{}", place.text("source")));
    assert_eq!((code, told.as_str()), (0, ""));
    let (is_good, said) = feed(Command::new("tar").args(["-x", "-p", "--warning=no-timestamp", "-C"]).arg(&back), &bytes);
    assert!(is_good && said.is_empty(), "{said}");
    assert_eq!(picture(&back.join("source")), picture(&place.path("source")));
    assert_eq!(fs::metadata(back.join("source/a")).unwrap().ino(), fs::metadata(back.join("source/sub/same")).unwrap().ino());
    // One file, and all of the snapshot with the folders above its source.
    let (bytes, code, _) = archive(&place, "tar", &format!("latest:{}/sub/c d", place.text("source")));
    assert_eq!((code, feed(Command::new("tar").arg("-t"), &bytes)), (0, (true, "c d\n".to_owned())));
    let (bytes, code, _) = archive(&place, "tar", "latest");
    let (is_good, listed) = feed(Command::new("tar").arg("-t"), &bytes);
    assert!(code == 0 && is_good && listed.lines().any(|line| line == &place.text("source/sub/c d")[1..]), "{listed}");
}

#[test]
fn attributes_are_in_a_tar_as_others_write_them() {
    if !["setfattr", "getfattr"].into_iter().all(crate::needs::has_tool) {
        return;
    }
    let place = Place::with_repository();
    let set = Command::new("setfattr").args(["-n", "user.origin", "-v", "0x00ff3d0a"]).arg(place.path("source/a")).status().unwrap();
    if !set.success() {
        return;
    }
    place.run(&["snapshot", &place.text("source")]).expect(0);
    let (bytes, code, _) = archive(&place, "tar", &format!("latest:{}/a", place.text("source")));
    let (is_good, said) = feed(Command::new("tar").args(["-x", "--xattrs", "-C"]).arg(place.path("")), &bytes);
    assert!(code == 0 && is_good, "{said}");
    let (_, shown) = feed(Command::new("getfattr").args(["-e", "hex", "-n", "user.origin"]).arg(place.path("a")), b"");
    assert!(shown.contains("user.origin=0x00ff3d0a"), "{shown}");
}

#[test]
fn what_python_takes_out_of_a_zip_is_what_was_saved_and_what_zip_cannot_hold_is_named() {
    if !crate::needs::has_tool("python3") {
        return;
    }
    let place = place();
    let (bytes, code, told) = archive(&place, "zip", &format!("latest:{}", place.text("source")));
    assert_eq!(code, 3, "{told}");
    assert!(told.lines().count() == 2 && told.contains("source/pipe") && told.contains("UTF-8"), "{told}");
    fs::write(place.path("it.zip"), bytes).unwrap();
    let program = "import sys, zipfile, stat\n\
        z = zipfile.ZipFile(sys.argv[1])\n\
        assert z.testzip() is None\n\
        z.extractall(sys.argv[2])\n\
        i = z.getinfo('source/link')\n\
        assert stat.S_ISLNK(i.external_attr >> 16) and z.read(i) == b'a'\n\
        assert z.getinfo('source/b').date_time == (2020, 9, 13, 12, 26, 40)\n\
        print(len(z.namelist()))";
    let mut python = Command::new("python3");
    let (is_good, said) = feed(python.args(["-c", program, &place.text("it.zip"), &place.text("back")]), b"");
    assert_eq!((is_good, said.trim()), (true, "12"));
    for name in ["a", "b", "sub/c d", "sub/same", "sparse"] {
        let [saved, back] = ["source", "back/source"].map(|folder| fs::read(place.path(folder).join(name)).unwrap());
        assert!(saved == back, "{name}");
    }
}

#[test]
fn an_archive_of_what_is_damaged_has_no_end_and_is_4() {
    let place = Place::with_repository();
    fs::write(place.path("source/big"), noise(3_000_000)).unwrap();
    place.run(&["snapshot", &place.text("source")]).expect(0);
    let packs = crate::cli_place::names(&place.path("repository/packs"));
    let largest = packs.iter().filter(|name| Path::new(name).is_file()).max_by_key(|name| fs::metadata(name).unwrap().len()).unwrap();
    let length = fs::metadata(largest).unwrap().len();
    fs::set_permissions(largest, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    File::options().write(true).open(largest).unwrap().write_all_at(&[0; 64], length / 2).unwrap();
    for format in ["tar", "zip"] {
        let (bytes, code, told) = archive(&place, format, &format!("latest:{}", place.text("source")));
        assert!(code == 4 && told.contains("/source/"), "{code} {told}");
        assert!(!bytes.ends_with(&[0; 1024]) && !bytes.windows(4).any(|part| part == b"PK\x05\x06"));
        if format == "tar" {
            assert!(!feed(Command::new("tar").arg("-t"), &bytes).0);
        }
    }
}

#[test]
fn whoever_closes_the_pipe_of_an_archive_early_has_what_it_wanted() {
    let place = place();
    for format in ["tar", "zip"] {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_repo"));
        let command = place.command();
        child.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let mut child = child.args(["cat", "--archive", format, "latest"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let out = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(!told.contains("error"), "{format}: {told}");
        assert!(matches!(out.status.code(), Some(0 | 3)), "{told}");
    }
}
