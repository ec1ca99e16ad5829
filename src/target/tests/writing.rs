//! Files, folders and links that are written as they should be.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::thread;

use super::*;
use crate::error::ErrorKind;

#[test]
fn a_file_has_no_name_before_it_is_complete() {
    let (top, destination) = destination();
    let file = NewFile::create(&destination, *b"", *b"f").unwrap();
    file.write_at(3, b"def").unwrap();
    let names = names_in(top.path());
    assert!(names.len() == 1 && is_temporary_name(&names[0]));
    assert_eq!(fs::metadata(top.path().join(std::ffi::OsStr::from_bytes(&names[0]))).unwrap().mode() & 0o777, 0o600);
    file.close().unwrap();
    file.write_at(0, b"abc").unwrap();
    let notes = file.finish(&plain(0o640), &ApplyOptions::default(), false).unwrap();
    assert!(notes.is_empty(), "{notes:?}");
    assert_eq!(names_in(top.path()), [b"f"]);
    assert_eq!(fs::read(top.path().join("f")).unwrap(), b"abcdef");
    assert_eq!(file.write_at(0, b"x").unwrap_err().kind(), ErrorKind::Invalid);
    drop(file);
    assert_eq!(fs::metadata(top.path().join("f")).unwrap().mode() & 0o7777, 0o640);
}

#[test]
fn threads_write_while_the_handle_comes_and_goes() {
    let (top, destination) = destination();
    let file = NewFile::create(&destination, *b"", *b"f").unwrap();
    thread::scope(|scope| {
        for part in 0..4u8 {
            let file = &file;
            scope.spawn(move || {
                for block in 0..64 {
                    file.write_at((u64::from(part) * 64 + block) * 100, &[part + 1; 100]).unwrap();
                    file.close().unwrap();
                }
            });
        }
    });
    file.finish(&plain(0o600), &ApplyOptions::default(), false).unwrap();
    let bytes = fs::read(top.path().join("f")).unwrap();
    assert_eq!(bytes.len(), 25_600);
    assert!(bytes.iter().enumerate().all(|(at, byte)| usize::from(*byte) == at / 6400 + 1));
}

#[test]
fn many_files_in_many_folders_hold_no_handle_while_closed() {
    let (top, destination) = destination();
    let mut files = Vec::new();
    for number in 0..1200u32 {
        let folder = format!("{:02}", number % 60).into_bytes();
        destination.make_folder(&folder).unwrap();
        let file = NewFile::create(&destination, &folder[..], number.to_string().as_bytes()).unwrap();
        file.close().unwrap();
        files.push(file);
    }
    for file in &files {
        file.write_at(0, b"late").unwrap();
        file.finish(&plain(0o600), &ApplyOptions::default(), false).unwrap();
    }
    assert_eq!(fs::read(top.path().join("59/1199")).unwrap(), b"late");
}

#[test]
fn holes_take_no_space_and_reserved_files_do() {
    let (top, destination) = destination();
    let sparse = NewFile::create(&destination, *b"", *b"sparse").unwrap();
    sparse.write_at(1 << 30, b"end of the middle").unwrap();
    sparse.set_length(1 << 40).unwrap();
    sparse.finish(&plain(0o600), &ApplyOptions::default(), false).unwrap();
    let metadata = fs::metadata(top.path().join("sparse")).unwrap();
    assert_eq!(metadata.len(), 1 << 40);
    assert!(metadata.blocks() * 512 < 1 << 20, "{} blocks", metadata.blocks());
    let dense = NewFile::create(&destination, *b"", *b"dense").unwrap();
    dense.reserve(1 << 20).unwrap();
    dense.finish(&plain(0o600), &ApplyOptions::default(), false).unwrap();
    let metadata = fs::metadata(top.path().join("dense")).unwrap();
    assert!(metadata.len() == 1 << 20 && metadata.blocks() * 512 >= 1 << 20);
}

#[test]
fn a_taken_name_is_left_alone_unless_it_is_to_be_replaced() {
    let (top, destination) = destination();
    fs::write(top.path().join("f"), b"old").unwrap();
    fs::create_dir(top.path().join("d")).unwrap();
    let options = ApplyOptions::default();
    let file = NewFile::create(&destination, *b"", *b"f").unwrap();
    file.write_at(0, b"new").unwrap();
    assert_eq!(file.finish(&plain(0o600), &options, false).unwrap_err().kind(), ErrorKind::Exists);
    assert_eq!(fs::read(top.path().join("f")).unwrap(), b"old");
    file.give_name_as(b"f~2", false).unwrap();
    assert_eq!(fs::read(top.path().join("f~2")).unwrap(), b"new");
    let file = NewFile::create(&destination, *b"", *b"f").unwrap();
    file.finish(&plain(0o600), &options, true).unwrap();
    assert_eq!(fs::read(top.path().join("f")).unwrap(), b"");
    let file = NewFile::create(&destination, *b"", *b"d").unwrap();
    assert_eq!(file.finish(&plain(0o600), &options, true).unwrap_err().kind(), ErrorKind::Exists, "a folder is not replaced");
    drop(file);
    assert_eq!(names_in(top.path()), [&b"d"[..], b"f", b"f~2"]);
}

