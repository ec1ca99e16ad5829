//! Trees of odd shapes, and content of lengths around every boundary.

use std::fs;
use std::os::fd::OwnedFd;

use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};
use rustix::process::{Resource, getrlimit, setrlimit};

use super::{round_trip, round_trip_with};

/// The picture and the removal of the test's folders hold a handle for each level.
fn raise_open_files() {
    let mut limits = getrlimit(Resource::Nofile);
    limits.current = limits.maximum;
    setrlimit(Resource::Nofile, limits).unwrap();
}

#[test]
fn a_tree_of_a_thousand_levels_comes_back_though_its_paths_are_longer_than_the_kernel_takes() {
    const LEVELS: usize = 1000;
    raise_open_files();
    let trip = round_trip(|tree| {
        let mut folder = openat(CWD, tree, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).unwrap();
        for level in 0..LEVELS {
            let name = format!("level {level}");
            mkdirat(&folder, &*name, Mode::from_raw_mode(0o755)).unwrap();
            folder = openat(&folder, &*name, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).unwrap();
            if level % 100 == 99 {
                write_in(&folder, "file", format!("at level {level}").as_bytes());
            }
        }
    });
    trip.assert_same();
    assert_eq!(trip.after.entries.len(), 1 + LEVELS + LEVELS / 100);
    let longest = trip.after.entries.keys().map(String::len).max().unwrap();
    assert!(longest > 2 * 4096, "{longest}");
}

fn write_in(folder: &OwnedFd, name: &str, content: &[u8]) {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::CLOEXEC;
    let file = openat(folder, name, flags, Mode::from_raw_mode(0o644)).unwrap();
    assert_eq!(rustix::io::write(file, content).unwrap(), content.len());
}

#[test]
fn a_path_of_long_names_comes_back() {
    raise_open_files();
    let trip = round_trip(|tree| {
        let name = "n".repeat(255);
        let mut folder = openat(CWD, tree, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).unwrap();
        for _ in 0..40 {
            mkdirat(&folder, &*name, Mode::from_raw_mode(0o755)).unwrap();
            folder = openat(&folder, &*name, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).unwrap();
        }
        write_in(&folder, &name, b"at the end of a path of ten thousand bytes");
    });
    trip.assert_same();
    assert_eq!(trip.after.entries.len(), 42);
}

#[test]
fn a_folder_of_twenty_thousand_entries_comes_back() {
    let trip = round_trip(|tree| {
        for at in 0..20_000 {
            let path = tree.join(format!("{at}"));
            if at % 10 == 0 { fs::write(path, format!("{at}")).unwrap() } else { fs::write(path, "").unwrap() }
        }
    });
    trip.assert_same();
    assert_eq!(trip.restored.json()["files"].as_u64(), Some(20_000));
}

#[test]
fn content_of_every_length_around_the_boundaries_comes_back_and_is_read_back_right() {
    let trip = round_trip_with(&["--verify"], 0, |tree| {
        let mut random = vec![0; (9 << 20) + 1];
        blake3::Hasher::new().update(b"content").finalize_xof().fill(&mut random);
        for power in [0, 1, 5, 9, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23] {
            for length in [(1 << power) - 1, 1 << power, (1 << power) + 1] {
                fs::write(tree.join(format!("random {length}")), &random[..length]).unwrap();
            }
        }
        for (name, head) in [("media", &b"\xff\xd8\xff"[..]), ("sqlite", b"SQLite format 3\0")] {
            fs::write(tree.join(name), [head, &random].concat()).unwrap();
        }
        fs::write(tree.join("text"), "the same line again\n".repeat(300_000)).unwrap();
    });
    trip.assert_same();
    assert_eq!(trip.restored.json()["verified"], trip.restored.json()["files"]);
}
