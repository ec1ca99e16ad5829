//! The verbs that write, each with the disk that it starts from and with what is true once it has
//! said that it is done. A new verb is a new line of [`ALL`].

use std::sync::Arc;

use strongroom::annotate::{self, Annotation, Tagging};
use strongroom::crypto::Argon2Cost;
use strongroom::error::{Error, ErrorKind, Result};
use strongroom::id::SnapshotId;
use strongroom::keys::{self, NewKey};
use strongroom::manifest::Kind;
use strongroom::progress::Silent;
use strongroom::repository::{Repository, pack_name};
use strongroom::snapshot;
use strongroom::storage::faults::{Faults, Lasts};
use strongroom::storage::{MemoryStorage, Storage};
use strongroom::units::Timestamp;

use super::source::{Source, database, noise};
use super::world::{Expected, create, credential, later, new_disk, open, repair_all, run_prune, snapshot_request, take_snapshot};

/// What a verb starts from.
pub struct Start {
    pub disk: MemoryStorage,
    pub source: Source,
    pub expected: Expected,
    /// Snapshots, oldest first.
    pub snapshots: Vec<SnapshotId>,
    /// Those that the verb, or the prune after it, removes.
    pub remove: Vec<SnapshotId>,
}

/// A verb that writes.
pub struct Verb {
    pub name: &'static str,
    pub start: fn() -> Start,
    /// Does it; gives the snapshot that it reports.
    pub run: fn(&Start, Arc<dyn Storage>) -> Result<Option<SnapshotId>>,
    /// Whether what it reported as done is done.
    pub is_done: fn(&Start, &Repository) -> bool,
    /// It makes at least so many writing calls; fewer, and the schedules test nothing.
    pub calls_min: u64,
    /// Snapshots are not whole at its start, and are after a repair.
    pub needs_repair: bool,
}

pub const ALL: [Verb; 13] =
    [INIT, FIRST, NEXT, CHECKPOINTS, PRUNE, FORGET, TAGGING, PINNING, KEY_ADD, KEY_REMOVE, KEY_CHANGE, REPAIR, REPAIR_INDEX];

const INIT: Verb = Verb {
    name: "init",
    start: || Start {
        disk: MemoryStorage::new(),
        source: small_source(),
        expected: Expected::default(),
        snapshots: vec![],
        remove: vec![],
    },
    run: |_, storage| create(&*storage).map(|()| None),
    is_done: |_, _| true,
    calls_min: 270,
    needs_repair: false,
};

pub const FIRST: Verb = Verb {
    name: "first snapshot",
    start: || {
        let mut start =
            Start { disk: new_disk(), source: small_source(), expected: Expected::default(), snapshots: vec![], remove: vec![] };
        start.source.write("database", database("first", 400_000));
        start
    },
    run: |start, storage| take_snapshot(&reopen(storage)?, &start.source).map(Some),
    is_done: |_, repository| repository.objects().list_snapshots().is_ok_and(|listed| !listed.is_empty()),
    calls_min: 20,
    needs_repair: false,
};

pub const NEXT: Verb = Verb {
    name: "next snapshot, after an interrupted one",
    start: || {
        let mut start = age(3, true);
        start.source.write("more", database("more", 270_000));
        start
    },
    calls_min: 15,
    ..FIRST
};

const CHECKPOINTS: Verb = Verb {
    name: "snapshot with checkpoints",
    start: || {
        let mut start = age(2, false);
        for n in 0..4 {
            start.source.write(&format!("batch-{n}/database"), database(&format!("batch {n}"), 90_000));
        }
        start
    },
    run: |start, storage| {
        let request = snapshot_request(&start.source, Kind::Differential);
        Ok(snapshot::run(&reopen(storage)?, &snapshot::Request { checkpoint_chunks: Some(4), ..request }, &Silent)?.id)
    },
    is_done: |start, repository| repository.objects().list_snapshots().is_ok_and(|listed| listed.len() > start.snapshots.len()),
    calls_min: 30,
    needs_repair: false,
};

pub const PRUNE: Verb = Verb {
    name: "prune",
    start: || {
        let mut start = age(4, true);
        start.remove = start.snapshots[..2].to_vec();
        start.expected.stay = start.snapshots[2..].iter().copied().collect();
        start
    },
    run: |start, storage| run_prune(&reopen(storage)?, start.remove.clone()).map(|_| None),
    is_done: |start, repository| {
        repository.objects().list_snapshots().is_ok_and(|listed| start.remove.iter().all(|id| !listed.contains(id)))
    },
    calls_min: 20,
    needs_repair: false,
};

