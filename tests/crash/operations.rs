//! What a user, a disk and bad luck may do to a repository, done to the real thing and to a plain map.
//!
//! The map knows which snapshots must be there and what each holds. All goes through one cache folder,
//! which outlives crashes, is lost now and then, and sees an older state or another copy of the
//! repository in the next moment.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::tz::TimeZone;
use strongroom::error::Result;
use strongroom::id::SnapshotId;
use strongroom::manifest::{Kind, PIN, Pin, TOMBSTONE, Tombstone};
use strongroom::progress::Silent;
use strongroom::repository::Repository;
use strongroom::restore;
use strongroom::retention::{Candidate, KeepPolicy, decide};
use strongroom::snapshot;
use strongroom::storage::MemoryStorage;
use strongroom::storage::Storage;
use strongroom::storage::faults::Faults;
use strongroom::units::Timestamp;
use strongroom::wire;
use tempfile::TempDir;

use super::endings::Ending;
use super::source::{Source, database, noise};
use super::world::{Expected, Verdict, check_all, failed, later, new_disk, run_prune, snapshot_request};

/// One thing that happens.
#[derive(Clone, Debug)]
pub enum Operation {
    /// A file gets this content, of a sort and length that follow from the number.
    Write { file: u8, content: u8 },
    /// A file is removed.
    Remove { file: u8 },
    /// A verb runs; with an ending, it ends at a writing call: so many 256ths of the calls that it made
    /// the last time.
    Run(Action, Option<(u8, Ending)>),
    /// The cache of this machine is lost.
    LoseCache,
    /// The catalog in it is lost.
    LoseCatalog,
    /// The repository is copied to another place.
    Copy,
    /// The copy takes turns with the original.
    Swap,
    /// The repository as it was at the last copying is put back in its place.
    RollBack,
}

/// A verb of the model; which snapshot is meant follows from the number.
#[derive(Clone, Copy, Debug)]
pub enum Action {
    Snapshot(Kind, bool),
    Forget(u8),
    Pin(u8, bool),
    Prune { keep_last: u8 },
    Check,
}

/// A snapshot as the model knows it.
#[derive(Clone)]
struct Line {
    id: SnapshotId,
    kind: Kind,
    base: Option<SnapshotId>,
}

/// One copy of the repository.
#[derive(Clone)]
struct Copied {
    disk: MemoryStorage,
    expected: Expected,
    /// What is there, oldest first.
    lines: Vec<Line>,
    pinned: BTreeSet<SnapshotId>,
    forgotten: BTreeSet<SnapshotId>,
}

/// What a run of operations did, in numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    /// Verbs that ended as they should.
    pub done: u64,
    /// Endings that struck.
    pub struck: u64,
    /// Power cuts among them.
    pub power_cuts: u64,
    /// Snapshots that were reported as saved.
    pub reported: u64,
    /// Times that a snapshot was read whole and compared.
    pub compared: u64,
}

/// The repository, its copies, the source and the cache.
pub struct Model {
    here: Copied,
    copy: Option<Copied>,
    older: Option<Copied>,
    source: Source,
    cache: TempDir,
    with_catalog: bool,
    /// How many writing calls a snapshot, a record, a prune made the last time.
    calls: [u64; 3],
    pub figures: Figures,
}

impl Model {
    pub fn new(with_catalog: bool) -> Self {
        let mut source = Source::new();
        source.write("always", b"always".to_vec());
        let here =
            Copied { disk: new_disk(), expected: Expected::default(), lines: vec![], pinned: BTreeSet::new(), forgotten: BTreeSet::new() };
        Self {
            here,
            copy: None,
            older: None,
            source,
            cache: tempfile::tempdir().unwrap(),
            with_catalog,
            calls: [20, 3, 20],
            figures: Figures::default(),
        }
    }

