//! A repository in memory, and every way to lose or damage its catalog: the listing stays the same.

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

#[test]
fn a_catalog_that_another_holds_is_done_without() {
    let folder = tempfile::tempdir().unwrap();
    let mut truth = Truth::new(5, 1);
    let held = Catalog::open(folder.path(), REPOSITORY).unwrap();
    assert_eq!(Catalog::open(folder.path(), REPOSITORY).unwrap_err().kind(), ErrorKind::Busy);
    let loaded = truth.load(Some(folder.path()));
    assert_eq!(loaded.catalog_error.unwrap().kind(), ErrorKind::Busy);
    assert_eq!(loaded.listing, truth.load(None).listing);
    drop(held);
    truth.check(folder.path());
}

#[test]
fn a_place_that_cannot_hold_a_catalog_is_done_without() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let mut truth = Truth::new(3, 0);
    let loaded = truth.load(Some(&file));
    assert!(loaded.catalog_error.is_some());
    assert_eq!(loaded.listing.summaries().len(), 3);
    fs::write(folder.path().join("catalog"), "a file in its place").unwrap();
    assert_eq!(truth.check(folder.path()), 3);
}

#[test]
fn values_under_each_other_s_key_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let mut truth = Truth::new(30, 0);
    truth.check(folder.path());
    let mut catalog = Catalog::open(folder.path(), REPOSITORY).unwrap();
    let (a, b) = (truth.summaries[3].id, truth.summaries[17].id);
    let swap = move |database: &database::Database| {
        let tree = database.raw_manifests();
        let (value_a, value_b) = (tree.get(a.0).unwrap().unwrap(), tree.get(b.0).unwrap().unwrap());
        tree.insert(a.0, value_b).unwrap();
        tree.insert(b.0, value_a).unwrap();
        Ok(())
    };
    catalog.run(swap).unwrap();
    catalog.flush().unwrap();
    drop(catalog);
    assert_eq!(truth.check(folder.path()), 30);
    assert!(folder.path().join("catalog.bad").exists());
}

#[test]
fn rows_that_a_burst_left_unfinished_are_built_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut truth = Truth::new(6, 1);
    truth.check(folder.path());
    let mut catalog = Catalog::open(folder.path(), REPOSITORY).unwrap();
    catalog.run(|database| database.mark_unfinished()).unwrap();
    catalog.flush().unwrap();
    drop(catalog);
    assert_eq!(truth.check(folder.path()), 7);
}

#[test]
fn an_unreadable_manifest_is_reported_and_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut truth = Truth::new(5, 1);
    let bad = truth.summaries[2].id;
    truth.unreadable.insert(bad);
    assert_eq!(truth.check(folder.path()), 6);
    let loaded = truth.load(Some(folder.path()));
    assert_eq!(loaded.skipped.snapshots.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [bad]);
    assert_eq!(loaded.listing.summaries().len(), 4);
    assert_eq!(truth.check(folder.path()), 1);
    truth.unreadable.clear();
    assert_eq!(truth.check(folder.path()), 1);
    assert_eq!(truth.check(folder.path()), 0);
}

#[test]
fn two_thousand_snapshots_are_listed_in_order_from_small_rows() {
    let folder = tempfile::tempdir().unwrap();
    let mut truth = Truth::new(2000, 0);
    truth.summaries.reverse();
    assert_eq!(truth.check(folder.path()), 2000);
    assert_eq!(truth.check(folder.path()), 0);
    let mut catalog = Catalog::open(folder.path(), REPOSITORY).unwrap();
    let line = catalog.time_line(Timestamp::new(-300, 0), Timestamp::new(0, 0)).unwrap();
    let counters: Vec<_> = line.iter().map(|id| truth.summaries.iter().find(|row| row.id == *id).unwrap().counter).collect();
    assert_eq!(counters, [1, 2, 3, 4]);
    assert_eq!(catalog.time_line(Timestamp::new(5, 0), Timestamp::new(4, 0)).unwrap(), []);
    assert_eq!(fs::read_dir(folder.path().join("catalog/blobs")).unwrap().count(), 0);
}

