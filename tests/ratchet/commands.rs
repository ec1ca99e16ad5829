//! The commands that write, and those that only read, as the command line runs them: each a line of
//! [`ALL`]. Some are two or three in a row, because what the first made of damage misleads the second.

use std::sync::Arc;

use strongroom::annotate::{self, Annotation, Tagging};
use strongroom::check;
use strongroom::crypto::Algorithm;
use strongroom::error::{Error, ErrorKind, Result};
use strongroom::id::SnapshotId;
use strongroom::keys;
use strongroom::manifest::Kind;
use strongroom::progress::Silent;
use strongroom::prune;
use strongroom::repair;
use strongroom::repository::{CreateOptions, Description, Repository, create};
use strongroom::restore::{self, What};
use strongroom::snapshot;
use strongroom::storage::Storage;
use strongroom::units::Timestamp;

use super::bench::{Bench, CHEAP, add_key, change_key};
use super::restorable::open_any;
use crate::crash::world::{credential, later, snapshot_request};

/// What a command may do to snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It only reads: not a byte of the repository changes.
    None,
    /// It writes, and all that restores goes on to.
    Keeps,
    /// It was asked to remove what the bench wants removed.
    Removes,
}

type Run = fn(&Bench, Arc<dyn Storage>) -> Result<Option<SnapshotId>>;

/// A command.
pub struct Command {
    pub name: &'static str,
    /// Does it; gives the snapshot that it reports.
    pub run: Run,
    pub effect: Effect,
    /// It begins with a repair, which reads all data.
    pub repairs_first: bool,
}

/// As `str::starts_with`, which no constant may call.
const fn begins_with_repair(name: &str) -> bool {
    matches!(name.as_bytes(), [b'r', b'e', b'p', b'a', b'i', b'r', ..])
}

const fn reads(name: &'static str, run: Run) -> Command {
    Command { name, run, effect: Effect::None, repairs_first: begins_with_repair(name) }
}

const fn keeps(name: &'static str, run: Run) -> Command {
    Command { name, run, effect: Effect::Keeps, repairs_first: begins_with_repair(name) }
}

const fn removes(name: &'static str, run: Run) -> Command {
    Command { name, run, effect: Effect::Removes, repairs_first: begins_with_repair(name) }
}

pub const ALL: [Command; 31] = [
    keeps("init", |_, storage| init(&*storage).map(|()| None)),
    keeps("snapshot --init", |bench, storage| {
        if Description::read(&*storage).is_err_and(|error| error.kind() == ErrorKind::NoRepository) {
            init(&*storage)?;
        }
        save(bench, storage, Kind::Incremental)
    }),
    keeps("snapshot", |bench, storage| save(bench, storage, Kind::Incremental)),
    keeps("snapshot --kind full", |bench, storage| save(bench, storage, Kind::Full)),
    keeps("snapshot --kind differential", |bench, storage| save(bench, storage, Kind::Differential)),
    keeps("snapshot with checkpoints and a pin", |bench, storage| {
        let request = snapshot_request(&bench.source, Kind::Incremental);
        let request = snapshot::Request { checkpoint_chunks: Some(2), pin: true, ..request };
        Ok(snapshot::run(&open_any(storage)?, &request, &Silent)?.id)
    }),
    keeps("prune", |_, storage| run_prune(&open_any(storage)?, vec![]).map(|()| None)),
    removes("prune by rules", |bench, storage| run_prune(&open_any(storage)?, bench.remove.clone()).map(|()| None)),
    reads("prune -n", |bench, storage| {
        let request = prune::Request { remove: bench.remove.clone(), clock: later, ..prune::Request::default() };
        let repository = open_any(storage)?;
        prune::foresee(&repository, &prune::plan(&repository, &request, &Silent)?, &Silent).map(|_| None)
    }),
    keeps("forget", |bench, storage| forget(bench, open_any(storage)?).map(|_| None)),
    keeps("tag", |bench, storage| {
        let tagging = Tagging { add: vec!["new".to_owned()], pinned: Some(true), ..Tagging::default() };
        annotate(&open_any(storage)?, Annotation::Tag { snapshots: bench.snapshots[..1].to_vec(), tagging }).map(|()| None)
    }),
    keeps("settings protect", |_, storage| annotate(&open_any(storage)?, Annotation::Protect { seconds: 60 }).map(|()| None)),
    keeps("repair", |_, storage| mend(storage, false).map(|()| None)),
    reads("repair -n", |_, storage| mend(storage, true).map(|()| None)),
    reads("check --read-data", |_, storage| {
        let request = check::Request { data: check::Data::All, clock: || Timestamp::new(5, 0) };
        check::run(&open_any(storage)?, &request, &Silent).map(|_| None)
    }),
    keeps("key add", |_, storage| add_key(&open_any(storage)?, 2).map(|()| None)),
    keeps("key remove", |_, storage| remove_other_key(&open_any(storage)?).map(|()| None)),
    keeps("key change", |_, storage| change_key(&open_any(storage)?).map(|()| None)),
    reads("restore", |_, storage| restore_newest(&open_any(storage)?).map(|()| None)),
    keeps("repair, prune", |_, storage| {
        mend(Arc::clone(&storage), false)?;
        run_prune(&open_any(storage)?, vec![]).map(|()| None)
    }),
    removes("repair, prune by rules", |bench, storage| {
        mend(Arc::clone(&storage), false)?;
        run_prune(&open_any(storage)?, bench.remove.clone()).map(|()| None)
    }),
    keeps("repair, snapshot", |bench, storage| {
        mend(Arc::clone(&storage), false)?;
        save(bench, storage, Kind::Incremental)
    }),
    keeps("repair, snapshot, prune", |bench, storage| {
        mend(Arc::clone(&storage), false)?;
        let id = save(bench, Arc::clone(&storage), Kind::Incremental)?;
        run_prune(&open_any(storage)?, vec![])?;
        Ok(id)
    }),
    removes("snapshot, prune by rules", |bench, storage| {
        let id = save(bench, Arc::clone(&storage), Kind::Incremental)?;
        run_prune(&open_any(storage)?, bench.remove.clone())?;
        Ok(id)
    }),
    keeps("snapshot --kind full, repair", |bench, storage| {
        let id = save(bench, Arc::clone(&storage), Kind::Full)?;
        mend(storage, false)?;
        Ok(id)
    }),
    removes("forget, prune of what is forgotten", |bench, storage| {
        let repository = forget(bench, open_any(storage)?)?;
        let forgotten = repository.catalogued()?.marks.forgotten().collect();
        run_prune(&repository, forgotten).map(|()| None)
    }),
    keeps("repair, prune, snapshot", |bench, storage| {
        mend(Arc::clone(&storage), false)?;
        run_prune(&open_any(Arc::clone(&storage))?, vec![])?;
        save(bench, storage, Kind::Incremental)
    }),
    keeps("prune of what is pinned", |bench, storage| run_prune(&open_any(storage)?, bench.pinned.clone()).map(|()| None)),
    keeps("repair, prune of what is pinned", |bench, storage| {
        mend(Arc::clone(&storage), false)?;
        run_prune(&open_any(storage)?, bench.pinned.clone()).map(|()| None)
    }),
    keeps("repair, prune, prune of what is pinned", |bench, storage| {
        mend(Arc::clone(&storage), false)?;
        run_prune(&open_any(Arc::clone(&storage))?, vec![])?;
        run_prune(&open_any(storage)?, bench.pinned.clone()).map(|()| None)
    }),
    keeps("repair, repair", |_, storage| {
        mend(Arc::clone(&storage), false)?;
        mend(storage, false).map(|()| None)
    }),
];

