//! Tests of open files.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::fs::{CWD, Mode};

use super::*;

fn folder_at(path: &Path) -> Folder {
    Folder::open(path.as_os_str().as_bytes()).unwrap()
}

fn open(path: &Path, name: &str) -> SourceFile {
    let folder = folder_at(path);
    SourceFile::open(&folder, name.as_bytes(), &folder.stat(name.as_bytes()).unwrap()).unwrap()
}

#[test]
fn bytes_are_read_from_any_offset_to_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let content: Vec<u8> = (0..10_000u32).map(|n| n as u8).collect();
    std::fs::write(folder.path().join("file"), &content).unwrap();
    let file = open(folder.path(), "file");
    let mut buffer = vec![0; 20_000];
    assert_eq!(file.read_at(0, &mut buffer).unwrap(), 10_000);
    assert_eq!(&buffer[..10_000], content);
    assert_eq!(file.read_at(9_990, &mut buffer).unwrap(), 10);
    assert_eq!(&buffer[..10], &content[9_990..]);
    assert_eq!(file.read_at(10_000, &mut buffer).unwrap(), 0);
    assert_eq!(file.read_at(1 << 40, &mut buffer).unwrap(), 0);
}

#[test]
fn what_replaced_a_file_after_the_look_is_changed_and_nothing_hangs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let opened = folder_at(folder.path());
    let mut kept = Vec::new();
    for swap in ["fifo", "link", "folder", "file", "gone", "socket"] {
        let _ = std::fs::remove_file(&path).or_else(|_| std::fs::remove_dir(&path));
        std::fs::write(&path, b"first").unwrap();
        let expected = opened.stat(b"file").unwrap();
        // The handle keeps the inode number from being given to the replacement.
        kept.push(std::fs::File::open(&path).unwrap());
        std::fs::remove_file(&path).unwrap();
        match swap {
            "fifo" => rustix::fs::mkfifoat(CWD, &path, Mode::from_raw_mode(0o600)).unwrap(),
            "link" => symlink("/etc/passwd", &path).unwrap(),
            "folder" => std::fs::create_dir(&path).unwrap(),
            "file" => std::fs::write(&path, b"first").unwrap(),
            // The name stays when the listener goes.
            "socket" => drop(UnixListener::bind(&path).unwrap()),
            _ => {}
        }
        let error = SourceFile::open(&opened, b"file", &expected).unwrap_err();
        let kind = if swap == "gone" { ErrorKind::NotFound } else { ErrorKind::Changed };
        assert_eq!(error.kind(), kind, "{swap}: {error}");
        if swap != "gone" {
            assert_eq!(open_waiting(&opened, b"file", &expected).unwrap_err().kind(), ErrorKind::Changed, "{swap}");
            // Seen as it is now, it is still no file to open, but for the second file.
            let now = opened.stat(b"file").unwrap();
            assert_eq!(SourceFile::open(&opened, b"file", &now).is_ok(), swap == "file", "{swap}");
        }
    }
}

#[test]
fn the_way_that_waits_for_a_lease_opens_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), b"x").unwrap();
    // Until it is written out, the kernel may give it its blocks at any time.
    std::fs::File::open(folder.path().join("file")).unwrap().sync_all().unwrap();
    let opened = folder_at(folder.path());
    let expected = opened.stat(b"file").unwrap();
    let handle = open_waiting(&opened, b"file", &expected).unwrap();
    assert_eq!(Stat::read(&handle, b"", b"file").unwrap(), expected);
}

#[test]
fn the_handle_tells_of_changes_after_the_opening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, b"12345").unwrap();
    std::fs::File::open(&path).unwrap().sync_all().unwrap();
    let file = open(folder.path(), "file");
    assert_eq!(file.stat().unwrap(), *file.opened());
    std::fs::File::options().write(true).open(&path).unwrap().set_len(3).unwrap();
    assert_eq!((file.opened().size, file.stat().unwrap().size), (5, 3));
    std::fs::remove_file(&path).unwrap();
    assert_eq!(file.stat().unwrap().links, 0, "the handle outlives the name");
}