#[test]
fn damaged_files_are_kept_under_names_of_their_own_without_privileges() {
    let (top, destination) = destination();
    let name = [b'n'; 255];
    for _ in 0..3 {
        let file = NewFile::create(&destination, *b"", name).unwrap();
        file.write_at(0, b"half").unwrap();
        file.complete_damaged(&plain(0o4755), &ApplyOptions::default()).unwrap();
        file.give_damaged_name().unwrap();
    }
    let names = names_in(top.path());
    assert_eq!(names.len(), 3);
    for end in [".damaged", ".damaged~2", ".damaged~3"] {
        let name = names.iter().find(|name| name.ends_with(end.as_bytes())).expect(end);
        assert_eq!(name.len(), 255);
        assert_eq!(fs::metadata(top.path().join(std::ffi::OsStr::from_bytes(name))).unwrap().mode() & 0o7777, 0o755);
    }
}

#[test]
fn an_abandoned_or_dropped_file_leaves_nothing() {
    let (top, destination) = destination();
    NewFile::create(&destination, *b"", *b"a").unwrap().abandon().unwrap();
    let closed = NewFile::create(&destination, *b"", *b"b").unwrap();
    closed.close().unwrap();
    drop(closed);
    assert!(names_in(top.path()).is_empty());
}

#[test]
fn names_of_255_bytes_and_of_any_byte_are_written_exactly() {
    let (top, destination) = destination();
    let folder = destination.folder(b"").unwrap();
    let mut names = vec![vec![b'x'; 255], vec![0xff; 255], b"new\nline \x1b[2J".to_vec(), b"-rf".to_vec(), b"...".to_vec()];
    for name in &names {
        NewFile::create(&destination, *b"", name.clone()).unwrap().finish(&plain(0o600), &ApplyOptions::default(), false).unwrap();
    }
    names.sort();
    assert_eq!(names_in(top.path()), names);
    assert_eq!(folder.names().unwrap(), names);
    assert_eq!(folder.names().unwrap(), names, "a listing can be repeated");
}

#[test]
fn a_path_of_a_thousand_levels_is_made_and_reached_from_the_top() {
    let (_top, destination) = destination();
    let name = [b'l'; 40];
    let mut path = name.to_vec();
    destination.make_folder(&path).unwrap();
    for _ in 1..1000 {
        path.push(b'/');
        path.extend_from_slice(&name);
        assert!(destination.make_folder(&path).unwrap().is_new);
    }
    assert!(path.len() > 40_000);
    // Another handle of the same destination has kept nothing.
    let again = Destination::open(destination.path(), false).unwrap();
    assert!(!again.make_folder(&path).unwrap().is_new);
    let fresh = Destination::open(destination.path(), false).unwrap();
    let file = NewFile::create(&fresh, &path[..], *b"f").unwrap();
    file.write_at(0, b"deep").unwrap();
    file.finish(&plain(0o600), &ApplyOptions::default(), false).unwrap();
    assert_eq!(destination.folder(&path).unwrap().stat(b"f").unwrap().unwrap().bytes, 4);
    destination.folder(b"").unwrap().remove(&name).unwrap();
}

