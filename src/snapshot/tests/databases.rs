//! Databases are saved beside the sources: together or not at all.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::cancel::Cancel;
use crate::databases::{Account, Entry, EntryKind, Held, Profile};
use crate::error::{Error, Result};
use crate::progress::Progress;

/// A profile that gives what it was told to.
#[derive(Clone, Default)]
struct Given {
    name: &'static str,
    entries: Vec<(&'static str, EntryKind, Vec<u8>)>,
    covers: Vec<Vec<u8>>,
    fails_at_end: bool,
    /// How many are held at the moment, and how often one was.
    held: Arc<AtomicU64>,
    holds: Arc<AtomicU64>,
}

struct Holding<'p>(&'p Given, VecDeque<(&'static str, EntryKind, Vec<u8>)>, VecDeque<u8>);

impl Profile for Given {
    fn name(&self) -> &str {
        self.name
    }

    fn kind(&self) -> &'static str {
        "command"
    }

    fn covers(&self) -> Vec<Vec<u8>> {
        self.covers.clone()
    }

    fn foresee(&self, _: &dyn Cancel) -> Result<String> {
        Ok("it would be read".to_owned())
    }

    fn hold<'p>(&'p self, _: &'p dyn Progress) -> Result<Box<dyn Held + 'p>> {
        self.held.fetch_add(1, Ordering::Relaxed);
        self.holds.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(Holding(self, self.entries.clone().into(), VecDeque::new())))
    }
}

impl Held for Holding<'_> {
    fn next_entry(&mut self) -> Result<Option<Entry>> {
        let Some((path, kind, content)) = self.1.pop_front() else { return Ok(None) };
        self.2 = content.into();
        Ok(Some(Entry { path: path.into(), kind, mode: 0o640, mtime: Timestamp::new(77, 0) }))
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let bytes = buffer.len().min(self.2.len());
        buffer.iter_mut().zip(self.2.drain(..bytes)).for_each(|(to, from)| *to = from);
        Ok(bytes)
    }

    fn finish(self: Box<Self>) -> Result<Account> {
        if self.0.fails_at_end {
            return Err(Error::new(ErrorKind::Other, "the tool failed after its last byte"));
        }
        Ok(Account { kind: "command".to_owned(), bytes: 3, facts: vec![("hold-ms".to_owned(), "4".to_owned())], ..Account::default() })
    }
}

impl Drop for Holding<'_> {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Ordering::Relaxed);
    }
}

fn files(name: &'static str) -> Given {
    let entries = vec![
        ("base", EntryKind::Folder, vec![]),
        ("base/small", EntryKind::File(Some(3)), b"abc".to_vec()),
        ("dump.sql", EntryKind::File(None), noise("dump", 9 << 20)),
        ("link", EntryKind::Link(b"base/small".to_vec()), vec![]),
    ];
    Given { name, entries, ..Given::default() }
}

fn request(bench: &Bench, given: &[Given]) -> Request {
    let databases = given.iter().map(|given| Box::new(given.clone()) as Box<dyn Profile>).collect();
    Request { databases, series: Some("shop".to_owned()), ..bench.request() }
}

#[test]
fn what_a_database_gives_stands_in_a_folder_of_its_name_and_the_manifest_tells_of_it() {
    let bench = Bench::new();
    bench.write("paper", "contract");
    let given = files("store");
    let outcome = run(&bench.repository, &request(&bench, &[given.clone(), files("other")]), &Silent).unwrap();
    let saved = bench.read(&outcome);
    assert_eq!(saved["/databases/store/base/small"].1, b"abc");
    assert!(saved["/databases/store/dump.sql"].1 == noise("dump", 9 << 20));
    assert_eq!(saved["/databases/other/link"].0.content, Content::Symlink(b"base/small".to_vec()));
    assert_eq!(saved["/databases/store/base/small"].0.metadata.mode, 0o640);
    bench.assert_same(&outcome);
    let told = outcome.manifest.databases().unwrap();
    assert_eq!(told.iter().map(|told| (&*told.account.name, told.files)).collect::<Vec<_>>(), [("store", 2), ("other", 2)]);
    assert_eq!((outcome.manifest.counts.files_new, given.held.load(Ordering::Relaxed)), (5, 0));

    // The same once more: nothing of content is stored, and nothing is called gone.
    let again = run(&bench.repository, &request(&bench, &[given, files("other")]), &Silent).unwrap();
    let counts = again.manifest.counts;
    assert_eq!((counts.files_new, counts.files_changed, counts.files_unchanged, counts.chunks_new), (0, 0, 5, 0));
    assert_eq!(again.files_removed, Some(0));
}

#[test]
fn a_database_that_fails_after_its_last_byte_leaves_no_snapshot_and_is_let_go() {
    let bench = Bench::new();
    bench.write("paper", "contract");
    let given = Given { fails_at_end: true, ..files("store") };
    let error = run(&bench.repository, &request(&bench, &[files("good"), given.clone()]), &Silent).err().unwrap();
    assert_eq!(error.to_string(), "database `store`: the tool failed after its last byte");
    assert_eq!((bench.repository.objects().list_snapshots().unwrap().len(), given.held.load(Ordering::Relaxed)), (0, 0));
}

