//! What several programs start from, and the verbs that they run.

use std::collections::BTreeSet;
use std::sync::Arc;

use strongroom::annotate::{Annotation, Annotator};
use strongroom::check;
use strongroom::crypto::Algorithm;
use strongroom::error::{ErrorKind, Result};
use strongroom::id::{ChunkId, SegmentId, SnapshotId};
use strongroom::manifest::{Content, Kind};
use strongroom::pack::PackKind;
use strongroom::progress::Silent;
use strongroom::repair;
use strongroom::repository::{CreateOptions, Description, Repository, create, pack_name};
use strongroom::snapshot;
use strongroom::storage::{MemoryStorage, Storage};
use strongroom::units::Timestamp;

use crate::crash::source::Source;
use crate::crash::world::{credential, open, run_prune, snapshot_request};
use crate::ratchet::bench::{Bench, CHEAP, change_key, write_day};
use crate::ratchet::damage::put;
use crate::ratchet::restorable::{Restorable, open_any};

/// What programs start from.
pub struct Scene {
    pub name: &'static str,
    pub bench: Bench,
    /// All that restores.
    pub before: Restorable,
    /// What a check finds before anybody works.
    pub found: Found,
    /// A pack that was lost, with what restores where it is back.
    pub lost: Option<Lost>,
}

/// A pack that was lost and may be found again.
pub struct Lost {
    name: String,
    bytes: Vec<u8>,
    /// What restored when it was there.
    pub before: Restorable,
}

impl Lost {
    /// The disk as it is when the pack is put back.
    pub fn put_back(&self, disk: &MemoryStorage) -> MemoryStorage {
        let disk = disk.image();
        put(&disk, &self.name, &self.bytes);
        disk
    }
}

/// What a check finds: names of damaged objects, and paths with the snapshot in which they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found(BTreeSet<String>);

impl Found {
    pub fn of(storage: Arc<dyn Storage>) -> Result<Self> {
        let request = check::Request { data: check::Data::None, clock: || Timestamp::new(9, 0) };
        let outcome = check::run(&open_any(storage)?, &request, &Silent)?;
        let paths = outcome.affected.iter().flat_map(|affected| affected.snapshots.iter().map(|id| format!("{id} {:?}", affected.path)));
        Ok(Self(outcome.damaged.iter().map(|object| object.name.clone()).chain(paths).collect()))
    }

    /// The first that is found here and was not there.
    pub fn beyond<'f>(&'f self, before: &'f Self) -> Option<&'f str> {
        self.0.difference(&before.0).next().map(String::as_str)
    }

    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }
}

impl Scene {
    fn new(name: &'static str, bench: Bench) -> Self {
        let disk = bench.disk.image();
        let found = Found::of(Arc::new(disk.clone())).unwrap_or_default();
        Self { name, before: Restorable::of(Arc::new(disk)), found, bench, lost: None }
    }

    /// A whole repository.
    pub fn whole() -> Self {
        Self::new("whole", Bench::new(2, true))
    }

    /// The oldest pack of `kind`, of which newer snapshots have need, was lost, and a repair has recorded what
    /// is absent.
    pub fn absent(name: &'static str, kind: PackKind) -> Self {
        let bench = Bench::new(2, true);
        let repository = open(Arc::new(bench.disk.clone()), 0, None).unwrap();
        let segment = segment_with_trees(&repository, &bench.snapshots[0], true);
        let segment = repository.objects().read_segment(segment).unwrap();
        let lost = segment.packs.iter().find(|pack| pack.kind == kind).unwrap();
        let lost = pack_name(&lost.id);
        let whole = Restorable::of(Arc::new(bench.disk.image()));
        let lost = Lost { bytes: bench.disk.read(&lost, u64::MAX).unwrap(), name: lost, before: whole };
        bench.disk.remove(&lost.name).unwrap();
        repair::run(&repository, &repair::Request { dry_run: false, clock: || Timestamp::new(3, 0) }, &Silent).unwrap();
        Self { lost: Some(lost), ..Self::new(name, bench) }
    }