fn extents(file: &SourceFile) -> Vec<Extent> {
    let (mut offset, end, mut found) = (0, file.opened().size, Vec::new());
    while offset < end {
        let extent = file.next_extent(offset, end).unwrap();
        let (Extent::Data { start, end } | Extent::Hole { start, end }) = extent;
        assert!(start == offset && end > start, "extents follow one another: {extent:?}");
        found.push(extent);
        offset = end;
    }
    found
}

#[test]
fn the_holes_of_a_sparse_file_are_found() {
    const MIB: u64 = 1 << 20;
    let folder = tempfile::tempdir().unwrap();
    let sparse = std::fs::File::create(folder.path().join("sparse")).unwrap();
    sparse.set_len(1 << 40).unwrap();
    sparse.write_all_at(&[1; 4096], 16 * MIB).unwrap();
    sparse.write_all_at(&[2; 65536], 64 * MIB).unwrap();
    sparse.sync_all().unwrap();
    let file = open(folder.path(), "sparse");
    if !matches!(file.next_extent(0, MIB).unwrap(), Extent::Hole { .. }) {
        eprintln!("skipped: this file system knows no holes");
        return;
    }
    let found = extents(&file);
    let data: u64 = found.iter().map(|extent| if let Extent::Data { start, end } = extent { end - start } else { 0 }).sum();
    assert!((4096 + 65536..MIB).contains(&data), "{found:?}");
    assert_eq!(found.len(), 5, "{found:?}");
    assert!(matches!(found[0], Extent::Hole { start: 0, end } if end <= 16 * MIB));
    assert!(matches!(found[4], Extent::Hole { end, .. } if end == 1 << 40));
    // The end that the caller names cuts an extent of either sort.
    assert_eq!(file.next_extent(0, 1000).unwrap(), Extent::Hole { start: 0, end: 1000 });
    assert_eq!(file.next_extent(64 * MIB + 5, 64 * MIB + 9).unwrap(), Extent::Data { start: 64 * MIB + 5, end: 64 * MIB + 9 });
}

#[test]
fn a_dense_file_is_one_extent_and_a_hole_alone_is_another() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("dense"), vec![1; 300_000]).unwrap();
    std::fs::File::create(folder.path().join("hole")).unwrap().set_len(300_000).unwrap();
    assert_eq!(extents(&open(folder.path(), "dense")), [Extent::Data { start: 0, end: 300_000 }]);
    assert_eq!(extents(&open(folder.path(), "hole")), [Extent::Hole { start: 0, end: 300_000 }]);
}

/// Runs `work` on a thread without the rights of root, or says that it cannot.
fn without_privilege(work: impl FnOnce() + Send) {
    if !nix::unistd::geteuid().is_root() {
        return work();
    }
    std::thread::scope(|scope| {
        // The file system's idea of the user belongs to the thread, so nobody else is touched.
        let dropped = scope.spawn(|| {
            nix::unistd::setfsuid(nix::unistd::Uid::from_raw(65534));
            work();
        });
        dropped.join().unwrap();
    });
}

#[test]
fn an_unreadable_file_is_denied_and_a_strangers_file_is_read() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    for (name, mode) in [("closed", 0o000), ("open", 0o444)] {
        std::fs::write(folder.path().join(name), b"x").unwrap();
        std::fs::set_permissions(folder.path().join(name), std::fs::Permissions::from_mode(mode)).unwrap();
    }
    std::fs::create_dir(folder.path().join("shut")).unwrap();
    std::fs::set_permissions(folder.path().join("shut"), std::fs::Permissions::from_mode(0o000)).unwrap();
    let opened = folder_at(folder.path());
    without_privilege(|| {
        let error = SourceFile::open(&opened, b"closed", &opened.stat(b"closed").unwrap()).unwrap_err();
        assert_eq!((error.kind(), error.os_code()), (ErrorKind::Denied, Some(13)));
        assert_eq!(opened.open_below(b"shut").unwrap_err().kind(), ErrorKind::Denied);
        // A stranger may not ask for the access time to be left alone, and reads all the same.
        let file = SourceFile::open(&opened, b"open", &opened.stat(b"open").unwrap()).unwrap();
        assert_eq!(file.read_at(0, &mut [0; 8]).unwrap(), 1);
    });
}
