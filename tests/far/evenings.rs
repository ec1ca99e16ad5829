//! 2,000 small files that came evening by evening, each evening's in packs of its own; and what the verbs ask of a
//! storage that has them.

use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use strongroom::browse::{self, Place};
use strongroom::check;
use strongroom::crypto::{Algorithm, Argon2Cost};
use strongroom::id::SnapshotId;
use strongroom::manifest::Node;
use strongroom::progress::Silent;
use strongroom::prune;
use strongroom::repository::{self, CreateOptions, Credential, OpenOptions, Repository};
use strongroom::restore;
use strongroom::snapshot;
use strongroom::storage::far::{Asked, Far};
use strongroom::storage::{MemoryStorage, Storage};
use strongroom::units::Timestamp;
use tempfile::TempDir;

/// How many files there are in the end.
pub const FILES: usize = 2000;
/// What came on one evening lies in so many folders.
const FOLDERS: usize = 2;

/// A repository and what was saved in it.
pub struct Evenings {
    pub storage: MemoryStorage,
    pub source: TempDir,
    newest: SnapshotId,
}

/// A storage far away.
pub type FarMemory = Arc<Far<MemoryStorage>>;

fn credential() -> Credential {
    Credential::KeyFile(vec![7; 32].into())
}

/// What was just written counts as settled.
fn an_hour_later() -> Timestamp {
    Timestamp::now().plus_seconds(3600)
}

fn in_two_hours() -> Timestamp {
    Timestamp::now().plus_seconds(7200)
}

/// Opens what nobody on this machine has seen before.
pub fn open(storage: Arc<dyn Storage>) -> Repository {
    Repository::open(storage, OpenOptions { credential: Some(credential()), ..OpenOptions::default() }).expect("opened")
}

impl Evenings {
    /// So many evenings.
    pub fn new(evenings: usize) -> Self {
        let storage = MemoryStorage::new();
        let options = CreateOptions {
            algorithm: Algorithm::Aes256Gcm,
            credential: Some(credential()),
            cost: Argon2Cost::STANDARD,
            now: Timestamp::new(1, 0),
        };
        repository::create(&storage, &options).expect("a repository");
        let (source, cache) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let mut newest = None;
        for evening in 0..evenings {
            for file in 0..FILES / evenings {
                let folder = source.path().join(format!("evening {evening}/{}", file % FOLDERS));
                std::fs::create_dir_all(&folder).expect("a folder");
                let mut bytes = vec![0; 2000 + 37 * (file % 100)];
                blake3::Hasher::new_derive_key(&format!("{evening} {file}")).finalize_xof().fill(&mut bytes);
                std::fs::write(folder.join(format!("{file}")), bytes).expect("a file");
            }
            let path = source.path().as_os_str().as_bytes().to_vec();
            let request = snapshot::Request { clock: an_hour_later, ..snapshot::Request::new(vec![path], "host", "user") };
            let cache_root = Some(cache.path().to_owned());
            let options = OpenOptions { credential: Some(credential()), cache_root, no_catalog: true, ..OpenOptions::default() };
            let repository = Repository::open(Arc::new(storage.clone()), options).expect("opened");
            newest = snapshot::run(&repository, &request, &Silent).expect("a snapshot").id;
        }
        Self { storage, source, newest: newest.expect("a snapshot") }
    }

    /// Restores the newest snapshot and says what was asked for.
    pub fn restore(&self, far: &FarMemory) -> Asked {
        let target = tempfile::tempdir().expect("a folder");
        far.take_asked();
        let repository = open(Arc::clone(far) as _);
        let manifest = repository.objects().read_manifest(&self.newest).expect("a manifest");
        let what = restore::What::Path(self.source.path().as_os_str().as_bytes().to_vec());
        let request = restore::Request::new(what, target.path().as_os_str().as_bytes());
        let snapshot = restore::Snapshot { reader: &repository.reader().expect("an index"), manifest: &manifest };
        let outcome = restore::run(&snapshot, &request, &Silent).expect("restored");
        assert_eq!((outcome.files as usize, outcome.damaged), (FILES, 0));
        far.take_asked()
    }

    /// Saves the source once more, and finds that nothing has changed.
    pub fn snapshot(&self, far: &FarMemory) -> Asked {
        far.take_asked();
        let path = self.source.path().as_os_str().as_bytes().to_vec();
        let request = snapshot::Request { clock: an_hour_later, ..snapshot::Request::new(vec![path], "host", "user") };
        let outcome = snapshot::run(&open(Arc::clone(far) as _), &request, &Silent).expect("a snapshot");
        assert_eq!(outcome.manifest.counts.bytes_read, 0, "nothing has changed");
        far.take_asked()
    }

    /// Lists all entries of the newest snapshot.
    pub fn list(&self, far: &FarMemory) -> Asked {
        far.take_asked();
        let repository = open(Arc::clone(far) as _);
        let manifest = repository.objects().read_manifest(&self.newest).expect("a manifest");
        let reader = repository.reader().expect("an index");
        let mut files = 0;
        let mut count = |_: &[u8], node: &Node| {
            files += usize::from(!node.is_directory());
            Ok(())
        };
        browse::list(&reader, &Place::whole(&manifest), true, &mut count, &Silent).expect("listed");
        assert_eq!(files, FILES);
        far.take_asked()
    }

    /// Checks everything, with or without the data.
    pub fn check(&self, far: &FarMemory, data: check::Data) -> Asked {
        far.take_asked();
        let request = check::Request { data, clock: an_hour_later };
        let outcome = check::run(&open(Arc::clone(far) as _), &request, &Silent).expect("checked");
        assert!(!outcome.is_damaged());
        far.take_asked()
    }

    /// Removes all snapshots but the newest, and what only they need.
    pub fn prune(&self, far: &FarMemory) -> Asked {
        far.take_asked();
        let repository = open(Arc::clone(far) as _);
        let mut remove = repository.objects().list_snapshots().expect("snapshots");
        remove.retain(|id| *id != self.newest);
        let request = prune::Request { remove, clock: in_two_hours, ..prune::Request::default() };
        prune::run(&repository, &request, &Silent).expect("pruned");
        far.take_asked()
    }
}
