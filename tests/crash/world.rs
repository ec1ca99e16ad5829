//! A repository on a simulated disk, what its snapshots must hold, and what has to be true of it
//! whatever happened.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use strongroom::check;
use strongroom::crypto::{Algorithm, Argon2Cost};
use strongroom::error::{Error, Result};
use strongroom::id::SnapshotId;
use strongroom::manifest::{Content, Kind, SETTINGS, Settings};
use strongroom::progress::Silent;
use strongroom::prune;
use strongroom::repair;
use strongroom::repository::{self, CreateOptions, Credential, OpenOptions, Repository};
use strongroom::snapshot;
use strongroom::storage::{MemoryStorage, Storage};
use strongroom::trees::{Piece, SnapshotView, Step, visit_content};
use strongroom::units::Timestamp;
use strongroom::wire;

use super::source::{Files, Source};

/// Packs are closed at so many bytes, so that a small source makes several.
const PACK_BYTES: u64 = 64 << 10;

/// What was found wrong, in words.
pub type Verdict<T = ()> = std::result::Result<T, String>;

/// Puts what was being done before an error.
pub fn failed(doing: &str) -> impl FnOnce(Error) -> String + use<'_> {
    move |error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("{doing}: {error}{cause}")
    }
}

/// Stamps of files are settled by then, and retention does not find the clock behind.
pub fn later() -> Timestamp {
    Timestamp::now().plus_seconds(3600)
}

/// The key file number `key`.
pub fn credential(key: u8) -> Credential {
    Credential::KeyFile(vec![key; 32].into())
}

pub fn create(storage: &dyn Storage) -> Result<()> {
    let cost = Argon2Cost { memory_kib: 64, passes: 1, lanes: 1 };
    let options = CreateOptions { algorithm: Algorithm::Aes256Gcm, credential: Some(credential(0)), cost, now: Timestamp::new(1, 0) };
    repository::create(storage, &options).map(drop)
}

pub fn open(storage: Arc<dyn Storage>, key: u8, cache: Option<PathBuf>) -> Result<Repository> {
    Repository::open(storage, OpenOptions { credential: Some(credential(key)), cache_root: cache, ..OpenOptions::default() })
}

/// A disk with a repository whose packs are small.
pub fn new_disk() -> MemoryStorage {
    let disk = MemoryStorage::new();
    create(&disk).unwrap();
    let repository = open(Arc::new(disk.clone()), 0, None).unwrap();
    let settings = Settings { pack_bytes: PACK_BYTES, ..repository.facts().settings().clone() };
    repository.publish_record(SETTINGS, wire::encode(&settings), Timestamp::new(1, 0)).unwrap();
    disk
}

pub fn snapshot_request(source: &Source, kind: Kind) -> snapshot::Request {
    let path = source.path().as_os_str().as_encoded_bytes().to_vec();
    snapshot::Request { clock: later, kind, ..snapshot::Request::new(vec![path], "host", "user") }
}

/// Takes a snapshot and gives its id.
pub fn take_snapshot(repository: &Repository, source: &Source) -> Result<SnapshotId> {
    let outcome = snapshot::run(repository, &snapshot_request(source, Kind::Incremental), &Silent)?;
    outcome.id.ok_or_else(|| Error::damaged("the snapshot", "it has no id"))
}

/// The files that a snapshot would restore, every chunk of them read and verified.
pub fn contents(repository: &Repository, id: SnapshotId, root: &Path) -> Result<Files> {
    let manifest = repository.objects().read_manifest(&id)?;
    let reader = repository.reader()?;
    let mut walk = SnapshotView::new(&reader, &manifest).walk();
    let mut files = Files::new();
    while let Some(step) = walk.next_step()? {
        let Step::Entry(node) = step else { continue };
        let Content::File(bytes, list) = &node.content else { continue };
        let mut plain = Vec::new();
        visit_content(&reader, list, &mut |piece: Piece| {
            match piece {
                Piece::Chunk { id, .. } => plain.extend_from_slice(&reader.data_chunk(&id)?),
                Piece::Hole(range) => plain.resize(range.end as usize, 0),
            }
            Ok(())
        })?;
        let path = String::from_utf8_lossy(walk.path()).into_owned();
        let Some(name) = path.strip_prefix(root.to_str().unwrap()) else {
            return Err(Error::damaged(path, "it lies beside the source"));
        };
        if plain.len() as u64 != *bytes {
            return Err(Error::damaged(name, "its length is not what its node says"));
        }
        files.insert(name.trim_start_matches('/').to_owned(), plain.into());
    }
    Ok(files)
}

/// What the snapshots of a repository must hold.
#[derive(Clone, Default)]
pub struct Expected {
    /// Every snapshot that was ever seen.
    pub known: BTreeMap<SnapshotId, Files>,
    /// Those that were reported as saved and that nobody asked to remove.
    pub stay: BTreeSet<SnapshotId>,
}

impl Expected {
    pub fn add(&mut self, id: SnapshotId, source: &Source) {
        self.known.insert(id, source.files().clone());
        self.stay.insert(id);
    }

    /// What stays is there, and everything that is there is whole. A snapshot that was never reported
    /// may be there; then it holds what the source holds. Says how many were compared.
    pub fn check_whole(&mut self, repository: &Repository, source: &Source) -> Verdict<usize> {
        let listed = repository.objects().list_snapshots().map_err(failed("list the snapshots"))?;
        if let Some(lost) = self.stay.iter().find(|id| !listed.contains(id)) {
            return Err(format!("snapshot {lost} was reported as saved and is gone"));
        }
        let catalogued = repository.catalogued().map_err(failed("list by the catalog"))?;
        if !catalogued.skipped.snapshots.is_empty() || !catalogued.skipped.records.is_empty() {
            return Err("a manifest or record cannot be read".to_owned());
        }
        for id in &listed {
            let files = contents(repository, *id, source.path()).map_err(failed(&format!("read snapshot {id}")))?;
            let known = self.known.entry(*id).or_insert_with(|| source.files().clone());
            if files != *known {
                let differs = |(name, content): &(&String, &Arc<[u8]>)| known.get(*name) != Some(content);
                return Err(format!("snapshot {id} differs, first at {:?}", files.iter().find(differs).map(|(name, _)| name)));
            }
        }
        Ok(listed.len())
    }
}

/// A check of everything finds no damage.
pub fn check_all(repository: &Repository) -> Verdict {
    let request = check::Request { data: check::Data::All, clock: || Timestamp::new(1, 0) };
    let outcome = check::run(repository, &request, &Silent).map_err(failed("check"))?;
    if outcome.is_damaged() { Err(format!("check finds damage: {:?} {:?}", outcome.damaged, outcome.affected)) } else { Ok(()) }
}

/// Removes snapshots and frees what nothing needs.
pub fn run_prune(repository: &Repository, remove: Vec<SnapshotId>) -> Result<prune::Outcome> {
    prune::run(repository, &prune::Request { remove, clock: later, ..prune::Request::default() }, &Silent)
}

/// A repair finds nothing lost.
pub fn repair_all(repository: Repository) -> Verdict {
    let request = repair::Request { dry_run: false, clock: || Timestamp::new(3, 0) };
    let outcome = repair::run(&repository, &request, &Silent).map_err(failed("repair"))?;
    if outcome.has_loss() { Err(format!("repair finds loss: {outcome:?}")) } else { Ok(()) }
}