pub const FORGET: Verb = Verb {
    name: "forget",
    start: || {
        let mut start = age(3, false);
        start.remove = start.snapshots[..2].to_vec();
        start.expected.stay = start.snapshots[2..].iter().copied().collect();
        start
    },
    run: |start, storage| annotate(storage, Annotation::Forget { snapshots: start.remove.clone(), accept_rollback: false }),
    is_done: |start, repository| start.remove.iter().all(|id| repository.facts().marks().is_forgotten(id)),
    calls_min: 8,
    needs_repair: false,
};

const TAGGING: Verb = Verb {
    name: "tag",
    start: || age(2, false),
    run: |start, storage| {
        let tagging = Tagging { add: vec!["new".to_owned()], ..Tagging::default() };
        annotate(storage, Annotation::Tag { snapshots: start.snapshots[..1].to_vec(), tagging })
    },
    is_done: |start, repository| repository.facts().marks().tags(&start.snapshots[0], vec![]) == ["new"],
    calls_min: 4,
    needs_repair: false,
};

const PINNING: Verb = Verb {
    name: "pin",
    run: |start, storage| {
        let tagging = Tagging { pinned: Some(true), ..Tagging::default() };
        annotate(storage, Annotation::Tag { snapshots: start.snapshots[..1].to_vec(), tagging })
    },
    is_done: |start, repository| repository.facts().marks().is_pinned(&start.snapshots[0]),
    ..TAGGING
};

pub const KEY_ADD: Verb = Verb {
    name: "key add",
    start: || age(1, false),
    run: |_, storage| add_key(&reopen(storage)?, 1).map(|()| None),
    is_done: |_, repository| opens(repository, 1) && opens(repository, 0),
    calls_min: 4,
    needs_repair: false,
};

pub const KEY_REMOVE: Verb = Verb {
    name: "key remove",
    start: || {
        let start = age(1, false);
        add_key(&open(Arc::new(start.disk.clone()), 0, None).unwrap(), 1).unwrap();
        start
    },
    run: |_, storage| {
        let repository = open(storage, 1, None)?;
        let keys = keys::list(&repository)?;
        let other = keys.iter().find(|key| !repository.is_in_use(key)).ok_or_else(|| Error::new(ErrorKind::NotFound, "no other key"))?;
        keys::run(&repository, &change_of_keys(keys::Change::Remove(other.id().to_string())), &Silent).map(|_| None)
    },
    is_done: |_, repository| opens(repository, 1) && !opens(repository, 0),
    calls_min: 2,
    needs_repair: false,
};

const KEY_CHANGE: Verb = Verb {
    name: "key change",
    start: || age(1, false),
    run: |_, storage| {
        keys::run(&reopen(storage)?, &change_of_keys(keys::Change::Replace { old: credential(0), new: new_key(1) }), &Silent).map(|_| None)
    },
    is_done: |_, repository| opens(repository, 1) && !opens(repository, 0),
    calls_min: 5,
    needs_repair: false,
};

/// Packs that no segment names, one of them damaged, are to be named or set aside.
const REPAIR: Verb = Verb {
    name: "repair",
    start: || {
        let start = age(3, true);
        let repository = open(Arc::new(start.disk.clone()), 0, None).unwrap();
        let named: Vec<String> = repository.chunks().open_index().unwrap().packs().iter().map(|(id, ..)| pack_name(id)).collect();
        let orphan = start.disk.list("packs").unwrap().into_iter().find(|listed| !named.contains(&listed.name)).unwrap();
        damage(&start.disk, &orphan.name);
        start
    },
    run: |_, storage| repair_all(reopen(storage)?).map(|()| None).map_err(|problem| Error::new(ErrorKind::Other, problem)),
    is_done: |_, repository| repository.storage().list("damaged/packs").is_ok_and(|listed| listed.len() == 1),
    calls_min: 3,
    needs_repair: false,
};

/// One segment of the index is damaged and another is gone.
const REPAIR_INDEX: Verb = Verb {
    name: "repair of the index",
    start: || {
        let start = age(4, true);
        let segments = start.disk.list("index").unwrap();
        damage(&start.disk, &segments[0].name);
        start.disk.remove(&segments[1].name).unwrap();
        start.disk.sync(&["index".to_owned()]).unwrap();
        start
    },
    is_done: |_, repository| repository.chunks().open_index().is_ok(),
    calls_min: 6,
    needs_repair: true,
    ..REPAIR
};

