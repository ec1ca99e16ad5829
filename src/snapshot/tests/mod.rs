//! Tests of the way in, against a repository in memory and real folders.

mod building;
mod changes;
mod damaged_pages;
mod databases;
mod hostile;
mod latest;
mod losses;
mod lost;
mod machines;
mod moved;
mod requests;
mod sources;
mod taken_away;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::run::BUNDLES_MAX;
use super::*;
use crate::crypto::{Algorithm, Argon2Cost};
use crate::error::ErrorKind;
use crate::manifest::{Content, Kind, Node};
use crate::progress::{Collected, FindingKind, Silent};
use crate::repository::{self, CreateOptions, Credential, OpenOptions, Repository};
use crate::storage::MemoryStorage;
use crate::storage::recorder::{Recorder, Verb};
use crate::trees::{Piece, SnapshotView, Step, visit_content};
use crate::units::Timestamp;

/// Path to node and content.
pub(crate) type Entries = BTreeMap<String, (Node, Vec<u8>)>;

/// A repository in memory and a source folder; the tests of other verbs use it too.
pub(crate) struct Bench {
    pub(crate) storage: Arc<Recorder<MemoryStorage>>,
    pub(crate) repository: Repository,
    pub(crate) source: tempfile::TempDir,
}

pub(crate) fn credential() -> Credential {
    Credential::KeyFile(Zeroizing::new(vec![7; 32]))
}

