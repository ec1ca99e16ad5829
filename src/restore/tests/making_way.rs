//! What stands in the way of something else: it goes when all of it can, and something takes its place.

use std::os::fd::AsFd;

use rustix::fs::IFlags;

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
    assert_eq!((planned.left, planned.failed, planned.files), (done.left, done.failed, done.files));
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
    let request = || Request { overwrite: Overwrite::Always, ..bench.request() };
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
fn a_folder_whose_place_nothing_takes_is_put_back() {
    let bench = Bench::new();
    bench.write("x", "file");
    let manifest = bench.snapshot();
    fs::create_dir(bench.restored("x")).unwrap();
    fs::write(bench.restored("x/a"), "of the user").unwrap();
    let (reader, silent) = (bench.repository.reader().unwrap(), crate::progress::Silent);
    let request = bench.request();
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
