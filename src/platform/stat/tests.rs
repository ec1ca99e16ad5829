//! Tests of what the kernel says of inodes.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType as RawType, Mode, Timespec, Timestamps, makedev, mknodat, utimensat};

use super::*;
use crate::platform::open;

fn stat_of(path: &Path, name: &str) -> Stat {
    Stat::read(open::folder(path).unwrap(), name.as_bytes(), name.as_bytes()).unwrap()
}

/// False where the user may not make devices, so that the test says what it left out.
fn make_node(path: &Path, kind: RawType, major: u32, minor: u32) -> bool {
    match mknodat(CWD, path, kind, Mode::from_raw_mode(0o644), makedev(major, minor)) {
        Ok(()) => true,
        Err(Errno::PERM) => {
            eprintln!("skipped: making devices needs root");
            false
        }
        Err(errno) => panic!("mknod: {errno}"),
    }
}

#[test]
fn every_type_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("file"), b"12345").unwrap();
    std::fs::create_dir(at("folder")).unwrap();
    symlink("folder", at("link")).unwrap();
    let _listener = UnixListener::bind(at("socket")).unwrap();
    assert!(make_node(&at("fifo"), RawType::Fifo, 0, 0));

    let file = stat_of(folder.path(), "file");
    assert_eq!((file.file_type, file.size, file.links), (FileType::File, 5, 1));
    assert_eq!(stat_of(folder.path(), "folder").file_type, FileType::Directory);
    let link = stat_of(folder.path(), "link");
    assert_eq!((link.file_type, link.size), (FileType::Symlink, 6));
    assert_eq!(stat_of(folder.path(), "socket").file_type, FileType::Socket);
    assert_eq!(stat_of(folder.path(), "fifo").file_type, FileType::Fifo);
    if make_node(&at("char"), RawType::CharacterDevice, 1, 300) && make_node(&at("block"), RawType::BlockDevice, 4000, 70_000) {
        assert_eq!(stat_of(folder.path(), "char").file_type, FileType::CharDevice(1, 300));
        assert_eq!(stat_of(folder.path(), "block").file_type, FileType::BlockDevice(4000, 70_000));
    }
}

#[test]
fn numbers_agree_with_the_standard_library() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, b"x").unwrap();
    std::fs::hard_link(&path, folder.path().join("other")).unwrap();
    let (ours, theirs) = (stat_of(folder.path(), "file"), std::fs::symlink_metadata(&path).unwrap());
    assert_eq!((ours.device, ours.inode, ours.links), (theirs.dev(), theirs.ino(), 2));
    assert_eq!((ours.uid, ours.gid, ours.blocks), (theirs.uid(), theirs.gid(), theirs.blocks()));
    assert_eq!((ours.ctime.seconds, i64::from(ours.ctime.nanoseconds)), (theirs.ctime(), theirs.ctime_nsec()));
    assert_eq!(ours.identity(), stat_of(folder.path(), "other").identity());
}

#[test]
fn setuid_setgid_and_sticky_bits_are_part_of_the_mode() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, b"x").unwrap();
    for mode in [0o0, 0o4755, 0o2755, 0o1644, 0o7777] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(stat_of(folder.path(), "file").mode, mode);
    }
}

#[test]
fn times_before_1970_and_after_2038_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, b"x").unwrap();
    // 1965 with a fraction, that counts forward from the second below; and the year 2200.
    for (seconds, nanoseconds) in [(-157_766_400, 250_000_000), (-1, 999_999_999), (7_258_118_400, 123_456_789)] {
        let time = Timespec { tv_sec: seconds, tv_nsec: nanoseconds };
        let times = Timestamps { last_access: time, last_modification: time };
        utimensat(CWD, &path, &times, AtFlags::empty()).unwrap();
        assert_eq!(stat_of(folder.path(), "file").mtime, Timestamp::new(seconds, nanoseconds as u32));
    }
}

#[test]
fn the_old_call_says_the_same_but_for_the_birth() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), vec![1; 9000]).unwrap();
    let handle = std::fs::File::open(folder.path().join("file")).unwrap();
    let new = Stat::read(&handle, b"", b"file").unwrap();
    let old = Stat::from_old_stat(&rustix::fs::fstat(&handle).unwrap()).unwrap();
    assert_eq!(old, Stat { birth: None, attributes: 0, ..new });
}

#[test]
fn impossible_nanoseconds_are_cut_to_what_a_manifest_takes() {
    assert_eq!(legal_time(5, u32::MAX), Timestamp::new(5, 999_999_999));
}

#[test]
fn an_entry_that_is_not_there_is_not_found() {
    let folder = tempfile::tempdir().unwrap();
    let error = Stat::read(std::fs::File::open(folder.path()).unwrap(), b"gone", b"gone").unwrap_err();
    assert!(error.is_not_found());
    assert!(error.to_string().contains("gone"));
}
