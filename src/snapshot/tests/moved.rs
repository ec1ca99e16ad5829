//! Entries are renamed, replaced and removed while the run goes on: what was there before and is there after
//! is in the snapshot, or the run says that something is missing.

use crate::cancel::Cancel;
use std::sync::Mutex;
use std::thread::ThreadId;

use super::*;
use crate::progress::{Finding, Progress};

/// When something happens to the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// When the source was listed, and nothing looked at.
    Listed,
    /// When the walk has come to its end, and no file was read.
    Walked,
}

/// Does `work` once, and keeps what is found.
struct Meanwhile<'w> {
    when: When,
    walk: ThreadId,
    work: Mutex<Option<Box<dyn FnOnce() + Send + 'w>>>,
    found: Mutex<Vec<Finding>>,
}

impl Cancel for Meanwhile<'_> {
    fn is_cancelled(&self) -> bool {
        let is_walk = std::thread::current().id() == self.walk;
        if is_walk == (self.when == When::Listed) {
            // Workers of a batch that is read meanwhile wait.
            let mut work = self.work.lock().unwrap();
            if let Some(work) = work.take() {
                work();
            }
        }
        false
    }
}

impl Progress for Meanwhile<'_> {
    fn report(&self, finding: Finding) {
        self.found.lock().unwrap().push(finding);
    }
}

/// A snapshot while `work` is done to the source; its findings that are no notes.
fn snapshot_while(bench: &Bench, when: When, work: impl FnOnce() + Send) -> (Outcome, Vec<Finding>) {
    let work: Mutex<Option<Box<dyn FnOnce() + Send>>> = Mutex::new(Some(Box::new(work)));
    let progress = Meanwhile { when, walk: std::thread::current().id(), work, found: Mutex::default() };
    let outcome = run(&bench.repository, &bench.request(), &progress).unwrap();
    assert!(progress.work.lock().unwrap().is_none(), "{when:?}: it was done");
    let found = progress.found.into_inner().unwrap();
    (outcome, found.into_iter().filter(|finding| !finding.kind.is_note()).collect())
}

fn fill(bench: &Bench) {
    for name in ["b", "m", "x", "folder/inner", "other/inner"] {
        bench.write(name, format!("content of {name}"));
    }
}

/// Renames of one file each, to before all others, between them and behind them.
const RENAMES: [(&str, &str); 4] = [("x", "a"), ("x", "n"), ("b", "z"), ("m", "folder-2")];

#[test]
fn a_file_that_is_renamed_while_its_folder_is_saved_is_in_the_snapshot_under_its_new_name() {
    for when in [When::Listed, When::Walked] {
        for (from, to) in RENAMES {
            for has_base in [false, true] {
                let bench = Bench::new();
                fill(&bench);
                if has_base {
                    bench.snapshot();
                    // What is unchanged is not read, and so not missed.
                    bench.write(from, "changed since");
                }
                let path = |name: &str| bench.source.path().join(name);
                let (outcome, found) = snapshot_while(&bench, when, || fs::rename(path(from), path(to)).unwrap());
                assert_eq!(found, [], "{when:?}, {from} to {to}, base {has_base}");
                bench.assert_same(&outcome);
                let next = bench.snapshot();
                bench.assert_same(&next);
            }
        }
    }
}

#[test]
fn an_unchanged_file_that_is_renamed_is_in_the_snapshot_under_a_name() {
    for (from, to) in RENAMES {
        let bench = Bench::new();
        fill(&bench);
        bench.snapshot();
        let path = |name: &str| bench.source.path().join(name);
        let (outcome, found) = snapshot_while(&bench, When::Listed, || fs::rename(path(from), path(to)).unwrap());
        let saved = bench.read(&outcome);
        let content = format!("content of {from}").into_bytes();
        assert_eq!(saved[path(to).to_str().unwrap()].1, content, "{from} to {to}, {found:?}");
    }
}

#[test]
fn a_folder_that_is_renamed_or_replaced_is_in_the_snapshot_with_all_that_is_in_it() {
    for has_base in [false, true] {
        let bench = Bench::new();
        fill(&bench);
        if has_base {
            bench.snapshot();
        }
        let path = |name: &str| bench.source.path().join(name);
        let (outcome, found) = snapshot_while(&bench, When::Listed, || {
            fs::rename(path("other"), path("a-other")).unwrap();
            fs::rename(path("folder"), path("folder.old")).unwrap();
            fs::create_dir(path("folder")).unwrap();
            fs::write(path("folder/new"), "new").unwrap();
        });
        assert_eq!(found, []);
        let saved = bench.read(&outcome);
        for name in ["a-other/inner", "folder.old/inner", "folder/new"] {
            assert_eq!(saved[path(name).to_str().unwrap()].1, fs::read(path(name)).unwrap(), "{name}");
        }
    }
}

#[test]
fn a_folder_that_becomes_a_file_and_a_file_that_becomes_a_folder_are_saved_as_what_they_are() {
    let bench = Bench::new();
    fill(&bench);
    let path = |name: &str| bench.source.path().join(name);
    let (outcome, _) = snapshot_while(&bench, When::Listed, || {
        fs::remove_dir_all(path("folder")).unwrap();
        fs::write(path("folder"), "a file now").unwrap();
        fs::remove_file(path("m")).unwrap();
        fs::rename(path("other"), path("m")).unwrap();
    });
    bench.assert_same(&outcome);
}