/// Changes a byte of an object, durably.
fn damage(disk: &MemoryStorage, name: &str) {
    let mut bytes = disk.read(name, u64::MAX).unwrap();
    bytes[40] = !bytes[40];
    disk.remove(name).unwrap();
    let (area, _) = name.split_once('/').unwrap();
    let mut upload = disk.create(area).unwrap();
    upload.write(&bytes).unwrap();
    upload.publish(name).unwrap();
    disk.sync(&[name.rsplit_once('/').unwrap().0.to_owned()]).unwrap();
}

fn reopen(storage: Arc<dyn Storage>) -> Result<Repository> {
    open(storage, 0, None)
}

/// Opens with whichever key there is.
pub fn open_any(storage: Arc<dyn Storage>) -> Result<Repository> {
    match open(Arc::clone(&storage), 0, None) {
        Err(error) if error.kind() == ErrorKind::WrongKey => open(storage, 1, None),
        opened => opened,
    }
}

fn opens(repository: &Repository, key: u8) -> bool {
    open(Arc::clone(repository.storage()), key, None).is_ok()
}

fn annotate(storage: Arc<dyn Storage>, annotation: Annotation) -> Result<Option<SnapshotId>> {
    annotate::run(&reopen(storage)?, &annotate::Request { annotation, clock: later }, &Silent).map(|_| None)
}

fn add_key(repository: &Repository, key: u8) -> Result<()> {
    keys::run(repository, &change_of_keys(keys::Change::Add(new_key(key))), &Silent).map(drop)
}

fn change_of_keys(change: keys::Change) -> keys::Request {
    keys::Request { change, clock: || Timestamp::new(2, 0) }
}

fn new_key(key: u8) -> NewKey {
    NewKey { credential: credential(key), label: None, cost: Argon2Cost { memory_kib: 64, passes: 1, lanes: 1 } }
}

fn small_source() -> Source {
    let mut source = Source::new();
    for n in 0..4 {
        source.write(&format!("small/{n}"), format!("small {n} ").repeat(n + 1).into_bytes());
    }
    source
}

/// Days of a source that grows, changes and shrinks, with a snapshot of each and changes since the
/// last; and, `with_orphans`, what a run has left that died before its commit.
fn age(days: usize, with_orphans: bool) -> Start {
    let mut start = Start { disk: new_disk(), source: small_source(), expected: Expected::default(), snapshots: vec![], remove: vec![] };
    let repository = open(Arc::new(start.disk.clone()), 0, None).unwrap();
    for day in 0..=days {
        start.source.write("changes", database(&format!("changes {day}"), 200_000));
        let mut mostly = database("mostly", 80_000);
        mostly[16_384..].copy_from_slice(&noise(&format!("mostly {day}"), 80_016 - 16_384));
        start.source.write("mostly", mostly);
        start.source.write(&format!("grows/{day}"), noise(&format!("grows {day}"), 20_000));
        start.source.write(&format!("small/{}", day % 4), format!("day {day} ").repeat(20).into_bytes());
        if day > 1 {
            start.source.remove(&format!("grows/{}", day - 2));
        }
        if day < days {
            let id = take_snapshot(&repository, &start.source).unwrap();
            start.expected.add(id, &start.source);
            start.snapshots.push(id);
        }
    }
    if with_orphans { with_orphan_packs(start) } else { start }
}

/// The same after another run was killed: as late as it leaves packs that no segment names.
fn with_orphan_packs(start: Start) -> Start {
    let count = |disk: &MemoryStorage, folder: &str| disk.list(folder).unwrap().len();
    for call in (1..60).rev() {
        let disk = start.disk.image();
        let faults = Arc::new(Faults::new(disk.clone()));
        let doomed = open(Arc::clone(&faults) as _, 0, None).unwrap();
        faults.fail_writing_call(call, ErrorKind::Other, Lasts::Forever);
        let request = snapshot::Request { series: Some("doomed".to_owned()), ..snapshot_request(&start.source, Kind::Full) };
        let has_died = snapshot::run(&doomed, &request, &Silent).is_err();
        if has_died && count(&disk, "index") == count(&start.disk, "index") && count(&disk, "packs") > count(&start.disk, "packs") {
            return Start { disk, ..start };
        }
    }
    panic!("no run leaves packs behind");
}
