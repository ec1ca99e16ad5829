//! What the plain map says of snapshots, held against the repository.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use jiff::tz::TimeZone;
use strongroom::catalog::Summary;
use strongroom::error::Result;
use strongroom::id::SnapshotId;
use strongroom::manifest::Kind;
use strongroom::progress::Silent;
use strongroom::repository::Repository;
use strongroom::restore;
use strongroom::retention::{Candidate, KeepPolicy, decide};

use super::operations::Action;
use super::play::{Line, Model};
use super::world::{Verdict, failed, later, open};

impl Model {
    /// Restores the newest snapshot, which is of the source as it is now.
    pub(super) fn restore_newest(&self) -> Verdict {
        let newest = self.here.lines.last().ok_or("there is no snapshot")?;
        let repository = self.open(Arc::new(self.here.disk.open_again())).map_err(failed("open"))?;
        let manifest = repository.objects().read_manifest(&newest.id).map_err(failed("read a manifest"))?;
        let reader = repository.reader().map_err(failed("open the index"))?;
        let target = tempfile::tempdir().map_err(|error| error.to_string())?;
        let what = restore::What::Path(self.source.path().as_os_str().as_encoded_bytes().to_vec());
        let request = restore::Request::new(what, target.path().as_os_str().as_encoded_bytes());
        let outcome =
            restore::run(&restore::Snapshot { reader: &reader, manifest: &manifest }, &request, &Silent).map_err(failed("restore"))?;
        let is_same = |(name, content): (&String, &Arc<[u8]>)| fs::read(target.path().join(name)).is_ok_and(|read| read == **content);
        let files = self.source.files();
        if outcome.files != files.len() as u64 || !files.iter().all(is_same) {
            return Err(format!("what was restored is not the source: {outcome:?}"));
        }
        Ok(())
    }

    /// What a prune removes, worked out from the rules as the manual has them.
    pub(super) fn unwanted(&mut self, action: Action) -> BTreeSet<SnapshotId> {
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

    pub(super) fn listed(&self) -> Verdict<BTreeSet<SnapshotId>> {
        let repository = self.open(Arc::new(self.here.disk.clone())).map_err(failed("open"))?;
        Ok(repository.objects().list_snapshots().map_err(failed("list"))?.into_iter().collect())
    }

    /// Everything that is there is whole, and what must be there is.
    pub(super) fn look(&mut self) -> Verdict {
        let repository = self.open(Arc::new(self.here.disk.open_again())).map_err(failed("open"))?;
        self.figures.compared += self.here.expected.check_whole(&repository, &self.source)? as u64;
        self.take_stock()
    }

    /// Takes over what a verb that failed has done or not done, and compares the listings.
    pub(super) fn take_stock(&mut self) -> Verdict {
        let repository = self.open(Arc::new(self.here.disk.open_again())).map_err(failed("open"))?;
        let listed = repository.objects().list_snapshots().map_err(failed("list"))?;
        let marks = repository.facts().marks();
        let expected = &self.here.expected;
        if let Some(lost) = expected.stay.iter().find(|id| !listed.contains(id)) {
            return Err(format!("snapshot {lost} was reported as saved and is gone"));
        }
        let mut lines = Vec::new();
        for id in listed {
            let manifest = repository.objects().read_manifest(&id).map_err(failed("read a manifest"))?;
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
        let bare = open(Arc::new(self.here.disk.open_again()), 0, None).map_err(failed("open without a cache"))?;
        let (bare, cached) = (bare.catalogued().map_err(failed("list"))?, repository.catalogued().map_err(failed("list by the catalog"))?);
        if bare.listing != cached.listing { Err("the catalog says something else than the sealed objects".to_owned()) } else { Ok(()) }
    }
}

/// What the rules of retention do not keep, and what is forgotten.
pub(super) fn decide_removal(repository: &Repository, last: u64) -> Result<BTreeSet<SnapshotId>> {
    let catalogued = repository.catalogued()?;
    let candidate = |summary: &Summary| Candidate {
        id: summary.id,
        series: summary.series.clone(),
        machine: summary.machine,
        time: summary.time,
        committed_at: summary.committed_at,
        counter: summary.counter,
        kind: summary.kind,
        base: summary.base,
        tags: summary.tags.clone(),
        is_pinned: catalogued.marks.is_pinned(&summary.id),
        is_suspect: false,
        // The map knows nothing of sources that shrink, so none does.
        files: 1,
        sources: Vec::new(),
    };
    let candidates: Vec<Candidate> = catalogued.listing.summaries().iter().map(candidate).collect();
    let decisions = decide(&candidates, &KeepPolicy { last, ..KeepPolicy::default() }, 0, later(), &TimeZone::UTC)?;
    let listed = repository.objects().list_snapshots()?;
    let forgotten = catalogued.marks.forgotten().filter(|id| listed.contains(id));
    Ok(decisions.iter().filter(|decision| !decision.keep).map(|decision| decision.id).chain(forgotten).collect())
}