#[test]
fn verify_names_each_difference() {
    let folder = tempfile::tempdir().unwrap();
    let mut truth = Truth::new(5, 2);
    truth.check(folder.path());
    let mut catalog = Catalog::open(folder.path(), REPOSITORY).unwrap();
    assert!(truth.with(|sealed| catalog.verify(sealed)).unwrap().is_empty());
    let (gone, damaged, changed) = (truth.summaries.remove(0).id, truth.summaries[0].id, truth.summaries[1].id);
    truth.unreadable.insert(damaged);
    truth.summaries[1].host = "other".into();
    truth.add(6);
    let added = truth.summaries[4].id;
    let differences: Vec<_> = truth.with(|sealed| catalog.verify(sealed)).unwrap().iter().map(Difference::to_string).collect();
    let expected = [
        format!("snapshot {damaged} cannot be read: a manifest is damaged: test"),
        format!("snapshot {changed} is not what the catalog says"),
        format!("snapshot {added} is not in the catalog"),
        format!("snapshot {gone} is in the catalog only"),
    ];
    assert_eq!(differences, expected);
    truth.unreadable.clear();
    truth.with(|sealed| catalog.rebuild(sealed)).unwrap();
    assert!(truth.with(|sealed| catalog.verify(sealed)).unwrap().is_empty());
    assert!(!folder.path().join("catalog.new").exists() && !folder.path().join("catalog.old").exists());
}

#[test]
fn a_database_of_mostly_dead_space_is_built_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut truth = Truth::new(5, 0);
    truth.check(folder.path());
    let mut catalog = Catalog::open(folder.path(), REPOSITORY).unwrap();
    assert!(!catalog.compact_where_due().unwrap());
    fs::write(folder.path().join("catalog/blobs/123"), vec![0; 17 << 20]).unwrap();
    assert!(catalog.compact_where_due().unwrap());
    assert!(place::disk_bytes(&folder.path().join("catalog")) < 4 << 20);
    drop(catalog);
    assert_eq!(truth.check(folder.path()), 0);
}

#[test]
fn an_interruption_is_passed_on() {
    let folder = tempfile::tempdir().unwrap();
    let ids = [SnapshotId([1; 32])];
    let mut sealed = Sealed {
        snapshots: &ids,
        records: &[],
        expect: &|_, _| {},
        load_manifest: &mut |_| Err(Error::new(ErrorKind::Interrupted, "stop")),
        load_record: &mut |_| unreachable!("there are no records"),
    };
    assert_eq!(load(Some(folder.path()), REPOSITORY, &mut sealed).unwrap_err().kind(), ErrorKind::Interrupted);
}

#[derive(Clone, Debug)]
enum Step {
    Commit,
    CommitUntold,
    Forget(usize),
    AddRecord,
    Damage(usize, usize),
    Cut(usize, usize),
    Keep,
    BringBack,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Commit),
        2 => Just(Step::CommitUntold),
        2 => any::<usize>().prop_map(Step::Forget),
        1 => Just(Step::AddRecord),
        2 => any::<(usize, usize)>().prop_map(|(file, at)| Step::Damage(file, at)),
        1 => any::<(usize, usize)>().prop_map(|(file, at)| Step::Cut(file, at)),
        1 => Just(Step::Keep),
        1 => Just(Step::BringBack),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers_are_the_same_with_and_without_a_catalog(steps in prop::collection::vec(step(), 1..8)) {
        let (folder, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let database = folder.path().join("catalog");
        let mut truth = Truth::new(3, 1);
        truth.check(folder.path());
        copy_folder(&database, kept.path());
        for (counter, step) in (10..).zip(steps) {
            let files = files_below(&database);
            match step {
                Step::Commit => {
                    truth.add(counter);
                    add(folder.path(), REPOSITORY, &truth.summaries[truth.summaries.len() - 1]).unwrap();
                }
                Step::CommitUntold => truth.add(counter),
                Step::Forget(n) if !truth.summaries.is_empty() => drop(truth.summaries.remove(n % truth.summaries.len())),
                Step::Forget(_) => {}
                Step::AddRecord => truth.records.push(record(counter)),
                Step::Damage(file, at) => {
                    let file = &files[file % files.len()];
                    let mut bytes = fs::read(file).unwrap();
                    let at = at % bytes.len().max(1);
                    let end = bytes.len().min(at + 300);
                    bytes[at..end].copy_from_slice(&noise(end - at, counter));
                    fs::write(file, bytes).unwrap();
                }
                Step::Cut(file, at) => {
                    let file = &files[file % files.len()];
                    let bytes = fs::read(file).unwrap();
                    fs::write(file, &bytes[..at % bytes.len().max(1)]).unwrap();
                }
                Step::Keep => {
                    fs::remove_dir_all(kept.path()).unwrap();
                    copy_folder(&database, kept.path());
                }
                Step::BringBack => {
                    fs::remove_dir_all(&database).unwrap();
                    copy_folder(kept.path(), &database);
                }
            }
            truth.check(folder.path());
        }
    }
}
