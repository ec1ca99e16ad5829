//! Does operations to the real thing and to a plain map.
//!
//! The map knows which snapshots must be there and what each holds. All goes through one cache folder,
//! which outlives crashes, is lost now and then, and sees an older state or another copy of the
//! repository in the next moment.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use strongroom::annotate::{self, Annotation, Tagging};
use strongroom::error::Result;
use strongroom::id::SnapshotId;
use strongroom::manifest::Kind;
use strongroom::progress::Silent;
use strongroom::prune;
use strongroom::repository::{OpenOptions, Repository};
use strongroom::snapshot;
use strongroom::storage::faults::Faults;
use strongroom::storage::{MemoryStorage, Storage};
use tempfile::TempDir;

use super::compare::decide_removal;
use super::endings::Ending;
use super::operations::{Action, Figures, Operation};
use super::source::{Source, database, noise};
use super::world::{Expected, Verdict, check_all, credential, failed, later, new_disk, repair_all, snapshot_request};

/// A snapshot as the model knows it.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) id: SnapshotId,
    pub(super) kind: Kind,
    pub(super) base: Option<SnapshotId>,
}

/// One copy of the repository.
#[derive(Clone)]
pub(super) struct Copied {
    pub(super) disk: MemoryStorage,
    pub(super) expected: Expected,
    /// What is there, oldest first.
    pub(super) lines: Vec<Line>,
    pub(super) pinned: BTreeSet<SnapshotId>,
    pub(super) forgotten: BTreeSet<SnapshotId>,
    /// An older state was put back here on purpose, and a prune is told so.
    is_older: bool,
}

/// The repository, its copies, the source and the cache.
pub struct Model {
    pub(super) here: Copied,
    copy: Option<Copied>,
    older: Option<Copied>,
    pub(super) source: Source,
    cache: TempDir,
    pub(super) with_catalog: bool,
    /// How many writing calls a snapshot, a record, a prune and a repair made the last time.
    calls: [u64; 4],
    pub figures: Figures,
}

impl Model {
    pub fn new(with_catalog: bool) -> Self {
        let mut source = Source::new();
        source.write("always", b"always".to_vec());
        let here = Copied {
            disk: new_disk(),
            expected: Expected::default(),
            lines: vec![],
            pinned: BTreeSet::new(),
            forgotten: BTreeSet::new(),
            is_older: false,
        };
        Self {
            here,
            copy: None,
            older: None,
            source,
            cache: tempfile::tempdir().unwrap(),
            with_catalog,
            calls: [20, 3, 20, 8],
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
    pub(super) fn open(&self, storage: Arc<dyn Storage>) -> Result<Repository> {
        let options = OpenOptions {
            credential: Some(credential(0)),
            cache_root: Some(self.cache.path().join("cache")),
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
                    self.here = Copied { is_older: true, ..older };
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
            Action::Prune { .. } => 2,
            Action::Check | Action::Repair => 3,
        };
        let call = ending.map_or(u64::MAX, |(share, _)| 1 + u64::from(share) * self.calls[sort] / 256);
        if let Some((_, ending)) = ending {
            let (kind, lasts) = ending.fault();
            faults.fail_writing_call(call, kind, lasts);
        }
        let before: Vec<SnapshotId> = self.here.lines.iter().map(|line| line.id).collect();
        let must_go = self.unwanted(action);
        let outcome = self.act(repository, action, &must_go);
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

    fn act(&mut self, repository: Repository, action: Action, must_go: &BTreeSet<SnapshotId>) -> Verdict {
        match action {
            Action::Snapshot(kind, with_checkpoints) => {
                let request = snapshot_request(&self.source, kind);
                let request = snapshot::Request { checkpoint_chunks: with_checkpoints.then_some(6), ..request };
                let outcome = snapshot::run(&repository, &request, &Silent).map_err(failed("snapshot"))?;
                self.here.expected.add(outcome.id.ok_or("a snapshot without id")?, &self.source);
                self.figures.reported += 1;
                Ok(())
            }
            Action::Forget(number) => match self.choose(number) {
                Some(id) if !self.here.pinned.contains(&id) => {
                    self.here.expected.stay.remove(&id);
                    let annotation = Annotation::Forget { snapshots: vec![id], accept_rollback: self.here.is_older };
                    let request = annotate::Request { annotation, clock: later };
                    annotate::run(&repository, &request, &Silent).map_err(failed("forget"))?;
                    self.here.forgotten.insert(id);
                    Ok(())
                }
                _ => Ok(()),
            },
            Action::Pin(number, is_pinned) => match self.choose(number) {
                Some(id) => {
                    let tagging = Tagging { pinned: Some(is_pinned), ..Tagging::default() };
                    let request = annotate::Request { annotation: Annotation::Tag { snapshots: vec![id], tagging }, clock: later };
                    annotate::run(&repository, &request, &Silent).map_err(failed("pin"))?;
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
                let remove = decide_removal(&repository, u64::from(keep_last.max(1))).map_err(failed("decide"))?;
                if remove != *must_go {
                    return Err(format!("the rules remove {remove:?} and not {must_go:?}"));
                }
                let remove = remove.into_iter().collect();
                let request = prune::Request { remove, clock: later, accept_rollback: self.here.is_older, ..prune::Request::default() };
                prune::run(&repository, &request, &Silent).map(drop).map_err(failed("prune"))
            }
            Action::Check => check_all(&repository),
            Action::Repair => repair_all(repository),
        }
    }

    fn choose(&self, number: u8) -> Option<SnapshotId> {
        let lines = &self.here.lines;
        lines.get(usize::from(number) % lines.len().max(1)).map(|line| line.id)
    }
}