    /// Does everything and looks at all that is left.
    pub fn run(&mut self, operations: &[Operation]) -> Verdict {
        for (number, operation) in operations.iter().enumerate() {
            self.apply(operation).map_err(|problem| format!("operation {number}, {operation:?}: {problem}"))?;
        }
        self.finish().map_err(|problem| format!("at the end: {problem}"))?;
        if let Some(copy) = self.copy.take() {
            self.here = copy;
            self.finish().map_err(|problem| format!("at the end, the copy: {problem}"))?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Verdict {
        self.run_action(Action::Snapshot(Kind::Incremental, false), None)?;
        self.run_action(Action::Check, None)?;
        self.run_action(Action::Prune { keep_last: 2 }, None)?;
        self.run_action(Action::Check, None)?;
        self.look()?;
        // The way out writes to a real disk and waits for it, so it too takes part now and then.
        if self.with_catalog { self.restore_newest() } else { Ok(()) }
    }

    /// Restores the newest snapshot, which is of the source as it is now.
    fn restore_newest(&self) -> Verdict {
        let newest = self.here.lines.last().ok_or("there is no snapshot")?;
        let repository = self.open(Arc::new(self.here.disk.open_again())).map_err(failed("open"))?;
        let manifest = repository.read_manifest(&newest.id).map_err(failed("read a manifest"))?;
        let reader = repository.reader().map_err(failed("open the index"))?;
        let target = tempfile::tempdir().map_err(|error| error.to_string())?;
        let what = restore::What::Path(self.source.path().as_os_str().as_encoded_bytes().to_vec());
        let request = restore::Request::new(what, target.path().as_os_str().as_encoded_bytes());
        let outcome = restore::run(&reader, &manifest, &request, &Silent).map_err(failed("restore"))?;
        let is_same = |(name, content): (&String, &Arc<[u8]>)| fs::read(target.path().join(name)).is_ok_and(|read| read == **content);
        let files = self.source.files();
        if outcome.files != files.len() as u64 || !files.iter().all(is_same) {
            return Err(format!("what was restored is not the source: {outcome:?}"));
        }
        Ok(())
    }

    fn open(&self, storage: Arc<dyn Storage>) -> Result<Repository> {
        let cache: PathBuf = self.cache.path().join("cache");
        let options = strongroom::repository::OpenOptions {
            credential: Some(super::world::credential(0)),
            cache_root: Some(cache),
            no_catalog: !self.with_catalog,
            ..Default::default()
        };
        Repository::open(storage, options)
    }

    fn apply(&mut self, operation: &Operation) -> Verdict {
        match operation {
            Operation::Write { file, content } => {
                let seed = format!("content {content}");
                let content = match content % 4 {
                    0 => database(&seed, 200_000 + usize::from(*content) * 400),
                    1 => noise(&seed, usize::from(*content) * 100),
                    2 => seed.repeat(1 + usize::from(*content)).into_bytes(),
                    _ => [noise(&seed, 40_000), noise("shared", 90_000)].concat(),
                };
                self.source.write(&format!("folder-{}/file-{file}", file % 3), content);
            }
            Operation::Remove { file } => self.source.remove(&format!("folder-{}/file-{file}", file % 3)),
            Operation::Run(action, ending) => return self.run_action(*action, *ending),
            Operation::LoseCache => drop(fs::remove_dir_all(self.cache.path().join("cache"))),
            Operation::LoseCatalog => {
                for entry in fs::read_dir(self.cache.path().join("cache")).into_iter().flatten() {
                    let _ = fs::remove_dir_all(entry.map_err(|error| error.to_string())?.path().join("catalog"));
                }
            }
            Operation::Copy => {
                self.copy = Some(Copied { disk: self.here.disk.copy(), ..self.here.clone() });
                self.older = Some(Copied { disk: self.here.disk.image(), ..self.here.clone() });
            }
            Operation::Swap => {
                if let Some(copy) = &mut self.copy {
                    std::mem::swap(copy, &mut self.here);
                    // What was put aside is of the other place.
                    self.older = None;
                    return self.look();
                }
            }
            Operation::RollBack => {
                if let Some(older) = self.older.take() {
                    self.here = older;
                    return self.look();
                }
            }
        }
        Ok(())
    }

    fn run_action(&mut self, action: Action, ending: Option<(u8, Ending)>) -> Verdict {
        let disk = self.here.disk.open_again();
        let faults = Arc::new(Faults::new(disk.clone()));
        let repository = self.open(Arc::clone(&faults) as _).map_err(failed("open"))?;
        let sort = match action {
            Action::Snapshot(..) => 0,
            Action::Forget(_) | Action::Pin(..) => 1,
            Action::Prune { .. } | Action::Check => 2,
        };
        let call = ending.map_or(u64::MAX, |(share, _)| 1 + u64::from(share) * self.calls[sort] / 256);
        if let Some((_, ending)) = ending {
            let (kind, lasts) = ending.fault();
            faults.fail_writing_call(call, kind, lasts);
        }
        let before: Vec<SnapshotId> = self.here.lines.iter().map(|line| line.id).collect();
        let must_go = self.unwanted(action);
        let outcome = self.act(&repository, action, &must_go);
        drop(repository);
        let has_struck = faults.writing_calls() >= call;
        if let (Some((_, ending)), true) = (ending, has_struck) {
            self.figures.struck += 1;
            self.figures.power_cuts += u64::from(matches!(ending, Ending::PowerCut(_)));
            self.here.disk = ending.disk_after(&disk);
        }
        match outcome {
            Err(problem) if !has_struck => return Err(problem),
            Err(_) => {}
            Ok(()) => {
                self.figures.done += 1;
                self.calls[sort] = faults.writing_calls();
            }
        }
        let is_done = !matches!(action, Action::Prune { .. }) || has_struck || self.listed()?.iter().all(|id| !must_go.contains(id));
        if !is_done {
            return Err("the prune left what no rule keeps".to_owned());
        }
        if has_struck && matches!(action, Action::Prune { .. }) {
            // What is kept may not be durable yet, when the run that wrote it was killed.
            let listed = self.listed()?;
            let is_kept_lost = before.iter().any(|id| !must_go.contains(id) && !listed.contains(id));
            if is_kept_lost && must_go.iter().any(|id| !listed.contains(id)) {
                return Err("snapshots were removed in favour of one that is lost".to_owned());
            }
        }
        if has_struck || matches!(action, Action::Prune { .. }) { self.look() } else { self.take_stock() }
    }

    /// What a prune removes, worked out from the rules as the manual has them.
    fn unwanted(&mut self, action: Action) -> BTreeSet<SnapshotId> {
        let Action::Prune { keep_last } = action else { return BTreeSet::new() };
        let is_forgotten = |id: &SnapshotId| self.here.forgotten.contains(id) && !self.here.pinned.contains(id);
        let shown: Vec<&Line> = self.here.lines.iter().filter(|line| !is_forgotten(&line.id)).collect();
        let mut kept: BTreeSet<SnapshotId> = shown.iter().rev().take(usize::from(keep_last.max(1))).map(|line| line.id).collect();
        kept.extend(shown.iter().map(|line| line.id).filter(|id| self.here.pinned.contains(id)));
        for line in shown.iter().rev().filter(|line| line.kind == Kind::Differential) {
            if kept.contains(&line.id) {
                kept.extend(line.base.filter(|base| shown.iter().any(|line| line.id == *base)));
            }
        }
        let unwanted: BTreeSet<SnapshotId> = self.here.lines.iter().map(|line| line.id).filter(|id| !kept.contains(id)).collect();
        // A prune that fails may have removed them.
        self.here.expected.stay.retain(|id| !unwanted.contains(id));
        unwanted
    }

    fn act(&mut self, repository: &Repository, action: Action, must_go: &BTreeSet<SnapshotId>) -> Verdict {
        let record = |record_type, payload| repository.publish_record(record_type, payload, Timestamp::new(2, 0)).map(drop);
        match action {
            Action::Snapshot(kind, with_checkpoints) => {
                let request = snapshot_request(&self.source, kind);
                let request = snapshot::Request { checkpoint_chunks: with_checkpoints.then_some(6), ..request };
                let outcome = snapshot::run(repository, request, &Silent).map_err(failed("snapshot"))?;
                self.here.expected.add(outcome.id.ok_or("a snapshot without id")?, &self.source);
                self.figures.reported += 1;
                Ok(())
            }
            Action::Forget(number) => match self.choose(number) {
                Some(id) if !self.here.pinned.contains(&id) => {
                    self.here.expected.stay.remove(&id);
                    record(TOMBSTONE, wire::encode(&Tombstone { snapshot: id })).map_err(failed("forget"))?;
                    self.here.forgotten.insert(id);
                    Ok(())
                }
                _ => Ok(()),
            },
            Action::Pin(number, is_pinned) => match self.choose(number) {
                Some(id) => {
                    record(PIN, wire::encode(&Pin { snapshot: id, is_pinned })).map_err(failed("pin"))?;
                    if is_pinned {
                        self.here.pinned.insert(id)
                    } else {
                        self.here.pinned.remove(&id)
                    };
                    Ok(())
                }
                None => Ok(()),
            },
            Action::Prune { keep_last } => {
                let remove = decide_removal(repository, u64::from(keep_last.max(1))).map_err(failed("decide"))?;
                if remove != *must_go {
                    return Err(format!("the rules remove {remove:?} and not {must_go:?}"));
                }
                run_prune(repository, remove.into_iter().collect()).map(drop).map_err(failed("prune"))
            }
            Action::Check => check_all(repository),
        }
    }

    fn choose(&self, number: u8) -> Option<SnapshotId> {
        let lines = &self.here.lines;
        lines.get(usize::from(number) % lines.len().max(1)).map(|line| line.id)
    }

    fn listed(&self) -> Verdict<BTreeSet<SnapshotId>> {
        let repository = self.open(Arc::new(self.here.disk.clone())).map_err(failed("open"))?;
        Ok(repository.list_snapshots().map_err(failed("list"))?.into_iter().collect())
    }

    /// Everything that is there is whole, and what must be there is.
    fn look(&mut self) -> Verdict {
        let repository = self.open(Arc::new(self.here.disk.open_again())).map_err(failed("open"))?;
        self.figures.compared += self.here.expected.check_whole(&repository, &self.source)? as u64;
        self.take_stock()
    }

    /// Takes over what a verb that failed has done or not done, and compares the listings.
    fn take_stock(&mut self) -> Verdict {
        let repository = self.open(Arc::new(self.here.disk.open_again())).map_err(failed("open"))?;
        let listed = repository.list_snapshots().map_err(failed("list"))?;
        let marks = repository.facts().marks();
        let expected = &self.here.expected;
        if let Some(lost) = expected.stay.iter().find(|id| !listed.contains(id)) {
            return Err(format!("snapshot {lost} was reported as saved and is gone"));
        }
        let mut lines = Vec::new();
        for id in listed {
            let manifest = repository.read_manifest(&id).map_err(failed("read a manifest"))?;
            lines.push((manifest.counter, Line { id, kind: manifest.kind, base: manifest.base }));
            // A mark that failed may be there and need not; one that was reported is.
            let (is_pinned, is_forgotten) = (marks.is_pinned(&id), marks.is_forgotten(&id));
            if is_pinned {
                self.here.pinned.insert(id)
            } else {
                self.here.pinned.remove(&id)
            };
            if is_forgotten || (is_pinned && self.here.forgotten.contains(&id)) {
                self.here.forgotten.insert(id);
            }
        }
        lines.sort_by_key(|(counter, line)| (*counter, line.id));
        self.here.lines = lines.into_iter().map(|(_, line)| line).collect();
        let bare = Repository::open(
            Arc::new(self.here.disk.open_again()),
            strongroom::repository::OpenOptions { credential: Some(super::world::credential(0)), ..Default::default() },
        )
        .map_err(failed("open without a cache"))?;
        let (bare, cached) = (bare.catalogued().map_err(failed("list"))?, repository.catalogued().map_err(failed("list by the catalog"))?);
        if bare.listing != cached.listing { Err("the catalog says something else than the sealed objects".to_owned()) } else { Ok(()) }
    }
}

/// What the rules of retention do not keep, and what is forgotten.
fn decide_removal(repository: &Repository, last: u64) -> Result<BTreeSet<SnapshotId>> {
    let catalogued = repository.catalogued()?;
    let candidate = |summary: &strongroom::catalog::Summary| Candidate {
        id: summary.id,
        series: summary.series.clone(),
        time: summary.time,
        committed_at: summary.committed_at,
        counter: summary.counter,
        kind: summary.kind,
        base: summary.base,
        files: summary.counts.files_new + summary.counts.files_changed + summary.counts.files_unchanged,
        tags: summary.tags.clone(),
        is_pinned: catalogued.marks.is_pinned(&summary.id),
    };
    let candidates: Vec<Candidate> = catalogued.listing.summaries().iter().map(candidate).collect();
    let decisions = decide(&candidates, &KeepPolicy { last, ..KeepPolicy::default() }, 0, later(), &TimeZone::UTC)?;
    let listed = repository.list_snapshots()?;
    let forgotten = catalogued.marks.forgotten().filter(|id| listed.contains(id));
    Ok(decisions.iter().filter(|decision| !decision.keep).map(|decision| decision.id).chain(forgotten).collect())
}