impl Bench {
    pub(crate) fn new() -> Self {
        let storage = Arc::new(Recorder::new(MemoryStorage::new()));
        let options = CreateOptions {
            algorithm: Algorithm::Aes256Gcm,
            credential: Some(credential()),
            cost: Argon2Cost::STANDARD,
            now: Timestamp::new(1, 0),
        };
        repository::create(&*storage, &options).unwrap();
        let repository = open(&storage);
        Self { storage, repository, source: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.source.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn request(&self) -> Request {
        Request { clock: an_hour_later, ..Request::new(vec![self.source.path().as_os_str().as_bytes().to_vec()], "host", "user") }
    }

    pub(crate) fn snapshot(&self) -> Outcome {
        run(&self.repository, &self.request(), &Silent).unwrap()
    }

    /// All entries of a snapshot: path to node and content.
    pub(crate) fn read(&self, outcome: &Outcome) -> Entries {
        self.read_from(&self.repository, outcome.id.unwrap())
    }

    /// The same of any snapshot, through another opening of the repository.
    pub(crate) fn read_from(&self, repository: &Repository, id: crate::id::SnapshotId) -> Entries {
        let manifest = repository.objects().read_manifest(&id).unwrap();
        let reader = repository.reader().unwrap();
        let mut walk = SnapshotView::new(&reader, &manifest).walk();
        let mut entries = BTreeMap::new();
        while let Some(step) = walk.next_step().unwrap() {
            let Step::Entry(node) = step else { continue };
            let mut plain = Vec::new();
            if let Content::File(_, list) = &node.content {
                visit_content(&reader, list, &mut |piece: Piece| {
                    match piece {
                        Piece::Chunk { id, .. } => plain.extend_from_slice(&reader.data_chunk(&id)?),
                        Piece::Hole(range) => plain.resize(range.end as usize, 0),
                    }
                    Ok(())
                })
                .unwrap();
            }
            entries.insert(String::from_utf8_lossy(walk.path()).into_owned(), (node, plain));
        }
        entries
    }

    pub(crate) fn assert_same(&self, outcome: &Outcome) {
        let root = self.source.path().to_str().unwrap();
        let mut saved = self.read(outcome);
        saved.retain(|path, _| path.starts_with(root));
        let mut found = 0;
        let mut waiting = vec![self.source.path().to_owned()];
        while let Some(path) = waiting.pop() {
            let (node, plain) = &saved[path.to_str().unwrap()];
            found += 1;
            if path.is_dir() {
                assert!(node.is_directory());
                waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            } else {
                assert!(fs::read(&path).unwrap() == *plain, "{} differs", path.display());
            }
        }
        assert_eq!(found, saved.len(), "nothing is in the snapshot that is not in the source");
    }
}

fn open(storage: &Arc<Recorder<MemoryStorage>>) -> Repository {
    let storage: Arc<dyn crate::storage::Storage> = Arc::clone(storage) as _;
    Repository::open(storage, OpenOptions { credential: Some(credential()), ..OpenOptions::default() }).unwrap()
}

/// Files that a test has just written are settled only after two seconds; the clock is an argument.
pub(crate) fn an_hour_later() -> Timestamp {
    Timestamp::now().plus_seconds(3600)
}

pub(crate) fn noise(seed: &str, bytes: usize) -> Vec<u8> {
    let mut out = vec![0; bytes];
    blake3::Hasher::new_derive_key(seed).finalize_xof().fill(&mut out);
    out
}

#[test]
fn files_of_every_size_come_back_the_same() {
    let bench = Bench::new();
    for bytes in [0, 1, 4095, 16384, 300_000, 5 << 20, 20 << 20] {
        bench.write(&format!("noise/{bytes}"), noise(&bytes.to_string(), bytes));
        bench.write(&format!("zeros/{bytes}"), vec![0; bytes]);
    }
    bench.write("sqlite", [b"SQLite format 3\0".to_vec(), noise("db", 9 << 20)].concat());
    let outcome = bench.snapshot();
    bench.assert_same(&outcome);
    assert_eq!(outcome.manifest.kind, Kind::Full);
    assert_eq!(outcome.manifest.counts.files_new, 15);
}

#[test]
fn nothing_changed_reads_no_file_and_stores_no_pack_and_no_segment() {
    let bench = Bench::new();
    for n in 0..300 {
        bench.write(&format!("folder-{}/file-{n}", n % 7), format!("content {n}"));
    }
    let first = bench.snapshot();
    // Something next to the source changes.
    let beside = tempfile::NamedTempFile::new_in(bench.source.path().parent().unwrap()).unwrap();
    fs::write(beside.path(), b"x").unwrap();
    bench.storage.clear();
    let second = bench.snapshot();
    assert_eq!(second.manifest.counts.bytes_read, 0);
    assert_eq!(second.manifest.counts.files_unchanged, 300);
    assert_eq!(second.manifest.root, first.manifest.root);
    assert_eq!(bench.storage.count(Verb::Publish, "packs"), 0);
    assert_eq!(bench.storage.count(Verb::Publish, "index"), 0);
    assert_eq!(bench.storage.count(Verb::Publish, "snapshots"), 1);
    assert_eq!(bench.storage.count(Verb::Create, "packs"), 0);
    bench.assert_same(&second);
}

#[test]
fn every_sort_of_change_is_saved_and_the_rest_is_not_read() {
    let bench = Bench::new();
    for n in 0..100 {
        bench.write(&format!("a/b/file-{n:03}"), format!("content {n}"));
        bench.write(&format!("c/file-{n:03}"), format!("other {n}"));
    }
    bench.snapshot();
    bench.write("a/b/file-050", "changed");
    bench.write("a/b/file-0505", "new between");
    fs::remove_file(bench.source.path().join("a/b/file-000")).unwrap();
    fs::remove_file(bench.source.path().join("a/b/file-099")).unwrap();
    fs::remove_dir_all(bench.source.path().join("c")).unwrap();
    bench.write("c", "now a file");
    let second = bench.snapshot();
    bench.assert_same(&second);
    let counts = second.manifest.counts;
    assert_eq!((counts.files_new, counts.files_changed, counts.files_unchanged), (1, 2, 97));
    assert_eq!(counts.bytes_read, 7 + 11 + 10);
}

#[test]
fn a_file_written_in_the_moment_of_the_run_is_read_again_although_its_stamps_are_the_same() {
    let bench = Bench::new();
    bench.write("file", "before");
    let now = Request { clock: Timestamp::now, ..bench.request() };
    run(&bench.repository, &now, &Silent).unwrap();
    let second = bench.snapshot();
    assert_eq!(second.manifest.counts.bytes_read, 6, "the base was not settled");
    let third = bench.snapshot();
    assert_eq!(third.manifest.counts.bytes_read, 0);
    assert_eq!(second.manifest.root, third.manifest.root);
}

#[test]
fn kinds_have_the_bases_that_they_promise() {
    let bench = Bench::new();
    bench.write("file", "1");
    let take = |kind| run(&bench.repository, &Request { kind, ..bench.request() }, &Silent).unwrap();
    let first = take(Kind::Incremental);
    assert_eq!((first.manifest.kind, first.manifest.base), (Kind::Full, None));
    let second = take(Kind::Incremental);
    assert_eq!((second.manifest.kind, second.manifest.base), (Kind::Incremental, first.id));
    let third = take(Kind::Differential);
    assert_eq!((third.manifest.kind, third.manifest.base), (Kind::Differential, first.id));
    let fourth = take(Kind::Full);
    assert_eq!((fourth.manifest.kind, fourth.manifest.base), (Kind::Full, None));
    assert_eq!(fourth.manifest.counts.bytes_read, 1, "a full reads everything");
    assert_eq!(fourth.manifest.counts.bytes_new, 0, "and stores nothing twice");
    let fifth = take(Kind::Differential);
    assert_eq!(fifth.manifest.base, fourth.id);
    assert_eq!(fifth.manifest.counter, 7, "a record of init has 1, and one that says that the first is there 3");
    assert_eq!(fifth.manifest.previous, fourth.id);
}

#[test]
fn an_interrupted_run_leaves_packs_that_the_next_one_takes_over() {
    let bench = Bench::new();
    for n in 0..8 {
        bench.write(&format!("file-{n}"), noise(&n.to_string(), 12 << 20));
    }
    // The run dies when it wants to publish the index: its packs are there and nobody names them.
    let faults = Arc::new(crate::storage::faults::Faults::new(Arc::clone(&bench.storage)));
    let storage: Arc<dyn crate::storage::Storage> = Arc::clone(&faults) as _;
    let doomed = Repository::open(storage, OpenOptions { credential: Some(credential()), ..OpenOptions::default() }).unwrap();
    faults.fail_writing_call(66, ErrorKind::Other, crate::storage::faults::Lasts::Forever);
    assert!(run(&doomed, &bench.request(), &Silent).is_err());
    assert!(bench.repository.objects().list_snapshots().unwrap().is_empty());
    bench.storage.clear();
    let outcome = bench.snapshot();
    bench.assert_same(&outcome);
    assert!(outcome.packs_adopted > 0, "nothing was taken over");
    let stored = bench.storage.bytes(Verb::Publish, "packs");
    assert!(stored < (96 << 20) * 55 / 100, "{stored} bytes were stored again");
}

#[test]
fn checkpoints_make_segments_on_the_way() {
    let bench = Bench::new();
    // More than twice what waits between the walk and the builder, so that it cannot meet all at once. Four folders
    // with files are a bundle at most, and in each bundle a database fills a frame, which is stored at once by
    // whichever worker has it: frames of small files wait for more, and how many workers share them is chance.
    for n in 0..4 * 2 * (BUNDLES_MAX + 4) {
        let database = [b"SQLite format 3\0".to_vec(), noise(&n.to_string(), 272 << 10)].concat();
        bench.write(&format!("folder-{n}/file"), if n % 4 == 0 { database } else { n.to_string().into_bytes() });
    }
    let outcome = run(&bench.repository, &Request { checkpoint_chunks: Some(20), ..bench.request() }, &Silent).unwrap();
    assert!(bench.repository.objects().list_segments().unwrap().len() > 1);
    bench.assert_same(&outcome);
}

#[test]
fn chunks_recorded_as_lost_are_stored_again_from_a_source_that_still_has_them() {
    let bench = Bench::new();
    bench.write("a", noise("a", 100_000));
    bench.write("b", noise("b", 100_000));
    bench.snapshot();
    // All data packs are lost: the index still names them.
    let packs = crate::storage::Storage::list(&*bench.storage, "packs").unwrap();
    for pack in packs.iter().filter(|pack| pack.bytes > 50_000) {
        crate::storage::Storage::remove(&*bench.storage, &pack.name).unwrap();
    }
    let healed = bench.snapshot();
    assert_eq!(healed.manifest.counts.bytes_read, 200_000);
    bench.assert_same(&healed);
}

#[test]
fn a_base_that_cannot_be_read_is_passed_over() {
    let bench = Bench::new();
    bench.write("a", noise("a", 100_000));
    bench.snapshot();
    let packs = crate::storage::Storage::list(&*bench.storage, "packs").unwrap();
    for pack in packs.iter().filter(|pack| pack.bytes < 50_000) {
        crate::storage::Storage::remove(&*bench.storage, &pack.name).unwrap();
    }
    let findings = Collected::default();
    let outcome = run(&bench.repository, &bench.request(), &findings).unwrap();
    assert_eq!(outcome.manifest.kind, Kind::Full);
    assert!(findings.take().iter().any(|finding| finding.message.contains("cannot serve as base")));
    bench.assert_same(&outcome);
}

#[test]
fn a_single_file_is_a_source_too() {
    let bench = Bench::new();
    bench.write("one", "content");
    let path = bench.source.path().join("one");
    let request = || Request { paths: vec![path.as_os_str().as_bytes().to_vec()], ..bench.request() };
    let outcome = run(&bench.repository, &request(), &Silent).unwrap();
    assert_eq!(bench.read(&outcome)[path.to_str().unwrap()].1, b"content");
    let again = run(&bench.repository, &request(), &Silent).unwrap();
    assert_eq!(again.manifest.root, outcome.manifest.root);
    assert!(Path::new(&path).exists());
}

/// What a run warns of, as it is said.
fn warnings(bench: &Bench, request: Request) -> Vec<String> {
    let progress = Collected::default();
    run(&bench.repository, &request, &progress).unwrap();
    let is_told = |kind: FindingKind| kind.is_warning() || kind == FindingKind::Gone;
    progress.take().into_iter().filter(|finding| is_told(finding.kind)).map(|finding| finding.message).collect()
}

#[test]
fn a_clock_that_is_behind_an_earlier_run_is_warned_of() {
    let bench = Bench::new();
    bench.write("a", "a");
    bench.snapshot();
    let behind = Request { clock: Timestamp::now, ..bench.request() };
    let said = warnings(&bench, behind);
    assert!(said.len() == 1 && said[0].starts_with("clock says "), "{said:?}");
    assert!(warnings(&bench, bench.request()).is_empty());
}
