//! Hard links that the destination has and the snapshot has not, and the other way round.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn inode(path: &Path) -> u64 {
    fs::symlink_metadata(path).unwrap().ino()
}

/// Restores as a user would whom a dry run has told what to expect.
fn restore_as_foretold(bench: &Bench, manifest: &Manifest, overwrite: Overwrite) -> (Outcome, Vec<Finding>) {
    let (planned, _) = bench.foresee(manifest, &Request { overwrite, ..bench.request() });
    let (outcome, findings) = bench.restore(manifest, &Request { overwrite, ..bench.request() });
    let numbers = |outcome: &Outcome| {
        (outcome.files, outcome.hard_links, outcome.others, outcome.left, outcome.unchanged, outcome.metadata_set, outcome.failed)
    };
    assert_eq!(numbers(&planned), numbers(&outcome));
    (outcome, findings)
}

#[test]
fn metadata_is_not_set_through_a_link_to_what_was_not_asked_for() {
    let bench = Bench::new();
    bench.write("file", "content");
    bench.write("one", "equal");
    rustix::fs::mkfifoat(rustix::fs::CWD, bench.source.path().join("pipe"), rustix::fs::Mode::RUSR).unwrap();
    set_mtime(&bench.source.path().join("one"), 5);
    fs::copy(bench.source.path().join("one"), bench.source.path().join("two")).unwrap();
    set_mtime(&bench.source.path().join("two"), 5);
    fs::set_permissions(bench.source.path().join("two"), Permissions::from_mode(0o604)).unwrap();
    let manifest = bench.snapshot();
    bench.restore(&manifest, &bench.request());
    let outside = tempfile::tempdir_in(bench.target.path().parent().unwrap()).unwrap();
    for name in ["file", "pipe"] {
        fs::hard_link(bench.restored(name), outside.path().join(name)).unwrap();
        fs::set_permissions(bench.restored(name), Permissions::from_mode(0o606)).unwrap();
    }
    // Two files of the snapshot that are one here.
    fs::remove_file(bench.restored("two")).unwrap();
    fs::hard_link(bench.restored("one"), bench.restored("two")).unwrap();
    let before = [inode(&outside.path().join("file")), inode(&outside.path().join("pipe"))];
    let (outcome, findings) = restore_as_foretold(&bench, &manifest, Overwrite::IfChanged);
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!((outcome.files, outcome.others, outcome.unchanged, outcome.metadata_set), (2, 1, 1, 0));
    assert_eq!(describe(bench.target.path()), describe(bench.source.path()));
    for (name, before) in ["file", "pipe"].into_iter().zip(before) {
        assert_eq!((mode(&outside.path().join(name)), inode(&outside.path().join(name))), (0o606, before), "{name}");
    }
}

#[test]
fn one_file_in_the_place_of_two_is_two_again_though_nothing_else_differs() {
    let bench = Bench::new();
    for name in ["one", "two"] {
        bench.write(name, "equal");
        set_mtime(&bench.source.path().join(name), 5);
    }
    let manifest = bench.snapshot();
    bench.restore(&manifest, &bench.request());
    fs::remove_file(bench.restored("two")).unwrap();
    fs::hard_link(bench.restored("one"), bench.restored("two")).unwrap();
    let (outcome, findings) = restore_as_foretold(&bench, &manifest, Overwrite::Never);
    assert_eq!((outcome.left, outcome.unchanged), (1, 1));
    assert!(findings[0].message.contains("a hard link to another file"), "{findings:?}");
    let (outcome, findings) = restore_as_foretold(&bench, &manifest, Overwrite::IfChanged);
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!((outcome.files, outcome.unchanged), (1, 1));
    assert_ne!(inode(&bench.restored("one")), inode(&bench.restored("two")));
}