#[test]
fn a_folder_that_is_made_in_the_place_of_a_file_is_saved_or_missed() {
    let bench = Bench::new();
    fill(&bench);
    let path = |name: &str| bench.source.path().join(name);
    let (outcome, found) = snapshot_while(&bench, When::Listed, || {
        fs::remove_file(path("m")).unwrap();
        fs::create_dir(path("m")).unwrap();
        fs::write(path("m/inner"), "in a folder now").unwrap();
    });
    // Where the folder was given the inode number of the file, nobody sees it but who opens the file.
    let is_saved = bench.read(&outcome).contains_key(path("m/inner").to_str().unwrap());
    assert!(is_saved || found.iter().any(|finding| finding.path.ends_with(b"/m")), "{found:?}");
}

#[test]
fn a_file_that_is_removed_meanwhile_is_not_missed() {
    for when in [When::Listed, When::Walked] {
        let bench = Bench::new();
        fill(&bench);
        let path = |name: &str| bench.source.path().join(name);
        let (outcome, found) = snapshot_while(&bench, when, || fs::remove_file(path("m")).unwrap());
        assert_eq!(found, [], "{when:?}");
        bench.assert_same(&outcome);
        let saved = bench.read(&outcome);
        assert!(!saved[bench.source.path().to_str().unwrap()].0.is_unseen(b"m"), "{when:?}: it is known to be absent");
    }
}

/// Gives a file its name back as soon as it was missed.
struct GivesBack<'w> {
    meanwhile: Meanwhile<'w>,
    kept: std::path::PathBuf,
    path: std::path::PathBuf,
}

impl Cancel for GivesBack<'_> {
    fn is_cancelled(&self) -> bool {
        self.meanwhile.is_cancelled()
    }
}

impl Progress for GivesBack<'_> {
    fn report(&self, finding: Finding) {
        if finding.path == self.path.as_os_str().as_encoded_bytes() {
            fs::hard_link(&self.kept, &self.path).unwrap();
        }
        self.meanwhile.report(finding);
    }
}

#[test]
fn a_file_that_is_made_again_after_it_was_missed_is_saved_though_it_has_the_number_that_it_had() {
    for when in [When::Listed, When::Walked] {
        let (bench, elsewhere) = (Bench::new(), tempfile::tempdir().unwrap());
        fill(&bench);
        let (path, kept) = (bench.source.path().join("m"), elsewhere.path().join("m"));
        // A second name keeps the number, which a file system may give again at once.
        let remove = || {
            fs::hard_link(&path, &kept).unwrap();
            fs::remove_file(&path).unwrap();
        };
        let work: Mutex<Option<Box<dyn FnOnce() + Send>>> = Mutex::new(Some(Box::new(remove)));
        let meanwhile = Meanwhile { when, walk: std::thread::current().id(), work, found: Mutex::default() };
        let progress = GivesBack { meanwhile, kept: kept.clone(), path: path.clone() };
        let outcome = run(&bench.repository, &bench.request(), &progress).unwrap();
        assert!(path.exists(), "{when:?}: it was missed");
        bench.assert_same(&outcome);
    }
}

#[test]
fn what_comes_too_late_to_be_saved_is_told_and_the_folder_is_marked() {
    let bench = Bench::new();
    fill(&bench);
    let path = |name: &str| bench.source.path().join(name);
    let (outcome, found) = snapshot_while(&bench, When::Walked, || {
        fs::remove_file(path("m")).unwrap();
        fs::create_dir(path("new")).unwrap();
        fs::write(path("new/inner"), "inner").unwrap();
    });
    assert_eq!(found.iter().map(|finding| finding.kind).collect::<Vec<_>>(), [FindingKind::Changed], "{found:?}");
    assert_eq!(outcome.manifest.counts.problems, 1);
    let saved = bench.read(&outcome);
    assert!(saved[bench.source.path().to_str().unwrap()].0.is_unseen(b"new"), "so nobody takes it for absent");
}

#[test]
fn what_filters_leave_out_is_left_out_when_it_comes_late_too() {
    for when in [When::Listed, When::Walked] {
        let bench = Bench::new();
        fill(&bench);
        let path = |name: &str| bench.source.path().join(name);
        let work: Mutex<Option<Box<dyn FnOnce() + Send>>> = Mutex::new(Some(Box::new(|| fs::rename(path("m"), path("a.tmp")).unwrap())));
        let progress = Meanwhile { when, walk: std::thread::current().id(), work, found: Mutex::default() };
        let mut request = bench.request();
        request.options.excludes = vec!["*.tmp".to_owned()];
        let outcome = run(&bench.repository, &request, &progress).unwrap();
        let saved = bench.read(&outcome);
        assert!(!saved.contains_key(path("a.tmp").to_str().unwrap()) && !saved.contains_key(path("m").to_str().unwrap()), "{when:?}");
        assert!(progress.found.lock().unwrap().iter().all(|finding| finding.kind.is_note()), "{when:?}");
    }
}

#[test]
fn a_file_that_was_named_as_a_source_and_goes_is_missed() {
    let bench = Bench::new();
    fill(&bench);
    let path = |name: &str| bench.source.path().join(name);
    let paths = ["b", "m"].map(|name| path(name).as_os_str().as_bytes().to_vec()).to_vec();
    let work: Mutex<Option<Box<dyn FnOnce() + Send>>> = Mutex::new(Some(Box::new(|| fs::remove_file(path("m")).unwrap())));
    let progress = Meanwhile { when: When::Walked, walk: std::thread::current().id(), work, found: Mutex::default() };
    let outcome = run(&bench.repository, &Request { paths, ..bench.request() }, &progress).unwrap();
    assert_eq!(outcome.manifest.counts.problems, 1);
    assert!(progress.found.lock().unwrap().iter().any(|finding| finding.kind == FindingKind::Unreadable));
}