#[test]
fn a_file_of_another_length_than_was_said_leaves_no_snapshot() {
    let bench = Bench::new();
    bench.write("paper", "contract");
    for said in [2, 4, 0, 5 << 20] {
        let entries = vec![("a", EntryKind::File(Some(said)), b"abc".to_vec())];
        let given = Given { name: "store", entries, ..Given::default() };
        let error = run(&bench.repository, &request(&bench, &[given]), &Silent).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Changed, "{said}");
    }
    assert!(bench.repository.objects().list_snapshots().unwrap().is_empty());
}

#[test]
fn files_that_a_database_covers_are_not_saved_as_they_lie() {
    let bench = Bench::new();
    for name in ["store[1].fdb", "store[1].fdb.delta", "store1.fdb"] {
        bench.write(name, "pages");
    }
    let root = bench.source.path().as_os_str().as_bytes();
    let covers = ["store[1].fdb", "store[1].fdb.delta"].map(|name| [root, b"/", name.as_bytes()].concat()).to_vec();
    let given = Given { covers, ..files("store") };
    let outcome = run(&bench.repository, &request(&bench, std::slice::from_ref(&given)), &Collected::default()).unwrap();
    let saved = bench.read(&outcome);
    let names: Vec<&str> = saved.keys().filter_map(|path| path.strip_prefix(bench.source.path().to_str()?)?.strip_prefix('/')).collect();
    assert_eq!(names, ["store1.fdb"]);
    assert!(outcome.manifest.options.excludes.is_empty(), "a later run without the database saves them again");

    let mut named = request(&bench, std::slice::from_ref(&given));
    named.paths.push(given.covers[0].clone());
    assert_eq!(run(&bench.repository, &named, &Silent).err().unwrap().kind(), ErrorKind::Invalid);
}

#[test]
fn databases_alone_make_a_snapshot_and_a_dry_run_holds_none() {
    let bench = Bench::new();
    let given = files("store");
    let alone = || Request { paths: Vec::new(), ..request(&bench, std::slice::from_ref(&given)) };
    let progress = Collected::default();
    run(&bench.repository, &Request { dry_run: true, ..alone() }, &progress).unwrap();
    assert_eq!(given.holds.load(Ordering::Relaxed), 0);
    assert!(progress.take().iter().any(|finding| finding.message == "database `store`: it would be read"));
    let outcome = run(&bench.repository, &alone(), &Silent).unwrap();
    assert_eq!(bench.read(&outcome)["/databases/store/base/small"].1, b"abc");
}

#[test]
fn names_and_paths_that_cannot_be_kept_apart_are_refused_before_anything_is_held() {
    let bench = Bench::new();
    let refused = |request: Request| run(&bench.repository, &request, &Silent).err().unwrap().kind();
    for name in ["", "..", "a/b", "a\0b"] {
        assert_eq!(refused(request(&bench, &[Given { name, ..files("store") }])), ErrorKind::Invalid, "{name:?}");
    }
    assert_eq!(refused(request(&bench, &[files("store"), files("store")])), ErrorKind::Invalid);
    for path in ["/", "/databases", "/databases/store"] {
        let paths = vec![path.as_bytes().to_vec()];
        assert_eq!(refused(Request { paths, ..request(&bench, &[files("store")]) }), ErrorKind::Invalid, "{path}");
    }
}

#[test]
fn entries_that_lead_out_of_the_folder_of_a_database_or_come_twice_are_refused() {
    let bench = Bench::new();
    bench.write("paper", "contract");
    for paths in [&["../x"][..], &["a/../x"], &["/x"], &["no/such"], &["x", "x"], &[""], &["a//b"]] {
        let entries = paths.iter().map(|path| (*path, EntryKind::File(None), Vec::new())).collect();
        let given = Given { name: "store", entries, ..Given::default() };
        let error = run(&bench.repository, &request(&bench, &[given]), &Silent).err();
        assert!(error.is_some(), "{paths:?}");
    }
    assert!(bench.repository.objects().list_snapshots().unwrap().is_empty());
}

#[test]
fn notes_stand_in_a_folder_of_their_own_and_nothing_changed_where_they_did_not() {
    let bench = Bench::new();
    bench.write("paper", "contract");
    let with = |text: &str| {
        let notes = vec![("repo.toml".to_owned(), text.as_bytes().to_vec()), ("machine.json".to_owned(), b"{}".to_vec())];
        run(&bench.repository, &Request { notes, ..bench.request() }, &Silent).unwrap()
    };
    let first = with("version = 1");
    assert_eq!(bench.read(&first)["/.repo/repo.toml"].1, b"version = 1");
    assert_eq!(first.manifest.counts.files_new, 1, "they are no files of the source");
    let second = with("version = 1");
    assert_eq!(second.manifest.root, first.manifest.root);
    assert_ne!(with("version = 2").manifest.root, first.manifest.root);
    let inside = Request { paths: vec![b"/.repo/x".to_vec()], notes: vec![("a".to_owned(), vec![])], ..bench.request() };
    assert_eq!(run(&bench.repository, &inside, &Silent).err().unwrap().kind(), ErrorKind::Invalid);
}
