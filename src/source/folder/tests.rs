//! Tests of open folders.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::*;
use crate::source::FileType;

fn open(path: &Path) -> Folder {
    Folder::open(path.as_os_str().as_bytes()).unwrap()
}

fn names_of(folder: &Folder) -> Vec<Vec<u8>> {
    folder.list().unwrap().into_iter().map(|listed| listed.name).collect()
}

#[test]
fn names_of_any_bytes_come_back_sorted_and_twice_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut names: Vec<Vec<u8>> = vec![b"b".to_vec(), b"-a".to_vec(), b"\xff\xfe".to_vec(), b"new\nline\x1b[2J".to_vec(), vec![0x80; 255]];
    names.extend((1..=255u8).filter(|byte| !matches!(byte, b'/' | b'.' | b'b')).map(|byte| vec![byte]));
    for name in &names {
        std::fs::write(folder.path().join(OsStr::from_bytes(name)), b"").unwrap();
    }
    names.sort();
    let opened = open(folder.path());
    assert_eq!(names_of(&opened), names);
    assert_eq!(names_of(&opened), names, "a second listing begins at the beginning");
    for name in &names {
        assert_eq!(opened.stat(name).unwrap().file_type, FileType::File);
    }
}

#[test]
fn a_listing_longer_than_the_buffer_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let name = |n: usize| format!("{n:04}-{}", "x".repeat(200));
    for n in 0..500 {
        std::fs::write(folder.path().join(name(n)), b"").unwrap();
    }
    let names = names_of(&open(folder.path()));
    assert!(names.len() * 200 > 32 * 1024);
    assert!(names.iter().map(Vec::as_slice).eq((0..500).map(name).collect::<Vec<_>>().iter().map(String::as_bytes)));
}

#[test]
fn listings_on_several_threads_do_not_share_a_position() {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..1000 {
        std::fs::write(folder.path().join(format!("{n}-{}", "x".repeat(100))), b"").unwrap();
    }
    let opened = open(folder.path());
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| opened.list().unwrap().len())).collect();
        assert!(threads.into_iter().all(|thread| thread.join().unwrap() == 1000));
    });
}

#[test]
fn a_source_path_follows_links_and_nothing_below_it_does() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("real/a/b")).unwrap();
    symlink("real", folder.path().join("link")).unwrap();
    symlink("a", folder.path().join("real/inside")).unwrap();
    symlink("/", folder.path().join("real/outside")).unwrap();

    let followed = open(&folder.path().join("link"));
    assert_eq!(followed.stat_self().unwrap().identity(), open(&folder.path().join("real")).stat_self().unwrap().identity());
    let below = followed.open_below(b"a/b").unwrap();
    assert_eq!(below.stat_self().unwrap().identity(), open(&folder.path().join("real/a/b")).stat_self().unwrap().identity());
    for path in [&b"inside"[..], b"inside/b", b"outside", b"outside/etc"] {
        assert_eq!(followed.open_below(path).unwrap_err().kind(), ErrorKind::Changed, "{path:?}");
    }
}

#[test]
fn paths_that_would_leave_the_folder_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let opened = open(folder.path());
    for path in [&b""[..], b"..", b"a/..", b"../a", b"/", b"/etc", b"a//b", b".", b"a/", b"a\0b"] {
        assert_eq!(opened.open_below(path).unwrap_err().kind(), ErrorKind::Invalid, "{path:?}");
    }
    assert!(opened.open_below(b"gone").unwrap_err().is_not_found());
}

#[test]
fn a_folder_that_became_a_file_or_pipe_is_changed_and_opening_does_not_hang() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), b"").unwrap();
    let opened = open(folder.path());
    entries::make_pipe(&opened, "fifo").unwrap();
    for name in [&b"file"[..], b"fifo"] {
        assert_eq!(opened.open_below(name).unwrap_err().kind(), ErrorKind::Changed);
    }
    let path = folder.path().join("file");
    assert_eq!(Folder::open(path.as_os_str().as_bytes()).unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn folders_deeper_than_a_path_can_say_are_reached() {
    // Long names reach the limit with few folders.
    const LEVELS: usize = 24;
    let name = [b'x'; 255];
    let folder = tempfile::tempdir().unwrap();
    let mut deepest = open(folder.path());
    for _ in 0..LEVELS {
        entries::make_folder(&deepest, name, 0o700).unwrap();
        deepest = deepest.open_below(&name).unwrap();
    }
    let eight = [&name[..]; 8].join(&b'/');
    let mut anchor = open(folder.path());
    for _ in 0..LEVELS / 8 {
        anchor = anchor.open_below(&eight).unwrap();
    }
    let whole = [&name[..]; LEVELS].join(&b'/');
    assert!(whole.len() > 4096);
    let at_once = open(folder.path()).open_below(&whole).unwrap();
    for reached in [anchor, at_once] {
        assert_eq!(reached.stat_self().unwrap().identity(), deepest.stat_self().unwrap().identity());
    }
}

#[test]
fn links_are_read_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let long = [b'x'; 2000];
    for (name, target) in [("dangling", &b"no\xffwhere\n"[..]), ("long", &long), ("absolute", b"/etc/passwd")] {
        symlink(OsStr::from_bytes(target), folder.path().join(name)).unwrap();
        assert_eq!(open(folder.path()).read_link(name.as_bytes()).unwrap(), target);
    }
    std::fs::write(folder.path().join("file"), b"").unwrap();
    assert_eq!(open(folder.path()).read_link(b"file").unwrap_err().kind(), ErrorKind::Changed);
}
