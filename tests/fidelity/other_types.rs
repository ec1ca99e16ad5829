//! Pipes, devices and sockets.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, makedev, mkfifoat, mknodat};

use super::times::set_mtime;
use super::{is_root, round_trip, skip};
use crate::cli_place::Place;

#[test]
fn pipes_come_back_and_are_never_waited_for() {
    let trip = round_trip(|tree| {
        for mode in [0o000, 0o600, 0o666] {
            let pipe = tree.join(format!("pipe {mode:o}"));
            mkfifoat(CWD, &pipe, Mode::from_raw_mode(0o600)).unwrap();
            fs::set_permissions(&pipe, Permissions::from_mode(mode)).unwrap();
            set_mtime(&pipe, 1_000_000_000, 1);
        }
    });
    trip.assert_same();
    assert_eq!(trip.restored.json()["others"].as_u64(), Some(3));
}

#[test]
fn character_and_block_devices_come_back_with_large_numbers() {
    if !is_root() {
        return;
    }
    if !can_make_devices() {
        return skip("the right to make devices");
    }
    let trip = round_trip(|tree| {
        for (major, minor) in [(0, 1), (1, 3), (7, 0), (259, 1_048_575), (4095, 65_536)] {
            for (what, file_type) in [("character", FileType::CharacterDevice), ("block", FileType::BlockDevice)] {
                let device = tree.join(format!("{what} {major} {minor}"));
                mknodat(CWD, &device, file_type, Mode::from_raw_mode(0o600), makedev(major, minor)).unwrap();
                chown(&device, Some(0), Some(6)).unwrap();
                fs::set_permissions(&device, Permissions::from_mode(0o660)).unwrap();
                set_mtime(&device, 1_500_000_000, 2);
            }
        }
    });
    trip.assert_same();
    assert_eq!(fs::metadata(trip.back("block 4095 65536")).unwrap().rdev(), makedev(4095, 65_536));
}

fn can_make_devices() -> bool {
    let folder = tempfile::tempdir().unwrap();
    mknodat(CWD, folder.path().join("device"), FileType::CharacterDevice, Mode::from_raw_mode(0o600), makedev(1, 3)).is_ok()
}

#[test]
fn sockets_are_noted_and_left_out() {
    let place = Place::with_repository();
    let socket = place.path("source/socket");
    // The path of a socket has room for 108 bytes; a relative one is not needed in a temporary folder.
    let _listener = UnixListener::bind(&socket).unwrap();
    let ran = place.run(&["snapshot", "-v", &place.text("source")]).expect(0);
    assert!(ran.stderr.contains("socket") && ran.stderr.contains("cannot be saved"), "{}", ran.stderr);
    place.run(&["restore", &format!("latest:{}", place.text("source")), &place.text("back")]).expect(0);
    assert!(!place.path("back/socket").exists() && place.path("back/a").exists());
    assert!(Path::new(&socket).exists());
}
