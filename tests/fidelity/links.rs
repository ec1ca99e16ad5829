//! Symbolic and hard links.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, lchown, symlink};

use rustix::fs::{AtFlags, CWD, Mode, linkat, mkfifoat};

use super::times::set_mtime;
use super::{is_root, round_trip};
use crate::cli_place::Place;
use crate::picture::Picture;

#[test]
fn symbolic_links_come_back_whatever_they_point_to() {
    let trip = round_trip(|tree| {
        fs::create_dir(tree.join("folder")).unwrap();
        fs::write(tree.join("folder/file"), "x").unwrap();
        let long = vec![b'y'; 4095];
        let targets: [&[u8]; 10] =
            [b"folder", b"folder/file", b"nowhere", b"/etc/passwd", b"..", b".", b"\xff\xfe\n\x1b[31m", b"a//b/", b"-n", &long];
        for (at, target) in targets.into_iter().enumerate() {
            symlink(OsStr::from_bytes(target), tree.join(format!("link {at}"))).unwrap();
        }
        symlink("turning", tree.join("turning")).unwrap();
    });
    trip.assert_same();
    assert_eq!(fs::read_link(trip.back("link 9")).unwrap().as_os_str().len(), 4095);
}

#[test]
fn a_symbolic_link_has_its_own_time_and_owner() {
    if !is_root() {
        return;
    }
    let trip = round_trip(|tree| {
        fs::write(tree.join("file"), "x").unwrap();
        for (name, target) in [("link", "file"), ("dangling", "nowhere")] {
            symlink(target, tree.join(name)).unwrap();
            lchown(tree.join(name), Some(1234), Some(2345)).unwrap();
            set_mtime(&tree.join(name), 12_345, 678_900_001);
        }
    });
    trip.assert_same();
    let link = fs::symlink_metadata(trip.back("link")).unwrap();
    assert_eq!((link.uid(), link.gid(), link.mtime(), link.mtime_nsec()), (1234, 2345, 12_345, 678_900_001));
    assert_ne!(fs::metadata(trip.back("file")).unwrap().mtime(), 12_345);
}

#[test]
fn hard_links_are_links_again_in_the_same_and_in_other_folders() {
    let trip = round_trip(|tree| {
        fs::create_dir_all(tree.join("a/b")).unwrap();
        fs::create_dir(tree.join("z")).unwrap();
        for (name, content) in [("empty", vec![]), ("short", b"short".to_vec()), ("long", vec![7; 3 << 20])] {
            fs::write(tree.join("a/b").join(name), content).unwrap();
            for other in [format!("a/b/{name} too"), format!("a/{name}"), format!("z/{name}"), format!("0 {name}")] {
                fs::hard_link(tree.join("a/b").join(name), tree.join(other)).unwrap();
            }
        }
        // The same content is no reason to be the same file.
        fs::write(tree.join("short, but of its own"), "short").unwrap();
    });
    trip.assert_same();
    assert_eq!(trip.restored.json()["hard_links"].as_u64(), Some(12));
    assert_eq!(fs::metadata(trip.back("z/long")).unwrap().nlink(), 5);
    assert_eq!(fs::metadata(trip.back("short, but of its own")).unwrap().nlink(), 1);
}

#[test]
fn links_and_pipes_with_several_names_come_back_with_them() {
    let trip = round_trip(|tree| {
        fs::create_dir(tree.join("folder")).unwrap();
        symlink("nowhere", tree.join("link")).unwrap();
        mkfifoat(CWD, tree.join("pipe"), Mode::from_raw_mode(0o600)).unwrap();
        for name in ["link", "pipe"] {
            // The link itself gets another name, not what it points to.
            for other in [format!("another {name}"), format!("folder/{name}")] {
                linkat(CWD, tree.join(name), CWD, tree.join(other), AtFlags::empty()).unwrap();
            }
        }
    });
    trip.assert_same();
    assert_eq!(fs::symlink_metadata(trip.back("folder/link")).unwrap().nlink(), 3);
    assert_eq!(trip.restored.json()["hard_links"].as_u64(), Some(4));
}

#[test]
fn a_hard_link_to_a_file_outside_of_the_source_comes_back_as_a_file() {
    let trip = round_trip(|tree| {
        fs::write(tree.with_file_name("outside"), "outside").unwrap();
        for name in ["one", "two"] {
            fs::hard_link(tree.with_file_name("outside"), tree.join(name)).unwrap();
        }
        fs::write(tree.with_file_name("other"), "other").unwrap();
        fs::hard_link(tree.with_file_name("other"), tree.join("alone")).unwrap();
    });
    trip.assert_same();
    assert_eq!(fs::metadata(trip.back("one")).unwrap().nlink(), 2);
    assert_eq!(fs::metadata(trip.back("alone")).unwrap().nlink(), 1);
    assert_eq!(fs::metadata(trip.place.path("other")).unwrap().nlink(), 2, "the file outside is not touched");
}

#[test]
fn hard_links_across_two_sources_come_back_whole_but_as_two_files() {
    let place = Place::with_repository();
    for source in ["one", "two"] {
        fs::create_dir(place.path(source)).unwrap();
    }
    fs::write(place.path("one/file"), "in both").unwrap();
    fs::hard_link(place.path("one/file"), place.path("two/file")).unwrap();
    place.run(&["snapshot", &place.text("one"), &place.text("two")]).expect(0);
    // Not the folders above: they are not everybody's to restore.
    place.run(&["restore", &format!("latest:{}", place.text("")), &place.text("back")]).expect(0);
    for source in ["one", "two"] {
        let back = place.path("back").join(source);
        Picture::of(&place.path(source)).assert_same(&Picture::of(&back));
        // Inode numbers of two sources may be of two file systems, so they are not compared.
        assert_eq!(fs::metadata(back.join("file")).unwrap().nlink(), 1);
    }
}

#[test]
fn a_hard_link_that_was_made_after_the_first_snapshot_comes_back_from_the_second() {
    let place = Place::with_repository();
    fs::write(place.path("source/a"), "one file").unwrap();
    place.run(&["snapshot", &place.text("source")]).expect(0);
    fs::hard_link(place.path("source/a"), place.path("source/sub/a")).unwrap();
    place.run(&["snapshot", &place.text("source")]).expect(0);
    place.run(&["restore", &format!("latest:{}", place.text("source")), &place.text("back")]).expect(0);
    Picture::of(&place.path("source")).assert_same(&Picture::of(&place.path("back")));
    assert_eq!(fs::metadata(place.path("back/a")).unwrap().nlink(), 2);
}
