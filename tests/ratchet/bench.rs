//! The repository that everything is done to: snapshots of a small source that changed, two keys, marks,
//! and what a run left that died before its commit.

use std::collections::BTreeSet;
use std::sync::Arc;

use strongroom::crypto::Argon2Cost;
use strongroom::error::{ErrorKind, Result};
use strongroom::id::SnapshotId;
use strongroom::keys::{self, NewKey};
use strongroom::manifest::{Kind, PIN, Pin, TAG, TagChange};
use strongroom::pack::PackKind;
use strongroom::progress::Silent;
use strongroom::repository::{Repository, pack_name};
use strongroom::snapshot;
use strongroom::storage::faults::{Faults, Lasts};
use strongroom::storage::{MemoryStorage, Storage};
use strongroom::units::Timestamp;
use strongroom::wire;

use crate::crash::source::{Source, database, noise};
use crate::crash::world::{credential, new_disk, open, run_prune, snapshot_request};

pub const CHEAP: Argon2Cost = Argon2Cost { memory_kib: 64, passes: 1, lanes: 1 };

/// What commands start from.
pub struct Bench {
    pub disk: MemoryStorage,
    pub source: Source,
    /// Oldest first.
    pub snapshots: Vec<SnapshotId>,
    /// Those that a prune by rules, or a forget, is asked to remove.
    pub remove: Vec<SnapshotId>,
    /// Those that are pinned.
    pub pinned: Vec<SnapshotId>,
}

/// A key slot and its twin for the key number `key`, published.
pub fn add_key(repository: &Repository, key: u8) -> Result<()> {
    keys::run(repository, &change_of_keys(keys::Change::Add(new_key(key))), &Silent).map(drop)
}

/// Lets the key number 1 open in place of the one in use.
pub fn change_key(repository: &Repository) -> Result<()> {
    keys::run(repository, &change_of_keys(keys::Change::Replace { old: credential(0), new: new_key(1) }), &Silent).map(drop)
}

pub fn change_of_keys(change: keys::Change) -> keys::Request {
    keys::Request { change, clock: || Timestamp::new(2, 0) }
}

fn new_key(key: u8) -> NewKey {
    NewKey { credential: credential(key), label: None, cost: CHEAP }
}

/// A day of the source: some files change, one comes, one goes, most stay. Where folders `stay`, some do
/// as well; else each has a file that changes, so that no page of a tree is shared by two days.
pub fn write_day(source: &mut Source, day: usize, stay: bool) {
    if day == 0 {
        source.write("same/deep/a", noise("same a", 900));
        source.write("same/deep/b", b"same b ".repeat(30));
        source.write("same/empty", Vec::new());
    }
    source.write("changes/text", format!("day {day} ").repeat(40).into_bytes());
    let mut pages = database("pages", 30_000);
    pages[8192..16384].copy_from_slice(&noise(&format!("page of day {day}"), 8192));
    source.write("changes/pages", pages);
    source.write(&format!("day-{day}/new"), noise(&format!("day {day}"), 700));
    if !stay {
        source.write("same/deep/changes", format!("day {day}").into_bytes());
        source.write("same/changes", format!("day {day}").into_bytes());
    }
    // Late enough that a run after two days still meets the first folder: it stores again what was lost of that.
    if day > 2 {
        source.remove(&format!("day-{}/new", day - 3));
    }
}

impl Bench {
    /// So many snapshots, of the kinds in turn, and a day of changes since.
    pub fn new(days: usize, folders_stay: bool) -> Self {
        let (disk, mut source, mut snapshots) = (new_disk(), Source::new(), Vec::new());
        let repository = open(Arc::new(disk.clone()), 0, None).unwrap();
        for day in 0..days {
            write_day(&mut source, day, folders_stay);
            let kind = [Kind::Full, Kind::Incremental, Kind::Differential][day % 3];
            // The program itself, which has no other clock, goes on with them.
            let mut request = snapshot::Request { clock: Timestamp::now, ..snapshot_request(&source, kind) };
            if day == 0 && !folders_stay {
                // Of a file alone, so that what others need of it lies beside no page that they need.
                request.paths = vec![source.path().join("same/deep/a").into_os_string().into_encoded_bytes()];
            }
            let outcome = snapshot::run(&repository, &request, &Silent).unwrap();
            snapshots.extend(outcome.id);
        }
        write_day(&mut source, days, folders_stay);
        Self { disk, source, remove: snapshots[..days / 2].to_vec(), snapshots, pinned: Vec::new() }
    }

    /// The names of the packs of content that the index names.
    pub fn content_packs(&self) -> BTreeSet<String> {
        let index = open(Arc::new(self.disk.clone()), 0, None).unwrap().chunks().open_index().unwrap();
        let of_content = index.packs().into_iter().filter(|(_, kind, _)| *kind == PackKind::Data);
        of_content.map(|(id, ..)| pack_name(&id)).collect()
    }

    /// As it is after a prune that removed the first of five snapshots and wrote packs again.
    pub fn pruned() -> Self {
        let bench = Self::new(5, false);
        let repository = open(Arc::new(bench.disk.clone()), 0, None).unwrap();
        run_prune(&repository, bench.snapshots[..2].to_vec()).unwrap();
        let snapshots = bench.snapshots[2..].to_vec();
        Self { remove: snapshots[..1].to_vec(), snapshots, ..bench }
    }

    /// With a second key, marks of every kind, and packs that no segment names.
    pub fn with_company(mut self) -> Self {
        let repository = open(Arc::new(self.disk.clone()), 0, None).unwrap();
        add_key(&repository, 1).unwrap();
        let last = *self.snapshots.last().unwrap();
        let tag = TagChange { snapshot: last, added: vec!["tag".to_owned()], removed: vec![] };
        let pin = Pin { snapshot: last, is_pinned: true };
        repository.publish_pairs(vec![(TAG, wire::encode(&tag)), (PIN, wire::encode(&pin))], Timestamp::new(2, 0)).unwrap();
        self.pinned.push(last);
        self.leave_orphans();
        self
    }

    /// Another run dies as late as it leaves packs that no segment names.
    fn leave_orphans(&self) {
        let mut other = Source::new();
        other.write("other/file", noise("other", 3000));
        let count = |disk: &MemoryStorage, folder: &str| disk.list(folder).unwrap().len();
        for call in (1..40).rev() {
            let disk = self.disk.image();
            let faults = Arc::new(Faults::new(disk.clone()));
            let doomed = open(Arc::clone(&faults) as _, 0, None).unwrap();
            faults.fail_writing_call(call, ErrorKind::Other, Lasts::Forever);
            let has_died = snapshot::run(&doomed, &snapshot_request(&other, Kind::Full), &Silent).is_err();
            if has_died && count(&disk, "index") == count(&self.disk, "index") && count(&disk, "packs") > count(&self.disk, "packs") {
                for pack in disk.list("packs").unwrap() {
                    let bytes = disk.read(&pack.name, u64::MAX).unwrap();
                    super::damage::put(&self.disk, &pack.name, &bytes);
                }
                return;
            }
        }
        panic!("no run leaves packs behind");
    }
}