fn init(storage: &dyn Storage) -> Result<()> {
    let options =
        CreateOptions { algorithm: Algorithm::Aes256Gcm, credential: Some(credential(0)), cost: CHEAP, now: Timestamp::new(1, 0) };
    create(storage, &options).map(drop)
}

fn save(bench: &Bench, storage: Arc<dyn Storage>, kind: Kind) -> Result<Option<SnapshotId>> {
    Ok(snapshot::run(&open_any(storage)?, &snapshot_request(&bench.source, kind), &Silent)?.id)
}

fn run_prune(repository: &Repository, remove: Vec<SnapshotId>) -> Result<()> {
    prune::run(repository, &prune::Request { remove, clock: later, ..prune::Request::default() }, &Silent).map(drop)
}

/// Makes `repository.json` again where it must, and repairs.
fn mend(storage: Arc<dyn Storage>, dry_run: bool) -> Result<()> {
    if !dry_run {
        repair::restore_description(&*storage, false, &mut |_| Ok(Some(credential(0))))?;
    }
    repair::run(&open_any(storage)?, &repair::Request { dry_run, clock: || Timestamp::new(5, 0) }, &Silent).map(drop)
}

fn forget(bench: &Bench, repository: Repository) -> Result<Repository> {
    annotate(&repository, Annotation::Forget { snapshots: bench.remove.clone(), accept_rollback: false })?;
    repository.read_again()
}

fn annotate(repository: &Repository, annotation: Annotation) -> Result<()> {
    annotate::run(repository, &annotate::Request { annotation, clock: later }, &Silent).map(drop)
}

fn remove_other_key(repository: &Repository) -> Result<()> {
    let keys = keys::list(repository)?;
    let other = keys.iter().find(|key| !repository.is_in_use(key)).ok_or_else(|| Error::new(ErrorKind::NotFound, "no other key"))?;
    keys::run(repository, &super::bench::change_of_keys(keys::Change::Remove(other.id().to_string())), &Silent).map(drop)
}

fn restore_newest(repository: &Repository) -> Result<()> {
    let reader = repository.reader()?;
    let catalogued = repository.catalogued()?;
    let Some(newest) = catalogued.listing.summaries().last() else { return Ok(()) };
    // In memory where that can be had: a restore waits for its disk.
    let folder =
        tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).map_err(|error| Error::io("cannot make", "a folder", error))?;
    let request = restore::Request::new(What::Everything, folder.path().as_os_str().as_encoded_bytes().to_vec());
    let manifest = repository.objects().read_manifest(&newest.id)?;
    restore::run(&restore::Snapshot { reader: &reader, manifest: &manifest }, &request, &Silent).map(drop)
}
