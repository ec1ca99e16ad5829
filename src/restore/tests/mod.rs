//! Tests of the way out, from a repository in memory to real folders.

mod damage;
mod deleting;
mod hostile;
mod in_place;
mod leftovers;
mod linked;
mod making_way;
mod matching;
mod overwriting;
mod passing;
mod planned;
mod round_trip;
mod selecting;

use crate::cancel::Cancel;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use zeroize::Zeroizing;

use super::*;
use crate::crypto::{Algorithm, Argon2Cost};
use crate::error::{Error, ErrorKind};
use crate::manifest::Manifest;
use crate::progress::{Collected, Finding, FindingKind, Progress};
use crate::repository::{self, CreateOptions, Credential, OpenOptions, Repository};
use crate::snapshot;
use crate::storage::MemoryStorage;
use crate::storage::faults::Faults;
use crate::storage::recorder::{Recorder, Verb};
use crate::units::Timestamp;

/// A repository, a folder to save, and a folder to restore into.
struct Bench {
    storage: Arc<Recorder<Faults<MemoryStorage>>>,
    repository: Repository,
    source: TempDir,
    target: TempDir,
}

fn an_hour_later() -> Timestamp {
    Timestamp::now().plus_seconds(3600)
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

impl Bench {
    fn new() -> Self {
        let storage = Arc::new(Recorder::new(Faults::new(MemoryStorage::new())));
        let credential = || Credential::KeyFile(Zeroizing::new(vec![7; 32]));
        let options = CreateOptions {
            algorithm: Algorithm::Aes256Gcm,
            credential: Some(credential()),
            cost: Argon2Cost::STANDARD,
            now: Timestamp::new(1, 0),
        };
        repository::create(&*storage, &options).unwrap();
        let options = OpenOptions { credential: Some(credential()), ..OpenOptions::default() };
        let repository = Repository::open(Arc::clone(&storage) as _, options).unwrap();
        Self { storage, repository, source: tempfile::tempdir().unwrap(), target: tempfile::tempdir().unwrap() }
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.source.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn snapshot(&self) -> Manifest {
        let path = self.source.path().as_os_str().as_bytes().to_vec();
        let request = snapshot::Request { clock: an_hour_later, ..snapshot::Request::new(vec![path], "host", "user") };
        snapshot::run(&self.repository, &request, &crate::progress::Silent).unwrap().manifest
    }

    /// A request for the content of the source folder, straight into the target.
    fn request(&self) -> Request<'static> {
        self.request_below("")
    }

    fn request_below(&self, name: &str) -> Request<'static> {
        Request::new(What::Path(self.saved(name)), self.target.path().as_os_str().as_bytes())
    }

    /// The path that an entry of the source has in the snapshot.
    fn saved(&self, name: &str) -> Vec<u8> {
        self.source.path().join(name).as_os_str().as_bytes().to_vec()
    }

    fn restored(&self, name: &str) -> PathBuf {
        self.target.path().join(name)
    }

    fn restore(&self, manifest: &Manifest, request: &Request<'_>) -> (Outcome, Vec<Finding>) {
        let (outcome, findings) = self.try_restore(manifest, request);
        (outcome.unwrap(), findings)
    }

    fn try_restore(&self, manifest: &Manifest, request: &Request<'_>) -> (crate::error::Result<Outcome>, Vec<Finding>) {
        let (reader, progress) = (self.repository.reader().unwrap(), Collected::default());
        (run(&Snapshot { reader: &reader, manifest }, request, &progress), progress.take())
    }

    /// What a dry run says.
    fn foresee(&self, manifest: &Manifest, request: &Request<'_>) -> (Outcome, Vec<Finding>) {
        let (reader, progress) = (self.repository.reader().unwrap(), Collected::default());
        let planned = plan(&Snapshot { reader: &reader, manifest }, request, &progress).and_then(|plan| foresee(&plan, &progress));
        (planned.unwrap(), progress.take())
    }

    fn restore_or_foresee(&self, is_dry: bool, manifest: &Manifest, request: &Request<'_>) -> (Outcome, Vec<Finding>) {
        if is_dry { self.foresee(manifest, request) } else { self.restore(manifest, request) }
    }
}

/// Everything below a folder as text lines by path: type, mode, owner, mtime, content.
fn describe(top: &Path) -> BTreeMap<Vec<u8>, String> {
    let mut lines = BTreeMap::new();
    let mut waiting = vec![top.to_owned()];
    while let Some(path) = waiting.pop() {
        let stat = fs::symlink_metadata(&path).unwrap();
        let kind = stat.file_type();
        let content = if kind.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            "folder".to_owned()
        } else if kind.is_symlink() {
            format!("link to {:?}", fs::read_link(&path).unwrap())
        } else if kind.is_file() {
            format!("{} bytes {}", stat.len(), blake3::hash(&fs::read(&path).unwrap()))
        } else {
            format!("special {} {}", kind.is_fifo(), stat.rdev())
        };
        let line = format!("{content} {:o} {}:{} {}.{}", stat.mode(), stat.uid(), stat.gid(), stat.mtime(), stat.mtime_nsec());
        lines.insert(path.strip_prefix(top).unwrap().as_os_str().as_bytes().to_vec(), line);
    }
    lines
}

fn names_in(path: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Bytes that do not compress and differ for each seed.
fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut plain = vec![0; bytes];
    blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut plain);
    plain
}

fn set_mtime(path: &Path, seconds: i64) {
    let time = rustix::fs::Timespec { tv_sec: seconds, tv_nsec: 5 };
    let times = rustix::fs::Timestamps { last_access: time, last_modification: time };
    rustix::fs::utimensat(rustix::fs::CWD, path, &times, rustix::fs::AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

/// Stops the restore after so many questions.
struct StopAfter(std::sync::atomic::AtomicUsize);

impl Cancel for StopAfter {
    fn is_cancelled(&self) -> bool {
        use std::sync::atomic::Ordering::Relaxed;
        self.0.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_err()
    }
}

impl Progress for StopAfter {}

fn error_of(outcome: crate::error::Result<Outcome>) -> Error {
    outcome.err().unwrap()
}
