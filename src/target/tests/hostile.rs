//! What a hostile repository, or somebody who writes into the destination meanwhile, must not get.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};

use super::*;
use crate::error::ErrorKind;

#[test]
fn names_that_would_leave_the_destination_are_refused_before_any_call() {
    let (top, destination) = destination();
    let folder = destination.folder(b"").unwrap();
    for name in [&b""[..], b".", b"..", b"a/b", b"../x", b"/etc", b"a\0b", &[b'x'; 256]] {
        let kinds = [
            folder.stat(name).unwrap_err().kind(),
            folder.remove(name).unwrap_err().kind(),
            folder.symlink(name, b"t").unwrap_err().kind(),
            folder.fifo(name).unwrap_err().kind(),
            folder.device(name, DeviceKind::Character, 1, 3).unwrap_err().kind(),
            folder.rename_new(b"t", name, true).unwrap_err().kind(),
            folder.open_file(name).unwrap_err().kind(),
            folder.hard_link_from(&folder, b"t", Identity { device: 0, inode: 0 }, name).unwrap_err().kind(),
            NewFile::create(&destination, *b"", name).unwrap_err().kind(),
            apply_to_link_or_special(&folder, name, &plain(0), &ApplyOptions::default()).unwrap_err().kind(),
        ];
        assert_eq!(kinds, [ErrorKind::Damaged; 10], "{name:?}");
    }
    for path in [&b".."[..], b"/", b"/etc", b"a/../b", b"a//b", b"a/", b"./a"] {
        assert_eq!(destination.folder(path).unwrap_err().kind(), ErrorKind::Damaged, "{path:?}");
        assert_eq!(destination.make_folder(path).unwrap_err().kind(), ErrorKind::Damaged, "{path:?}");
    }
    assert!(names_in(top.path()).is_empty());
}

#[test]
fn nothing_is_written_through_a_link_that_took_the_place_of_a_folder() {
    let (top, destination) = destination();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::create_dir(elsewhere.path().join("b")).unwrap();
    symlink(elsewhere.path(), top.path().join("a")).unwrap();
    assert_eq!(destination.folder(b"a").unwrap_err().kind(), ErrorKind::Exists);
    assert_eq!(destination.folder(b"a/b").unwrap_err().kind(), ErrorKind::Exists);
    assert_eq!(destination.make_folder(b"a").unwrap_err().kind(), ErrorKind::Exists);
    assert_eq!(destination.make_folder(b"a/c").unwrap_err().kind(), ErrorKind::Exists);
    assert_eq!(NewFile::create(&destination, *b"a", *b"f").unwrap_err().kind(), ErrorKind::Exists);
    assert_eq!(names_in(elsewhere.path()), [b"b"]);
}

#[test]
fn a_folder_swapped_for_a_link_while_a_file_is_in_work_keeps_the_file_out() {
    let (top, destination) = destination();
    let elsewhere = tempfile::tempdir().unwrap();
    destination.make_folder(b"a").unwrap();
    let file = NewFile::create(&destination, *b"a", *b"f").unwrap();
    file.write_at(0, b"one").unwrap();
    file.close().unwrap();
    // A handle that is kept stays with its folder, wherever that goes.
    fs::rename(top.path().join("a"), top.path().join("moved")).unwrap();
    symlink(elsewhere.path(), top.path().join("a")).unwrap();
    file.write_at(3, b"two").unwrap();
    file.finish(&plain(0o600), &ApplyOptions::default(), false).unwrap();
    assert_eq!(fs::read(top.path().join("moved/f")).unwrap(), b"onetwo");
    // And a new one does not follow the link.
    let again = Destination::open(destination.path(), false).unwrap();
    assert!(NewFile::create(&again, *b"a", *b"g").is_err());
    assert!(names_in(elsewhere.path()).is_empty());
}

