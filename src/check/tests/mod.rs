//! Tests of the check, against a repository in memory that is damaged in every way.

mod damaged;
mod healthy;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use tempfile::TempDir;
use zeroize::Zeroizing;

use super::*;
use crate::crypto::{Algorithm, Argon2Cost};
use crate::id::SnapshotId;
use crate::progress::Silent;
use crate::repository::{self, CreateOptions, Credential, OpenOptions, Repository};
use crate::snapshot;
use crate::storage::recorder::{Recorder, Verb};
use crate::storage::{MemoryStorage, Storage};
use crate::trees::SnapshotView;
use crate::units::Timestamp;

const DAY: i64 = 86_400;
const START: i64 = 1_800_000_000;

std::thread_local! {
    /// What the clock says in this test.
    static SECONDS: std::cell::Cell<i64> = const { std::cell::Cell::new(START) };
}

/// A repository, a folder to save, and a cache.
pub(crate) struct Bench {
    pub(crate) storage: Arc<Recorder<MemoryStorage>>,
    pub(crate) algorithm: Algorithm,
    pub(crate) source: TempDir,
    pub(crate) cache: TempDir,
}

pub(crate) fn an_hour_later() -> Timestamp {
    Timestamp::now().plus_seconds(3600)
}

impl Bench {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        let storage = Arc::new(Recorder::new(MemoryStorage::new()));
        let credential = credential(algorithm);
        let options = CreateOptions { algorithm, credential, cost: Argon2Cost::STANDARD, now: Timestamp::new(1, 0) };
        repository::create(&*storage, &options).unwrap();
        Self { storage, algorithm, source: tempfile::tempdir().unwrap(), cache: tempfile::tempdir().unwrap() }
    }

    /// Two snapshots: `a` and `sub/b` in both, `old` in the first and `new` in the second.
    pub(crate) fn with_two_snapshots(algorithm: Algorithm) -> (Self, [SnapshotId; 2]) {
        let bench = Self::new(algorithm);
        bench.write("a", noise(1, 300_000));
        bench.write("sub/b", noise(2, 50_000));
        bench.write("old", noise(3, 40_000));
        let first = bench.snapshot();
        fs::remove_file(bench.source.path().join("old")).unwrap();
        bench.write("new", noise(4, 60_000));
        let second = bench.snapshot();
        (bench, [first, second])
    }

    pub(crate) fn write(&self, name: &str, content: Vec<u8>) {
        let path = self.source.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn open(&self) -> crate::error::Result<Repository> {
        let options = OpenOptions {
            credential: credential(self.algorithm),
            cache_root: Some(self.cache.path().to_owned()),
            ..OpenOptions::default()
        };
        Repository::open(Arc::clone(&self.storage) as _, options)
    }

    pub(crate) fn snapshot(&self) -> SnapshotId {
        let path = self.source.path().as_os_str().as_bytes().to_vec();
        let request = snapshot::Request { clock: an_hour_later, ..snapshot::Request::new(vec![path], "host", "user") };
        snapshot::run(&self.open().unwrap(), &request, &Silent).unwrap().id.unwrap()
    }

    pub(crate) fn check_at(&self, data: Data, seconds: i64) -> Outcome {
        SECONDS.set(seconds);
        run(&self.open().unwrap(), &Request { data, clock: || Timestamp::new(SECONDS.get(), 0) }, &Silent).unwrap()
    }

    pub(crate) fn check(&self, data: Data) -> Outcome {
        self.check_at(data, START)
    }

    /// Forgets what this machine knows of the repository.
    pub(crate) fn forget_cache(&mut self) {
        self.cache = tempfile::tempdir().unwrap();
    }

    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        self.storage.list(folder).unwrap().into_iter().map(|listed| listed.name).collect()
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        self.storage.read(name, u64::MAX).unwrap()
    }

    /// Puts other bytes under a name, as a disk or a person may.
    pub(crate) fn replace(&self, name: &str, bytes: &[u8]) {
        self.storage.remove(name).unwrap();
        let mut upload = self.storage.create(name.split_once('/').map_or("", |(area, _)| area)).unwrap();
        upload.write(bytes).unwrap();
        upload.publish(name).unwrap();
    }

    /// The path that an entry of the source has in a snapshot.
    pub(crate) fn saved(&self, name: &str) -> Vec<u8> {
        self.source.path().join(name).as_os_str().as_bytes().to_vec()
    }

    /// The packs with the chunks of a file.
    pub(crate) fn packs_of(&self, snapshot: &SnapshotId, name: &str) -> BTreeSet<String> {
        self.places_of(snapshot, name).iter().map(|place| repository::pack_name(&place.pack)).collect()
    }

    pub(crate) fn places_of(&self, snapshot: &SnapshotId, name: &str) -> Vec<crate::index::Location> {
        let repository = self.open().unwrap();
        let (reader, manifest) = (repository.reader().unwrap(), repository.objects().read_manifest(snapshot).unwrap());
        let node = SnapshotView::new(&reader, &manifest).lookup(&self.saved(name)).unwrap().unwrap();
        let crate::manifest::Content::File(_, list) = node.content else { panic!("{name} is no file") };
        let chunk = |item: &crate::manifest::Item| match item {
            crate::manifest::Item::Chunk(id, _) => reader.places(id).unwrap(),
            crate::manifest::Item::Hole(_) => Vec::new(),
        };
        list.items.iter().flat_map(chunk).collect()
    }
}

pub(crate) fn credential(algorithm: Algorithm) -> Option<Credential> {
    (algorithm != Algorithm::None).then(|| Credential::KeyFile(Zeroizing::new(vec![7; 32])))
}

/// Bytes that do not compress and differ for each seed.
pub(crate) fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut plain = vec![0; bytes];
    blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut plain);
    plain
}
