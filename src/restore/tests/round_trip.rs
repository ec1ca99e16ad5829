//! What was saved comes back as it was, and each frame is read once.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::trees::{Piece, SnapshotView, Step, visit_content};

/// A source with an entry of every sort.
fn fill(bench: &Bench) {
    bench.write("a/small", "hello");
    bench.write("a/empty", "");
    bench.write("a/b/large", noise(1, 3 << 20));
    bench.write("a/b/same", noise(1, 3 << 20));
    let top = bench.source.path();
    symlink("../nowhere\u{e9}", top.join("a/link")).unwrap();
    fs::hard_link(top.join("a/small"), top.join("z-hard")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, top.join("fifo"), rustix::fs::Mode::from_raw_mode(0o640)).unwrap();
    fs::write(top.join(std::ffi::OsStr::from_bytes(b"odd \xff\n name")), "odd").unwrap();
    fs::create_dir(top.join("empty folder")).unwrap();
    fs::set_permissions(top.join("a/small"), fs::Permissions::from_mode(0o4751)).unwrap();
    fs::set_permissions(top.join("a/b"), fs::Permissions::from_mode(0o500)).unwrap();
    if is_root() {
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        let device = rustix::fs::makedev(1, 3);
        // A sandbox may forbid devices even to root.
        let _ = rustix::fs::mknodat(rustix::fs::CWD, top.join("device"), rustix::fs::FileType::CharacterDevice, mode, device);
        std::os::unix::fs::chown(top.join("a/empty"), Some(1234), Some(4321)).unwrap();
    }
    set_mtime(&top.join("a/link"), 1_000_000_000);
    set_mtime(&top.join("a/b"), -5);
    set_mtime(&top.join("a"), 1_234_567_890);
}

#[test]
fn every_sort_of_entry_comes_back_as_it_was() {
    let bench = Bench::new();
    fill(&bench);
    let before = describe(bench.source.path());
    let manifest = bench.snapshot();
    let (outcome, findings) = bench.restore(&manifest, &Request { verify: true, ..bench.request() });
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!(describe(bench.target.path()), before);
    let stat = |name: &str| fs::metadata(bench.restored(name)).unwrap();
    assert_eq!(stat("a/small").ino(), stat("z-hard").ino());
    assert_eq!((outcome.files, outcome.hard_links, outcome.directories), (5, 1, 4));
    assert_eq!(outcome.bytes_written, 2 * (3 << 20) + 5 + 3);
    assert_eq!((outcome.verified, outcome.verify_failed, outcome.damaged, outcome.failed), (5, 0, 0, 0));
}

#[test]
fn links_and_pipes_with_several_names_have_one_inode_again() {
    let bench = Bench::new();
    bench.write("file", "x");
    let top = bench.source.path();
    symlink("file", top.join("link")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, top.join("pipe"), rustix::fs::Mode::from_raw_mode(0o640)).unwrap();
    for name in ["link", "pipe"] {
        fs::hard_link(top.join(name), top.join(format!("z-{name}"))).unwrap();
    }
    let manifest = bench.snapshot();
    let (outcome, findings) = bench.restore(&manifest, &bench.request());
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!((outcome.others, outcome.hard_links), (2, 2));
    for name in ["link", "pipe"] {
        let inode = |name: &str| fs::symlink_metadata(bench.restored(name)).unwrap().ino();
        assert_eq!(inode(name), inode(&format!("z-{name}")));
    }
}

#[test]
fn a_whole_snapshot_keeps_absolute_paths_and_the_folders_above() {
    let bench = Bench::new();
    bench.write("file", "x");
    let manifest = bench.snapshot();
    let target = bench.restored("new/deep");
    let request = Request::new(What::Everything, target.as_os_str().as_bytes());
    let (outcome, findings) = bench.restore(&manifest, &request);
    // The folders above belong to root, who alone can give them away.
    assert!(findings.is_empty() || !is_root(), "{findings:?}");
    let source = target.join(bench.source.path().strip_prefix("/").unwrap());
    assert_eq!(describe(&source), describe(bench.source.path()));
    let (above, restored) = (bench.source.path().parent().unwrap(), source.parent().unwrap());
    assert_eq!(fs::metadata(restored).unwrap().mode(), fs::metadata(above).unwrap().mode());
    assert_eq!(outcome.files, 1);
}

#[test]
fn a_file_or_a_folder_by_its_path_comes_straight_into_the_destination() {
    let bench = Bench::new();
    bench.write("a/b/file", "content");
    bench.write("a/other", "other");
    fs::set_permissions(bench.source.path().join("a/b"), fs::Permissions::from_mode(0o751)).unwrap();
    let manifest = bench.snapshot();
    bench.restore(&manifest, &bench.request_below("a/b/file"));
    assert_eq!(names_in(bench.target.path()), ["file"]);
    let folder = bench.restored("folder");
    let request = Request { destination: folder.as_os_str().as_bytes().to_vec(), ..bench.request_below("a//b/") };
    bench.restore(&manifest, &request);
    assert_eq!(names_in(&folder), ["file"]);
    assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o7777, 0o751);
    let (outcome, _) = bench.try_restore(&manifest, &bench.request_below("a/none"));
    assert_eq!(error_of(outcome).kind(), ErrorKind::NotFound);
}

