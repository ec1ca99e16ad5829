//! Times of modification, to the nanosecond and from end to end of what a file system holds.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode, Timespec, Timestamps, UTIME_OMIT, mkfifoat, utimensat};

use super::round_trip;

/// Seconds and nanoseconds, from the first that ext4 holds to the last.
const TIMES: [(i64, i64); 13] = [
    (-(1 << 31), 0),
    (-157_766_400, 123_456_789),
    (-1, 500_000_000),
    (-1, 999_999_999),
    (0, 0),
    (0, 1),
    (1, 0),
    (1_000_000_000, 999_999_999),
    ((1 << 31) - 1, 999_999_999),
    (1 << 31, 1),
    ((1 << 32) - 1, 5),
    (7_258_118_400, 42),
    ((1 << 33) + 7, 314_159_265),
];

/// Sets the time of the entry itself.
pub fn set_mtime(path: &Path, seconds: i64, nanoseconds: i64) {
    let omit = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
    let times = Timestamps { last_access: omit, last_modification: Timespec { tv_sec: seconds, tv_nsec: nanoseconds } };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

#[test]
fn times_from_1901_to_2242_come_back_to_the_nanosecond_on_every_type() {
    let trip = round_trip(|tree| {
        for (seconds, nanoseconds) in TIMES {
            let at = |what: &str| tree.join(format!("{what} {seconds}.{nanoseconds}"));
            fs::write(at("file"), "x").unwrap();
            fs::create_dir(at("folder")).unwrap();
            fs::write(at("folder").join("file"), "y").unwrap();
            symlink("nowhere", at("link")).unwrap();
            mkfifoat(CWD, at("pipe"), Mode::from_raw_mode(0o600)).unwrap();
            for what in ["file", "folder", "link", "pipe"] {
                set_mtime(&at(what), seconds, nanoseconds);
            }
        }
        set_mtime(tree, -86_400, 7);
    });
    trip.assert_same();
    // The file system under the test held them all, or nothing was shown.
    for (seconds, nanoseconds) in TIMES {
        let entry = &trip.after.entries[&format!("/file {seconds}.{nanoseconds}")];
        assert_eq!(entry.mtime, (seconds, nanoseconds as u32));
    }
}

#[test]
fn a_listing_says_times_before_1970_and_after_2038_exactly() {
    let trip = round_trip(|tree| {
        for (name, seconds, nanoseconds) in [("old", -1, 500_000_000), ("new", 7_258_118_400, 1)] {
            fs::write(tree.join(name), "x").unwrap();
            set_mtime(&tree.join(name), seconds, nanoseconds);
        }
    });
    let listed = trip.place.run(&["ls", "--json", "-R", &format!("latest:{}", trip.place.text("tree"))]).expect(0).stdout;
    assert!(listed.contains("\"1969-12-31T23:59:59.5") && listed.contains("\"2200-01-01T00:00:00.000000001Z\""), "{listed}");
}