#[test]
fn a_file_swapped_under_its_temporary_name_is_noticed() {
    let (top, destination) = destination();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("shadow"), b"secret").unwrap();
    let file = NewFile::create(&destination, *b"", *b"f").unwrap();
    file.close().unwrap();
    let temporary = names_in(top.path()).pop().unwrap();
    assert!(is_temporary_name(&temporary));
    let path = top.path().join(std::ffi::OsStr::from_bytes(&temporary));
    fs::remove_file(&path).unwrap();
    symlink(elsewhere.path().join("shadow"), &path).unwrap();
    assert_eq!(file.write_at(0, b"x").unwrap_err().kind(), ErrorKind::Exists, "a link");
    fs::remove_file(&path).unwrap();
    fs::hard_link(elsewhere.path().join("shadow"), &path).unwrap();
    assert_eq!(file.write_at(0, b"x").unwrap_err().kind(), ErrorKind::Changed, "another inode");
    assert_eq!(fs::read(elsewhere.path().join("shadow")).unwrap(), b"secret");
}

#[test]
fn a_hard_link_to_another_inode_is_taken_back() {
    let (top, destination) = destination();
    let folder = destination.folder(b"").unwrap();
    fs::write(top.path().join("mine"), b"m").unwrap();
    fs::write(top.path().join("theirs"), b"t").unwrap();
    let mine = folder.stat(b"mine").unwrap().unwrap().identity;
    assert_eq!(folder.hard_link_from(&folder, b"theirs", mine, b"new").unwrap_err().kind(), ErrorKind::Changed);
    symlink(top.path().join("mine"), top.path().join("link")).unwrap();
    assert_eq!(folder.hard_link_from(&folder, b"link", mine, b"new").unwrap_err().kind(), ErrorKind::Changed, "not followed");
    assert!(!top.path().join("new").exists());
    folder.hard_link_from(&folder, b"mine", mine, b"new").unwrap();
    assert_eq!(fs::metadata(top.path().join("new")).unwrap().nlink(), 2);
    assert_eq!(folder.hard_link_from(&folder, b"mine", mine, b"new").unwrap_err().kind(), ErrorKind::Exists);
}

#[test]
fn removing_a_tree_of_a_thousand_levels_follows_no_link() {
    let (top, destination) = destination();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("keep"), b"k").unwrap();
    let mut path = b"tree".to_vec();
    destination.make_folder(&path).unwrap();
    for level in 0..1000 {
        let folder = destination.folder(&path).unwrap();
        folder.symlink(b"out", elsewhere.path().as_os_str().as_bytes()).unwrap();
        path.extend_from_slice(b"/d");
        destination.make_folder(&path).unwrap();
        if level % 100 == 0 {
            destination.make_folder(&[&path[..], b"/side"].concat()).unwrap();
        }
    }
    destination.folder(b"").unwrap().remove(b"tree").unwrap();
    assert!(names_in(top.path()).is_empty());
    assert_eq!(names_in(elsewhere.path()), [b"keep"]);
    assert!(destination.folder(b"tree").is_err(), "a kept handle of a removed folder is not used");
}

#[test]
fn removing_takes_links_wide_folders_and_what_is_not_there() {
    let (top, destination) = destination();
    let folder = destination.folder(b"").unwrap();
    folder.remove(b"nothing").unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::create_dir(elsewhere.path().join("d")).unwrap();
    symlink(elsewhere.path(), top.path().join("link")).unwrap();
    folder.remove(b"link").unwrap();
    assert_eq!(names_in(elsewhere.path()), [b"d"]);
    let wide = top.path().join("wide");
    for number in 0..5000 {
        fs::create_dir_all(wide.join(number.to_string())).unwrap();
    }
    fs::write(wide.join("77/file"), b"x").unwrap();
    folder.remove(b"wide").unwrap();
    assert!(names_in(top.path()).is_empty());
}

#[test]
fn a_file_is_begun_in_the_folder_that_has_the_name_and_not_in_one_that_was_removed() {
    let (top, destination) = destination();
    destination.make_folder(b"d").unwrap();
    fs::remove_dir(top.path().join("d")).unwrap();
    assert!(NewFile::create(&destination, *b"d", *b"f").unwrap_err().is_not_found());
    fs::create_dir(top.path().join("d")).unwrap();
    let file = NewFile::create(&destination, *b"d", *b"f").unwrap();
    file.finish(&Metadata::default(), &ApplyOptions::default(), false).unwrap();
    assert!(top.path().join("d/f").is_file());
}
