//! A repository in memory, and every way to lose or damage its catalog: the listing stays the same.

mod apart;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::id::{ClientId, RecordId, RootId, RunId, SnapshotId};
use crate::manifest::{Counts, Kind, Manifest, SnapshotOptions};
use crate::units::Timestamp;
use crate::wire::Extensions;

const REPOSITORY: RepositoryId = RepositoryId([7; 16]);

pub(super) fn manifest(counter: u64, series: &str, kind: Kind) -> Manifest {
    let time = Timestamp::new(counter as i64 * 60 - 300, 5);
    Manifest {
        run: RunId([1; 16]),
        client: ClientId([2; 16]),
        counter,
        previous: None,
        kind,
        base: None,
        series: series.into(),
        host: "host".into(),
        user: "user".into(),
        time,
        started_at: time,
        committed_at: time,
        clocks: Vec::new(),
        paths: vec![b"/home/\xff".to_vec().into()],
        options: SnapshotOptions::default(),
        tags: Vec::new(),
        program: "test".into(),
        root: RootId([3; 32]),
        entries: Vec::new(),
        counts: Counts::default(),
        extensions: Extensions::default(),
    }
}

pub(super) fn summary(counter: u64, series: &str, kind: Kind) -> Summary {
    let manifest = manifest(counter, series, kind);
    Summary::of(&SnapshotId(*blake3::hash(&manifest.encode()).as_bytes()), &manifest)
}

fn record(counter: u64) -> (RecordId, RecordRow) {
    let time = Timestamp::new(counter as i64, 0);
    (
        RecordId(*blake3::hash(&counter.to_le_bytes()).as_bytes()),
        RecordRow { record_type: 9, counter, time, payload: vec![4; 9], is_cut: false },
    )
}

/// A repository in memory that counts what is read from it.
#[derive(Clone, Default)]
struct Truth {
    summaries: Vec<Summary>,
    records: Vec<(RecordId, RecordRow)>,
    unreadable: HashSet<SnapshotId>,
    loads: usize,
}

impl Truth {
    fn new(snapshots: u64, records: u64) -> Self {
        let mut truth = Self::default();
        (1..=snapshots).for_each(|counter| truth.add(counter));
        truth.records = (1..=records).map(record).collect();
        truth
    }

    fn add(&mut self, counter: u64) {
        let kind = [Kind::Full, Kind::Incremental, Kind::Differential][counter as usize % 3];
        self.summaries.push(summary(counter, ["a", "b"][counter as usize % 2], kind));
    }

    fn with<T>(&mut self, ask: impl FnOnce(&mut Sealed<'_>) -> T) -> T {
        let ids: Vec<_> = self.summaries.iter().map(|row| row.id).collect();
        let record_ids: Vec<_> = self.records.iter().map(|(id, _)| *id).collect();
        let gone = || Error::new(ErrorKind::NotFound, "gone");
        let (mut loads, mut record_loads) = (0, 0);
        let mut load_manifest = |id: SnapshotId| {
            loads += 1;
            if self.unreadable.contains(&id) {
                return Err(Error::damaged("a manifest", "test"));
            }
            self.summaries.iter().find(|row| row.id == id).cloned().ok_or_else(gone)
        };
        let mut load_record = |id: RecordId| {
            record_loads += 1;
            self.records.iter().find(|(other, _)| *other == id).map(|(_, row)| row.clone()).ok_or_else(gone)
        };
        let mut sealed = Sealed {
            snapshots: &ids,
            records: &record_ids,
            expect: &|_, _| {},
            load_manifest: &mut load_manifest,
            load_record: &mut load_record,
        };
        let answer = ask(&mut sealed);
        self.loads += loads + record_loads;
        answer
    }

    fn load(&mut self, folder: Option<&Path>) -> Loaded {
        self.with(|sealed| load(folder, REPOSITORY, sealed)).unwrap()
    }

    /// Lists through the catalog, holds it against the listing without one, and returns how many
    /// objects the catalog had to read.
    fn check(&mut self, folder: &Path) -> usize {
        let direct = self.load(None);
        self.loads = 0;
        let loaded = self.load(Some(folder));
        let loads = self.loads;
        assert!(loaded.catalog_error.is_none(), "{:?}", loaded.catalog_error);
        assert_eq!(loaded.listing, direct.listing);
        for series in ["a", "b", "none"] {
            let mut catalog = Catalog::open(folder, REPOSITORY).unwrap();
            assert_eq!(catalog.newest(series).unwrap().as_ref(), direct.listing.newest(series));
            assert_eq!(catalog.newest_full(series).unwrap().as_ref(), direct.listing.newest_full(series));
        }
        loads
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

fn noise(bytes: usize, seed: u64) -> Vec<u8> {
    let mut noise = vec![0; bytes];
    blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut noise);
    noise
}

#[test]
fn an_equal_catalog_reads_no_object_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut truth = Truth::new(9, 3);
    assert_eq!(truth.check(folder.path()), 12);
    assert_eq!(truth.check(folder.path()), 0);
    truth.add(10);
    truth.summaries.remove(2);
    truth.records.remove(0);
    assert_eq!(truth.check(folder.path()), 1);
}

#[test]
fn a_snapshot_added_after_its_commit_is_not_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut truth = Truth::new(4, 1);
    truth.check(folder.path());
    truth.add(5);
    let newest = truth.summaries[4].clone();
    add(folder.path(), REPOSITORY, &newest).unwrap();
    add(folder.path(), REPOSITORY, &newest).unwrap();
    assert_eq!(truth.check(folder.path()), 0);
}

