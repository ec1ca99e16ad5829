//! What stands in the way of something else: it goes when all of it can, and something takes its place.

use std::os::fd::AsFd;

use rustix::fs::{FileType, IFlags, Mode};

use super::*;
use crate::source::Filter;

/// Sets flags of inodes, or says that it cannot.
fn set_flags(path: &Path, flags: IFlags) -> bool {
    let file = fs::File::open(path).unwrap();
    is_root() && rustix::fs::ioctl_setflags(file.as_fd(), flags).is_ok()
}

/// A dry run and the restore that it foretells.
fn foretold_and_done(bench: &Bench, manifest: &Manifest, request: &dyn Fn() -> Request<'static>) -> (Outcome, Outcome) {
    let (planned, _) = bench.foresee(manifest, &request());
    let (done, _) = bench.restore(manifest, &request());
    assert_eq!((planned.left, planned.failed, planned.files, planned.deleted), (done.left, done.failed, done.files, done.deleted));
    (planned, done)
}

fn foretold(outcome: &Outcome, kind: ActionKind) -> Vec<String> {
    let lines = outcome.actions.iter().filter(|action| action.kind == kind);
    let mut names: Vec<_> = lines
        .map(|action| Path::new(std::ffi::OsStr::from_bytes(&action.path)).file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_folder_of_which_one_file_cannot_go_stays_whole_and_a_dry_run_says_so() {
    let bench = Bench::new();
    bench.write("x", "file");
    let manifest = bench.snapshot();
    fs::create_dir(bench.restored("x")).unwrap();
    for name in ["a", "b", "c"] {
        fs::write(bench.restored("x").join(name), name).unwrap();
    }
    let request = || Request { overwrite: Overwrite::Always, delete: true, ..bench.request() };
    if set_flags(&bench.restored("x/b"), IFlags::IMMUTABLE) {
        let (planned, done) = foretold_and_done(&bench, &manifest, &request);
        assert_eq!((foretold(&planned, ActionKind::Leave), done.left), (vec!["x".to_owned()], 1));
        assert_eq!(names_in(&bench.restored("x")), ["a", "b", "c"]);
        assert!(set_flags(&bench.restored("x/b"), IFlags::empty()));
    }
    let (planned, _) = foretold_and_done(&bench, &manifest, &request);
    assert_eq!(foretold(&planned, ActionKind::Replace), ["x"]);
    assert_eq!(foretold(&planned, ActionKind::Delete), ["a", "b", "c"], "what goes with the folder");
    assert_eq!(fs::read(bench.restored("x")).unwrap(), b"file");
    assert_eq!(names_in(bench.target.path()), ["x"]);
}

#[test]
fn a_folder_that_is_not_empty_makes_no_way_unless_what_is_extra_may_be_deleted() {
    let bench = Bench::new();
    bench.write("file", "saved");
    std::os::unix::fs::symlink("saved", bench.source.path().join("link")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, bench.source.path().join("pipe"), FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    for name in ["one", "two"] {
        bench.write(name, "linked");
    }
    fs::remove_file(bench.source.path().join("two")).unwrap();
    fs::hard_link(bench.source.path().join("one"), bench.source.path().join("two")).unwrap();
    let manifest = bench.snapshot();
    let all = ["file", "link", "pipe", "two"];
    for name in all {
        fs::create_dir_all(bench.restored(name).join("2026")).unwrap();
        fs::write(bench.restored(name).join("2026/only"), "the only copy").unwrap();
    }
    fs::create_dir(bench.restored("one")).unwrap();
    for overwrite in [Overwrite::IfChanged, Overwrite::Always] {
        let (planned, done) = foretold_and_done(&bench, &manifest, &|| Request { overwrite, ..bench.request() });
        assert_eq!((done.left, done.deleted, foretold(&planned, ActionKind::Leave)), (4, 0, all.map(str::to_owned).to_vec()));
        assert!(all.iter().all(|name| bench.restored(name).join("2026/only").exists()));
        assert!(bench.restored("one").is_file(), "an empty folder holds nothing that could be lost");
    }
    let (_, findings) = bench.restore(&manifest, &Request { overwrite: Overwrite::Always, ..bench.request() });
    assert!(findings.iter().all(|finding| finding.kind == FindingKind::LeftAsIs && finding.message.contains("--delete")), "{findings:?}");
    let (planned, done) =
        foretold_and_done(&bench, &manifest, &|| Request { overwrite: Overwrite::Always, delete: true, ..bench.request() });
    assert_eq!((done.left, done.deleted), (0, 8), "a folder and a file in each");
    assert_eq!(planned.actions.iter().filter(|action| action.kind == ActionKind::Delete).count(), 8);
    assert_eq!(describe(bench.target.path()), describe(bench.source.path()));
}

#[test]
fn of_a_folder_in_the_way_nothing_goes_that_the_changes_do_not_list_as_gone() {
    let bench = Bench::new();
    bench.write("file", "saved");
    let manifest = bench.snapshot();
    fs::create_dir(bench.restored("file")).unwrap();
    fs::write(bench.restored("file/new"), "of the user").unwrap();
    let request = || Request {
        overwrite: Overwrite::Always,
        delete: true,
        changed_only: Some(&|_| true),
        gone_only: Some(&|_| false),
        ..bench.request()
    };
    let (_, done) = foretold_and_done(&bench, &manifest, &request);
    assert_eq!((done.left, done.deleted), (1, 0));
    assert_eq!(fs::read(bench.restored("file/new")).unwrap(), b"of the user");
}

#[test]
fn a_folder_whose_place_nothing_takes_is_put_back() {
    let bench = Bench::new();
    bench.write("x", "file");
    let manifest = bench.snapshot();
    fs::create_dir(bench.restored("x")).unwrap();
    fs::write(bench.restored("x/a"), "of the user").unwrap();
    let (reader, silent) = (bench.repository.reader().unwrap(), crate::progress::Silent);
    let request = Request { delete: true, ..bench.request() };
    let task = super::super::task::Task::new(&Snapshot { reader: &reader, manifest: &manifest }, &request, false, &silent);
    let destination = crate::target::Destination::open(&request.destination, true).unwrap();
    let within = destination.folder(b"").unwrap();
    let fails = || Err::<(), _>(Error::new(ErrorKind::Full, "full"));
    let error = super::super::clear::take_place(&task, (&within, b""), b"x", fails).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Full);
    assert_eq!(fs::read(bench.restored("x/a")).unwrap(), b"of the user");
    assert_eq!(names_in(bench.target.path()), ["x"]);
}

#[test]
fn a_file_that_a_pattern_excludes_makes_no_way_for_a_folder() {
    let bench = Bench::new();
    bench.write("q/file", "x");
    let manifest = bench.snapshot();
    fs::write(bench.restored("q"), "of the user").unwrap();
    let exclude = || Some(Filter::new(&["q".to_owned(), "!q/".to_owned()]).unwrap());
    let (planned, done) =
        foretold_and_done(&bench, &manifest, &|| Request { exclude: exclude(), overwrite: Overwrite::Always, ..bench.request() });
    assert_eq!((foretold(&planned, ActionKind::Leave), done.left), (vec!["q".to_owned()], 1));
    assert_eq!(fs::read(bench.restored("q")).unwrap(), b"of the user");
}

#[test]
fn a_dry_run_foretells_what_cannot_be_replaced_and_where_nothing_can_be_made() {
    let bench = Bench::new();
    bench.write("file", "x");
    bench.write("folder/one", "x");
    bench.write("folder/below/two", "x");
    let manifest = bench.snapshot();
    fs::write(bench.restored("file"), "of the user").unwrap();
    fs::create_dir(bench.restored("folder")).unwrap();
    if !set_flags(&bench.restored("file"), IFlags::IMMUTABLE) || !set_flags(&bench.restored("folder"), IFlags::IMMUTABLE) {
        return;
    }
    let (_, done) = foretold_and_done(&bench, &manifest, &|| Request { overwrite: Overwrite::Always, ..bench.request() });
    for name in ["file", "folder"] {
        assert!(set_flags(&bench.restored(name), IFlags::empty()));
    }
    assert_eq!((done.left, done.failed), (1, 2));
}
