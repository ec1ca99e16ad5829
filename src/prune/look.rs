//! What is there, and what of it may be removed: by the sealed manifests themselves.
//!
//! The same look is taken for the plan and again under each lock, and `decide` judges both. Beside its rules stands what
//! holds for the repository as a whole: nothing goes while a manifest cannot be read that stays, or while snapshots are
//! missing that nobody has removed, because what those need looks unneeded.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use jiff::tz::TimeZone;

use super::decide::{Moment, check_series, decide};
use super::decision::{Decisions, Subject};
use super::refuse::{refuse_emptiness, refuse_unreadable};
use super::request::Request;
use crate::catalog::series_key;
use crate::error::{Error, Result};
use crate::id::{ChunkId, SnapshotId};
use crate::manifest::Manifest;
use crate::repository::{Facts, PackListing, Repository, Rollback, snapshot_name};
use crate::retention::Candidate;
use crate::storage::ask_all;
use crate::units::Timestamp;

/// So many manifests are held at a time.
pub(super) const MANIFESTS_AT_ONCE: usize = 32;

/// What goes and what stays of the snapshots that are there.
pub(super) struct Allowed {
    /// What becomes of each, and why.
    pub decisions: Decisions,
    /// What goes, sorted.
    pub remove: Vec<SnapshotId>,
    /// What stays, newest first.
    pub keep: Vec<SnapshotId>,
    /// Chunks that are recorded as lost.
    pub absent: HashSet<ChunkId>,
    /// What is missing, and was accepted as gone.
    pub accepted: Option<Rollback>,
    /// What records say of what stays does not hold any more.
    pub is_kept_stale: bool,
    /// The time that all this was judged by.
    pub now: Timestamp,
}

/// Looks at every manifest that is there, and decides. `before` is what was decided by an earlier look: then the caller
/// holds a lock. `is_settled` when no run that goes on could be the first of the repository.
///
/// # Errors
/// `Damaged` when a manifest that stays cannot be read, or when snapshots are missing; `NotFound` when a series is;
/// those of [`decide`] and of the storage.
pub(super) fn look(
    repository: &Repository,
    request: &Request,
    before: Option<&Decisions>,
    is_settled: bool,
    zone: &TimeZone,
) -> Result<Allowed> {
    let facts = repository.read_facts()?;
    facts.check_writable()?;
    let now = (request.clock)();
    let Seen { subjects, previous, mut unreadable } = read_all(repository, &facts, before.is_some())?;
    let present: Vec<_> = subjects.iter().map(|subject| (subject.id, previous.get(&subject.id).copied())).collect();
    let accepted = match repository.find_rollback(&present)? {
        Some(rollback) if !request.accept_rollback => return Err(rollback.refusal()),
        accepted => accepted,
    };
    let is_asked_for = |id: &SnapshotId| request.asks_for(id, facts.marks().is_forgotten(id));
    if let Some(at) = unreadable.iter().position(|(id, _)| !is_asked_for(id)) {
        let (id, error) = unreadable.swap_remove(at);
        return Err(refuse_unreadable(&id, error));
    }
    if let Some(rules) = request.rules.as_ref().filter(|_| before.is_none()) {
        check_series(&subjects, rules)?;
    }
    let protect_seconds = if request.override_protection { 0 } else { facts.protection().seconds_at(now) };
    let decisions = decide(&subjects, request, before, &Moment { now, protect_seconds, zone })?;
    let remove = decisions.going();
    if let Some(at) = unreadable.iter().position(|(id, _)| remove.binary_search(id).is_err()) {
        let (id, error) = unreadable.swap_remove(at);
        return Err(refuse_unreadable(&id, error));
    }
    if subjects.is_empty() && is_settled && !request.accept_rollback && !facts.keeps_nothing() {
        check_emptiness(repository)?;
    }
    let counters: HashMap<SnapshotId, u64> =
        subjects.iter().filter_map(|subject| subject.candidate.as_ref().map(|candidate| (subject.id, candidate.counter))).collect();
    let mut keep: Vec<SnapshotId> = decisions.iter().filter(|decision| !decision.goes()).map(|decision| decision.subject.id).collect();
    keep.sort_unstable_by_key(|id| Reverse((counters.get(id), *id)));
    let named: HashSet<SnapshotId> = previous.into_values().chain(facts.kept().iter().copied()).collect();
    let last = counters.values().max();
    // The newest is named by the next.
    let is_unnamed = |id: &SnapshotId| !named.contains(id) && counters.get(id) != last;
    let is_emptied = subjects.is_empty() && !facts.keeps_nothing();
    let is_kept_stale = is_emptied || keep.iter().any(|id| facts.removed().contains(id) || is_unnamed(id));
    Ok(Allowed { decisions, remove, keep, absent: facts.absent().clone(), accepted, is_kept_stale, now })
}

/// The snapshots that are there.
struct Seen {
    subjects: Vec<Subject>,
    /// The newest manifest that the writer of each knew.
    previous: HashMap<SnapshotId, SnapshotId>,
    /// Those whose manifests are damaged, and how.
    unreadable: Vec<(SnapshotId, Error)>,
}

/// Reads all manifests. Those that are damaged are told apart; without a lock, those that go meanwhile are left out.
fn read_all(repository: &Repository, facts: &Facts, is_locked: bool) -> Result<Seen> {
    let mut seen = Seen { subjects: Vec::new(), previous: HashMap::new(), unreadable: Vec::new() };
    let objects = repository.objects();
    let listed = objects.list_snapshots()?;
    let read = |ids| ask_all(&**objects.storage(), ids, |id: &SnapshotId| (*id, objects.read_manifest(id)));
    for (id, manifest) in listed.chunks(MANIFESTS_AT_ONCE).flat_map(read) {
        let candidate = match manifest {
            Ok(manifest) => {
                seen.previous.extend(manifest.previous.map(|previous| (id, previous)));
                Some(candidate(id, manifest, facts))
            }
            Err(error) if error.is_damage() && !objects.is_foreign(&snapshot_name(&id))? => {
                seen.unreadable.push((id, error));
                None
            }
            Err(error) if error.is_not_found() && !is_locked && !objects.list_snapshots()?.contains(&id) => continue,
            Err(error) => return Err(refuse_unreadable(&id, error)),
        };
        let (is_forgotten, is_pinned) = (facts.marks().is_forgotten(&id), facts.marks().is_pinned(&id));
        seen.subjects.push(Subject { id, is_forgotten, is_pinned, candidate });
    }
    Ok(seen)
}

fn candidate(id: SnapshotId, manifest: Manifest, facts: &Facts) -> Candidate {
    let marks = facts.marks();
    Candidate {
        id,
        series: marks.series_name(&series_key(&manifest.series)).into_owned(),
        machine: manifest.machine(),
        time: manifest.time,
        committed_at: manifest.committed_at,
        counter: manifest.counter,
        kind: manifest.kind,
        base: manifest.base,
        files: manifest.files(),
        sources: manifest.source_counts(),
        is_pinned: marks.is_pinned(&id),
        is_suspect: marks.suspicion(&id).is_some(),
        tags: marks.tags(&id, manifest.tags),
    }
}

/// Refuses to free packs where no snapshot is there and no record says that none was to stay.
fn check_emptiness(repository: &Repository) -> Result<()> {
    match PackListing::read(&**repository.storage())?.packs().len() {
        0 => Ok(()),
        packs => Err(refuse_emptiness(packs)),
    }
}