#[test]
fn a_deleted_catalog_is_built_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut truth = Truth::new(5, 2);
    truth.check(folder.path());
    fs::remove_dir_all(folder.path().join("catalog")).unwrap();
    assert_eq!(truth.check(folder.path()), 7);
    fs::remove_dir_all(folder.path()).unwrap();
    assert_eq!(truth.check(folder.path()), 7);
}

#[test]
fn random_bytes_in_any_file_change_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let mut truth = Truth::new(20, 2);
    truth.check(folder.path());
    let whole = tempfile::tempdir().unwrap();
    copy_folder(&folder.path().join("catalog"), whole.path());
    for file in files_below(whole.path()) {
        for seed in 0..3 {
            fs::remove_dir_all(folder.path().join("catalog")).unwrap();
            copy_folder(whole.path(), &folder.path().join("catalog"));
            let target = folder.path().join("catalog").join(file.strip_prefix(whole.path()).unwrap());
            let bytes = fs::read(&target).unwrap();
            // All of it, the beginning, and a stretch in the middle.
            let mut other = bytes.clone();
            let (start, end) = [(0, bytes.len()), (0, bytes.len().min(64)), (bytes.len() / 3, bytes.len() / 2)][seed as usize];
            other[start..end].copy_from_slice(&noise(end - start, seed));
            fs::write(&target, other).unwrap();
            truth.check(folder.path());
        }
    }
}

#[test]
fn a_database_cut_short_anywhere_changes_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let mut truth = Truth::new(20, 2);
    truth.check(folder.path());
    let whole = fs::read(folder.path().join("catalog/db")).unwrap();
    for bytes in [0, 1, 100, 4096, whole.len() / 2, whole.len() - 1] {
        fs::write(folder.path().join("catalog/db"), &whole[..bytes]).unwrap();
        truth.check(folder.path());
    }
}

#[test]
fn a_torn_snapshot_file_of_the_database_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let mut truth = Truth::new(5, 0);
    truth.check(folder.path());
    fs::write(folder.path().join("catalog/snap.ffffffffffffffff.generating"), [1, 2]).unwrap();
    assert_eq!(truth.check(folder.path()), 0);
    assert!(!folder.path().join("catalog.bad").exists());
}

#[test]
fn an_older_copy_catches_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut truth = Truth::new(5, 1);
    truth.check(folder.path());
    let older = tempfile::tempdir().unwrap();
    copy_folder(&folder.path().join("catalog"), older.path());
    truth.add(6);
    truth.summaries.remove(0);
    truth.check(folder.path());
    fs::remove_dir_all(folder.path().join("catalog")).unwrap();
    copy_folder(older.path(), &folder.path().join("catalog"));
    assert_eq!(truth.check(folder.path()), 1);
}

#[test]
fn the_catalog_of_another_repository_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let mut truth = Truth::new(5, 1);
    truth.with(|sealed| load(Some(folder.path()), RepositoryId([8; 16]), sealed)).unwrap();
    assert_eq!(truth.check(folder.path()), 6);
    assert!(folder.path().join("catalog.bad").exists());
}