    /// The first index segment is gone.
    pub fn without_a_segment() -> Self {
        let bench = Bench::new(2, false);
        let repository = open(Arc::new(bench.disk.clone()), 0, None).unwrap();
        let segment = segment_with_trees(&repository, &bench.snapshots[1], false);
        bench.disk.remove(&format!("index/{segment}")).unwrap();
        Self::new("without a segment", bench)
    }

    /// Nothing at all.
    pub fn empty() -> Self {
        let mut source = Source::new();
        write_day(&mut source, 0, true);
        Self::new("empty", Bench { disk: MemoryStorage::new(), source, snapshots: vec![], remove: vec![], pinned: vec![] })
    }

    /// The disk as programs find it.
    pub fn disk(&self) -> MemoryStorage {
        self.bench.disk.image()
    }
}

/// The first segment that names packs with the topmost trees of a snapshot, or that names none.
fn segment_with_trees(repository: &Repository, id: &SnapshotId, wanted: bool) -> SegmentId {
    let manifest = repository.objects().read_manifest(id).unwrap();
    let top =
        |page: &ChunkId| manifest.entries.iter().any(|entry| matches!(entry.node.content, Content::Directory(tree) if tree.id == *page));
    let has_trees = |id: &SegmentId| {
        let packs = repository.objects().read_segment(*id).unwrap().packs;
        packs.iter().flat_map(|pack| &pack.frames).flat_map(|frame| &frame.chunks).any(|chunk| top(&chunk.id))
    };
    repository.objects().list_segments().unwrap().into_iter().find(|id| has_trees(id) == wanted).unwrap()
}

/// What a program does; gives the snapshot that it reports.
#[derive(Clone, Copy)]
pub struct Verb {
    pub name: &'static str,
    pub run: fn(&Bench, Arc<dyn Storage>) -> Result<Option<SnapshotId>>,
    /// It removes the snapshots that the bench wants removed.
    pub removes: bool,
}

const fn verb(name: &'static str, run: fn(&Bench, Arc<dyn Storage>) -> Result<Option<SnapshotId>>) -> Verb {
    Verb { name, run, removes: false }
}

pub const SNAPSHOT: Verb = verb("snapshot", |bench, storage| save(bench, storage, Kind::Incremental));

pub const FULL: Verb = verb("full snapshot", |bench, storage| save(bench, storage, Kind::Full));

pub const PRUNE: Verb =
    Verb { removes: true, ..verb("prune", |bench, storage| run_prune(&open_any(storage)?, bench.remove.clone()).map(|_| None)) };

pub const REPAIR: Verb = verb("repair", |_, storage| {
    let request = repair::Request { dry_run: false, clock: || Timestamp::new(6, 0) };
    repair::run(&open_any(storage)?, &request, &Silent).map(|_| None)
});

pub const FORGET: Verb = verb("forget", |bench, storage| {
    let annotator = Annotator::begin(&open_any(storage)?, || Timestamp::new(6, 0), &Silent)?;
    // Another may have removed them meanwhile.
    let there: Vec<SnapshotId> = bench.remove.iter().filter(|id| annotator.catalogued().all.contains(id)).copied().collect();
    annotator.write(&Annotation::Forget { snapshots: there, accept_rollback: false }, &Silent).map(|_| None)
});

pub const KEY_CHANGE: Verb = verb("key change", |_, storage| change_key(&open_any(storage)?).map(|()| None));

/// As `repo snapshot --init` does it.
pub const INIT: Verb = verb("snapshot --init", |bench, storage| {
    if Description::read(&*storage).is_err_and(|error| error.kind() == ErrorKind::NoRepository) {
        let options =
            CreateOptions { algorithm: Algorithm::Aes256Gcm, credential: Some(credential(0)), cost: CHEAP, now: Timestamp::new(1, 0) };
        create(&*storage, &options)?;
    }
    save(bench, storage, Kind::Incremental)
});

fn save(bench: &Bench, storage: Arc<dyn Storage>, kind: Kind) -> Result<Option<SnapshotId>> {
    Ok(snapshot::run(&open_any(storage)?, &snapshot_request(&bench.source, kind), &Silent)?.id)
}