#[test]
fn linked_files_come_back_linked_where_they_were_separate_files() {
    let bench = Bench::new();
    bench.write("a/one", "content");
    for name in ["b", "c"] {
        fs::hard_link(bench.source.path().join("a/one"), bench.source.path().join(name)).unwrap();
    }
    let manifest = bench.snapshot();
    let apart = |name: &str| {
        let path = bench.restored(name);
        let time = fs::metadata(&path).unwrap().mtime();
        let content = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::metadata(bench.restored("a/one")).unwrap().permissions()).unwrap();
        let from = fs::metadata(bench.restored("a/one")).unwrap();
        assert_eq!(time, from.mtime());
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_modified(from.modified().unwrap()).unwrap();
    };
    bench.restore(&manifest, &bench.request());
    apart("b");
    let (outcome, findings) = restore_as_foretold(&bench, &manifest, Overwrite::Never);
    assert_eq!((outcome.left, outcome.unchanged), (1, 2));
    assert!(findings[0].message.contains("it is a file of its own"), "{findings:?}");
    let (outcome, findings) = restore_as_foretold(&bench, &manifest, Overwrite::IfChanged);
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!((outcome.files, outcome.hard_links, outcome.unchanged), (0, 1, 2));
    // Also when the first is written again, and when all get other metadata.
    apart("c");
    fs::write(bench.restored("a/one"), "other").unwrap();
    let (outcome, _) = restore_as_foretold(&bench, &manifest, Overwrite::IfChanged);
    assert_eq!((outcome.files, outcome.hard_links), (1, 2));
    fs::set_permissions(bench.restored("b"), Permissions::from_mode(0o606)).unwrap();
    let (outcome, _) = restore_as_foretold(&bench, &manifest, Overwrite::IfChanged);
    assert_eq!((outcome.files, outcome.hard_links, outcome.metadata_set), (1, 2, 0));
    assert_eq!(describe(bench.target.path()), describe(bench.source.path()));
    for name in ["b", "c"] {
        assert_eq!(inode(&bench.restored("a/one")), inode(&bench.restored(name)), "{name}");
    }
}

#[test]
fn a_first_name_that_is_left_is_no_reason_to_leave_the_others() {
    let bench = Bench::new();
    bench.write("one", "content");
    for name in ["three", "two"] {
        fs::hard_link(bench.source.path().join("one"), bench.source.path().join(name)).unwrap();
    }
    let manifest = bench.snapshot();
    fs::write(bench.restored("one"), "of the user").unwrap();
    let (outcome, _) = restore_as_foretold(&bench, &manifest, Overwrite::Never);
    assert_eq!((outcome.left, outcome.files, outcome.hard_links), (1, 1, 1));
    let (outcome, _) = restore_as_foretold(&bench, &manifest, Overwrite::Never);
    assert_eq!((outcome.left, outcome.unchanged), (1, 2));
}

#[test]
fn names_of_one_file_are_one_again_though_the_first_of_them_cannot_be_restored() {
    let bench = Bench::new();
    bench.write("bm/a", "content");
    fs::hard_link(bench.source.path().join("bm/a"), bench.source.path().join("bm/b")).unwrap();
    fs::create_dir(bench.source.path().join("d")).unwrap();
    for name in ["a", "b"] {
        fs::hard_link(bench.source.path().join("bm/a"), bench.source.path().join("d").join(name)).unwrap();
    }
    let manifest = bench.snapshot();
    bench.restore(&manifest, &bench.request());
    let inodes = ["bm/a", "bm/b", "d/a", "d/b"].map(|name| inode(&bench.restored(name)));
    assert!(inodes.iter().all(|other| *other == inodes[0]), "{inodes:?}");
    // A first that cannot be written: a folder that stays has its name.
    let other = tempfile::tempdir().unwrap();
    fs::create_dir_all(other.path().join("bm/a/of the user")).unwrap();
    let request = Request { destination: other.path().as_os_str().as_bytes().to_vec(), ..bench.request() };
    bench.restore(&manifest, &request);
    let inodes = ["bm/b", "d/a", "d/b"].map(|name| inode(&other.path().join(name)));
    assert!(inodes.iter().all(|other| *other == inodes[0]), "{inodes:?}");
}
