//! A whole run over a small tree, and the way back, through the library: walk to manifest, manifest
//! to files. In the folder that `TMPDIR` names; a RAM disk (`TMPDIR=/dev/shm`) leaves the disk out.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use strongroom::crypto::{Algorithm, Argon2Cost};
use strongroom::id::SnapshotId;
use strongroom::manifest::Kind;
use strongroom::progress::Silent;
use strongroom::repository::{CreateOptions, Credential, OpenOptions, Repository, create};
use strongroom::restore::{self, What};
use strongroom::snapshot;
use strongroom::storage::LocalStorage;
use strongroom::units::Timestamp;
use tempfile::TempDir;

const FILES: u64 = 1000;
const FILE_BYTES: u64 = 16 << 10;
/// One file beside the small ones that does not compress.
const LARGE_BYTES: u64 = 32 << 20;

/// A thousand small files of text in ten folders, and a large one of noise.
fn write_source(folder: &Path) {
    let mut noise = vec![0; LARGE_BYTES as usize];
    blake3::Hasher::new().finalize_xof().fill(&mut noise);
    for number in 0..FILES {
        let folder = folder.join(format!("folder-{}", number % 10));
        fs::create_dir_all(&folder).expect("a folder of the source");
        let text: Vec<u8> = (0..)
            .flat_map(|line: u64| format!("{} of file {number}\n", line * (number + 7)).into_bytes())
            .take(FILE_BYTES as usize)
            .collect();
        fs::write(folder.join(format!("{number}.txt")), text).expect("a file of the source");
    }
    fs::write(folder.join("large"), noise).expect("the large file");
}

/// A source, an encrypted repository with a key file (so that no key derivation is measured), and
/// room for caches and what comes back.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn repository(&self) -> Repository {
        let key = || Some(Credential::KeyFile(vec![7; 32].into()));
        let root = self.folder.path().join("repository");
        if !root.exists() {
            let storage = LocalStorage::create(&root).expect("a folder for the repository");
            let cost = Argon2Cost { memory_kib: 64, passes: 1, lanes: 1 };
            let options = CreateOptions { algorithm: Algorithm::Aes256Gcm, credential: key(), cost, now: Timestamp::now() };
            create(&storage, &options).expect("a repository");
        }
        let storage = LocalStorage::open(&root).expect("the repository's folder");
        let options = OpenOptions { credential: key(), cache_root: Some(self.folder.path().join("cache")), ..OpenOptions::default() };
        Repository::open(Arc::new(storage), options).expect("the repository")
    }

    fn save(&self, source: &Path, kind: Kind) -> SnapshotId {
        let mut request = snapshot::Request::new(vec![source.as_os_str().as_bytes().to_vec()], "bench", "bench");
        request.kind = kind;
        let outcome = snapshot::run(&self.repository(), &request, &Silent).expect("a snapshot");
        assert_eq!(outcome.manifest.counts.problems, 0);
        outcome.id.expect("it was no dry run")
    }

    fn restore(&self, id: &SnapshotId, destination: &Path) {
        let repository = self.repository();
        let manifest = repository.objects().read_manifest(id).expect("the manifest");
        let request = restore::Request::new(What::Everything, destination.as_os_str().as_bytes());
        let snapshot = restore::Snapshot { reader: &repository.reader().expect("a reader"), manifest: &manifest };
        let outcome = restore::run(&snapshot, &request, &Silent).expect("a restore");
        assert_eq!(outcome.files, FILES + 1);
    }
}

fn whole(criterion: &mut Criterion) {
    let source = tempfile::tempdir().expect("a folder for the source");
    write_source(source.path());
    let mut group = criterion.benchmark_group("1,001 files, 48 MiB");
    group.throughput(Throughput::Bytes(FILES * FILE_BYTES + LARGE_BYTES)).sample_size(10).measurement_time(Duration::from_secs(10));
    let new = || {
        let place = Place::new();
        place.repository();
        place
    };
    // A place is given back, so that removing it is not measured.
    let first = |place: Place| {
        place.save(source.path(), Kind::Full);
        place
    };
    group.bench_function("first snapshot", |bencher| bencher.iter_batched(new, first, BatchSize::PerIteration));

    let place = Place::new();
    let id = place.save(source.path(), Kind::Full);
    group.bench_function("snapshot, nothing changed", |bencher| bencher.iter(|| place.save(source.path(), Kind::Incremental)));
    let back = || tempfile::tempdir().expect("a destination");
    let restore = |back: TempDir| {
        place.restore(&id, back.path());
        back
    };
    group.bench_function("restore", |bencher| bencher.iter_batched(back, restore, BatchSize::PerIteration));
    group.finish();
}

criterion_group!(benches, whole);
criterion_main!(benches);