#[test]
fn folders_are_private_until_they_are_done_and_must_have_a_parent() {
    let (top, destination) = destination();
    assert!(destination.make_folder(b"a").unwrap().is_new);
    assert_eq!(fs::metadata(top.path().join("a")).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(destination.folder(b"a").unwrap().is_unfinished().unwrap());
    apply_to_folder(&destination.folder(b"a").unwrap(), &plain(0o1700), &ApplyOptions::default());
    assert!(!destination.folder(b"a").unwrap().is_unfinished().unwrap());
    assert!(!destination.make_folder(b"a").unwrap().is_new);
    assert!(destination.make_folder(b"x/y").unwrap_err().is_not_found());
    fs::write(top.path().join("f"), b"").unwrap();
    assert_eq!(destination.make_folder(b"f").unwrap_err().kind(), ErrorKind::Exists);
    fs::remove_dir(top.path().join("a")).unwrap();
    assert!(destination.make_folder(b"a").unwrap().is_new, "a removed folder is made again");
}

#[test]
fn a_complete_file_gets_its_name_without_a_handle_also_when_nobody_may_read_it() {
    let (top, destination) = destination();
    destination.make_folder(b"d").unwrap();
    let file = NewFile::create(&destination, *b"d", *b"f").unwrap();
    file.write_at(0, b"secret").unwrap();
    assert!(file.complete(&plain(0), &ApplyOptions::default()).unwrap().is_empty());
    file.release();
    let [temporary] = &names_in(&top.path().join("d"))[..] else { panic!() };
    assert!(is_temporary_name(temporary));
    assert!(file.give_name(false).unwrap().is_none());
    let stat = fs::metadata(top.path().join("d/f")).unwrap();
    assert_eq!((stat.len(), stat.mode() & 0o7777, stat.mtime()), (6, 0, 1_600_000_000));
}

#[test]
fn what_was_written_can_be_made_durable() {
    // In memory where there is such a place: elsewhere this waits for everything that is unwritten.
    let top = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let destination = Destination::open(top.path().as_os_str().as_bytes(), false).unwrap();
    destination.sync_for([].into_iter()).unwrap();
    destination.sync().unwrap();
    let file = NewFile::create(&destination, *b"", *b"f").unwrap();
    file.write_at(0, b"content").unwrap();
    destination.sync_for([&file].into_iter()).unwrap();
    file.sync().unwrap();
}

#[test]
fn the_users_own_path_may_lead_through_links_and_is_made_if_asked() {
    let (top, destination) = destination();
    std::os::unix::fs::symlink(top.path(), top.path().join("self")).unwrap();
    let inner = top.path().join("self/new/inner");
    assert!(Destination::open(inner.as_os_str().as_bytes(), false).unwrap_err().is_not_found());
    Destination::open(inner.as_os_str().as_bytes(), true).unwrap().make_folder(b"d").unwrap();
    assert!(destination.folder(b"new/inner/d").is_ok());
}

#[test]
fn pipes_links_and_devices_are_made() {
    let (top, destination) = destination();
    let folder = destination.folder(b"").unwrap();
    folder.fifo(b"pipe").unwrap();
    assert!(fs::symlink_metadata(top.path().join("pipe")).unwrap().file_type().is_fifo());
    assert_eq!(folder.fifo(b"pipe").unwrap_err().kind(), ErrorKind::Exists);
    assert!(folder.open_file(b"pipe").is_err(), "and opening one does not block");
    folder.symlink(b"link", b"/no/\xffwhere").unwrap();
    assert_eq!(folder.link_target(b"link").unwrap(), b"/no/\xffwhere");
    assert_eq!(folder.stat(b"link").unwrap().unwrap().bytes, 10);
    assert!(folder.stat(b"none").unwrap().is_none());
    if is_root() {
        folder.device(b"null", DeviceKind::Character, 1, 3).unwrap();
        folder.device(b"disk", DeviceKind::Block, 259, 70_000).unwrap();
        assert_eq!(folder.stat(b"null").unwrap().unwrap().entry_type, EntryType::CharDevice(1, 3));
        assert_eq!(folder.stat(b"disk").unwrap().unwrap().entry_type, EntryType::BlockDevice(259, 70_000));
    }
}

#[test]
fn a_folder_that_its_owner_may_not_write_is_finished_for_a_user_too() {
    let (top, destination) = destination();
    fs::set_permissions(top.path(), fs::Permissions::from_mode(0o777)).unwrap();
    thread::scope(|scope| {
        let work = || {
            // The file system's idea of the user belongs to the thread, so nobody else is touched.
            if is_root() {
                nix::unistd::setfsuid(nix::unistd::Uid::from_raw(65534));
            }
            let made = destination.make_folder(b"closed").unwrap();
            let mut metadata = plain(0o555);
            if is_root() {
                metadata.uid = 65534;
            }
            apply_to_folder(&made.folder, &metadata, &ApplyOptions::default());
            assert!(!made.folder.is_unfinished().unwrap());
        };
        scope.spawn(work).join().unwrap();
    });
    assert_eq!(fs::metadata(top.path().join("closed")).unwrap().mode() & 0o7777, 0o555);
}

#[test]
fn threads_that_give_the_same_name_where_looking_and_renaming_are_two_steps_replace_nothing() {
    let (top, destination) = destination();
    let folder = destination.folder(b"").unwrap();
    let taken = std::sync::atomic::AtomicUsize::new(0);
    for turn in 0..200 {
        let name = format!("name {turn}");
        let barrier = std::sync::Barrier::new(4);
        thread::scope(|scope| {
            for number in 0..4 {
                let (folder, taken, barrier, name, top) = (&folder, &taken, &barrier, &name, top.path());
                scope.spawn(move || {
                    let temporary = format!("temporary {turn} {number}");
                    fs::write(top.join(&temporary), "x").unwrap();
                    barrier.wait();
                    match folder.look_and_rename(temporary.as_bytes(), name.as_bytes()) {
                        Ok(()) => _ = taken.fetch_add(1, std::sync::atomic::Ordering::Relaxed),
                        Err(errno) => assert_eq!(errno, crate::platform::Failure::EXISTS),
                    }
                });
            }
        });
    }
    assert_eq!((taken.into_inner(), names_in(top.path()).len()), (200, 800));
}