/// How many frames of `packs` were read; the header of a pack is read with 256 bytes.
fn frames_read(bench: &Bench, packs: &std::collections::HashSet<String>) -> usize {
    let is_frame = |call: &crate::storage::recorder::Call| call.verb == Verb::ReadRange && call.bytes != 256 && packs.contains(&call.name);
    bench.storage.calls().iter().filter(|call| is_frame(call)).count()
}

#[test]
fn each_frame_is_read_once_also_where_a_window_ends_within_it() {
    let bench = Bench::new();
    for n in 0..200 {
        bench.write(&format!("folder{}/{n}", n % 7), noise(n, 500 * (n as usize % 40)));
    }
    bench.write("large", noise(1000, 5 << 20));
    let manifest = bench.snapshot();
    let frames: std::collections::HashSet<_> = {
        let index = bench.repository.chunks().open_index().unwrap();
        let mut frames = std::collections::HashSet::new();
        let reader = bench.repository.reader().unwrap();
        let mut walk = SnapshotView::new(&reader, &manifest).walk();
        while let Some(step) = walk.next_step().unwrap() {
            let Step::Entry(node) = step else { continue };
            let crate::manifest::Content::File(_, list) = &node.content else { continue };
            visit_content(&reader, list, &mut |piece: Piece| {
                if let Piece::Chunk { id, .. } = piece {
                    let mut places = Vec::new();
                    index.places(&id, &mut places)?;
                    frames.insert((places[0].pack, places[0].frame.number));
                }
                Ok(())
            })
            .unwrap();
        }
        frames
    };
    let packs = frames.iter().map(|(pack, _)| repository::pack_name(pack)).collect();
    let frames = frames.len();
    assert!(frames > 3, "{frames} frames are too few to tell");
    for limits in [WindowLimits::default(), WindowLimits { chunks: 50, entries: 30, unnamed_entries: 100, unnamed_bytes: 1 << 20 }] {
        let target = tempfile::tempdir().unwrap();
        bench.storage.clear();
        let request = Request { destination: target.path().as_os_str().as_bytes().to_vec(), window: limits, ..bench.request() };
        let (outcome, findings) = bench.restore(&manifest, &request);
        assert!(findings.is_empty(), "{findings:?}");
        assert_eq!(outcome.files, 201);
        assert_eq!(describe(target.path()), describe(bench.source.path()));
        let reads = frames_read(&bench, &packs);
        assert_eq!(reads, frames, "{limits:?}");
    }
}

#[test]
fn a_sparse_file_stays_sparse_unless_its_space_is_asked_for() {
    let bench = Bench::new();
    let path = bench.source.path().join("sparse");
    let file = fs::File::create(&path).unwrap();
    std::os::unix::fs::FileExt::write_at(&file, &noise(1, 100_000), 150 << 20).unwrap();
    file.set_len(300 << 20).unwrap();
    drop(file);
    let manifest = bench.snapshot();
    let (outcome, _) = bench.restore(&manifest, &Request { verify: true, ..bench.request() });
    let stat = fs::metadata(bench.restored("sparse")).unwrap();
    assert_eq!((stat.len(), outcome.verified), (300 << 20, 1));
    assert!(stat.blocks() * 512 < 4 << 20, "{} bytes are taken", stat.blocks() * 512);
    assert!(outcome.bytes_written < 1 << 20);
    let mut read = vec![0; 100_000];
    std::os::unix::fs::FileExt::read_exact_at(&fs::File::open(bench.restored("sparse")).unwrap(), &mut read, 150 << 20).unwrap();
    assert!(read == noise(1, 100_000));
}

#[test]
fn a_thousand_levels_come_back() {
    let bench = Bench::new();
    let mut deep = fs::File::open(bench.source.path()).unwrap();
    for level in 0..1000 {
        let name = format!("folder-{level}");
        rustix::fs::mkdirat(&deep, &name, rustix::fs::Mode::RWXU).unwrap();
        deep = rustix::fs::openat(&deep, &name, rustix::fs::OFlags::DIRECTORY, rustix::fs::Mode::empty()).unwrap().into();
    }
    let file = rustix::fs::openat(&deep, "end", rustix::fs::OFlags::CREATE | rustix::fs::OFlags::WRONLY, rustix::fs::Mode::RUSR).unwrap();
    rustix::io::write(&file, b"deep").unwrap();
    let manifest = bench.snapshot();
    let (outcome, findings) = bench.restore(&manifest, &Request { verify: true, ..bench.request() });
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!((outcome.directories, outcome.files, outcome.verified), (1001, 1, 1));
}

#[test]
fn an_interrupted_restore_leaves_no_temporary_and_can_be_run_again() {
    let bench = Bench::new();
    for n in 0..50 {
        bench.write(&format!("folder/{n}"), noise(n, 100_000));
    }
    let manifest = bench.snapshot();
    let reader = bench.repository.reader().unwrap();
    for questions in [0, 10, 53, 56] {
        let progress = StopAfter(questions.into());
        let error = error_of(run(&Snapshot { reader: &reader, manifest: &manifest }, &bench.request(), &progress));
        assert_eq!(error.kind(), ErrorKind::Interrupted);
        let names = describe(bench.target.path());
        assert!(!names.keys().any(|name| String::from_utf8_lossy(name).contains(".repo-restore-")), "{names:?}");
    }
    bench.restore(&manifest, &bench.request());
    let (mut restored, mut saved) = (describe(bench.target.path()), describe(bench.source.path()));
    // The destination had entries by then, so it keeps its own metadata.
    restored.remove(&b""[..]);
    saved.remove(&b""[..]);
    assert_eq!(restored, saved);
}
