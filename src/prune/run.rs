//! One prune, from its lock to the last removal.

use std::collections::HashSet;
use std::sync::Arc;

use super::mark::Needed;
use super::plan::make_plan;
use super::request::{Outcome, Request};
use super::sweep::{move_chunks, remove_packs};
use crate::crypto::random_bytes;
use crate::error::Result;
use crate::id::{PackId, RunId, SegmentId, SnapshotId};
use crate::index::IndexSegment;
use crate::progress::Progress;
use crate::repository::{PackListing, Repository, snapshot_name};
use crate::storage::{LOCK, LockMode, PRUNE_LOCK};

/// Removes the snapshots of `request` and frees what nothing needs any more.
///
/// # Errors
/// `Busy` when another prune is at work; `Damaged` when what is needed cannot be read, and then
/// nothing was removed; `Interrupted`; those of the storage.
pub fn run(repository: &Repository, request: &Request, progress: &dyn Progress) -> Result<Outcome> {
    let storage = repository.storage();
    let _alone = storage.lock(PRUNE_LOCK, LockMode::Exclusive, false)?;
    let facts = repository.read_facts()?;
    facts.check_writable()?;
    let mut removed: HashSet<SnapshotId> = request.remove.iter().copied().collect();
    let mut needed = Needed::new(facts.absent().clone());

    progress.stage("mark");
    {
        let _lock = storage.lock(LOCK, LockMode::Shared, true)?;
        mark(repository, &removed, &mut needed, progress)?;
    }
    let _lock = if request.dry_run { None } else { Some(repository.wait_for_lock(LockMode::Exclusive, progress)?) };
    // A snapshot that was pinned after the rules were applied stays.
    let facts = repository.read_facts()?;
    facts.check_writable()?;
    removed.retain(|id| !facts.marks().is_pinned(id));
    // What was committed since the first look is marked too. From here on nothing new appears.
    let kept = mark(repository, &removed, &mut needed, progress)?;

    let listing = PackListing::read(&**storage)?;
    let segments = read_segments(repository)?;
    let plan = make_plan(&segments, listing.packs(), &needed);
    let mut outcome = Outcome {
        snapshots_removed: 0,
        packs_removed: plan.dead.len() as u64,
        packs_rewritten: plan.rewritten.len() as u64,
        bytes_before: listing.stored_bytes(),
        bytes_kept_unused: plan.kept_unused_bytes,
        ..Outcome::default()
    };
    let present: Vec<SnapshotId> = repository.list_snapshots()?.into_iter().filter(|id| removed.contains(id)).collect();
    outcome.snapshots_removed = present.len() as u64;
    if request.dry_run {
        let gone: u64 = plan.dead.iter().chain(&plan.rewritten).map(|(_, bytes)| bytes).sum();
        outcome.bytes_after = (outcome.bytes_before - gone) + plan.moved_bytes;
        outcome.bytes_freed = outcome.bytes_before.saturating_sub(outcome.bytes_after);
        return Ok(outcome);
    }
    debug_assert!(kept.iter().all(|id| !removed.contains(id)), "what is kept is not removed");

    progress.stage("sweep");
    let run = RunId(random_bytes()?);
    if !present.is_empty() {
        // What stays is durable before anything goes in its favour: the run that wrote the newest may have
        // died before its own sync.
        storage.sync(&["snapshots".to_owned()])?;
    }
    for id in &present {
        storage.remove(&snapshot_name(id))?;
    }
    storage.sync(&["snapshots".to_owned()])?;
    let dead: HashSet<PackId> = plan.dead.iter().map(|(id, _)| *id).collect();
    remove_packs(repository, run, &segments, &dead)?;
    if !plan.rewritten.is_empty() {
        progress.stage("rewrite");
        move_chunks(repository, run, &plan, progress)?;
        let rewritten: HashSet<PackId> = plan.rewritten.iter().map(|(id, _)| *id).collect();
        remove_packs(repository, run, &read_segments(repository)?, &rewritten)?;
    }
    storage.remove_stale_temporaries()?;
    outcome.bytes_after = PackListing::read(&**storage)?.stored_bytes();
    outcome.bytes_freed = outcome.bytes_before.saturating_sub(outcome.bytes_after);
    Ok(outcome)
}

/// Marks what the snapshots that stay need, newest first; returns them.
fn mark(repository: &Repository, removed: &HashSet<SnapshotId>, needed: &mut Needed, progress: &dyn Progress) -> Result<Vec<SnapshotId>> {
    let reader = repository.reader_with(Arc::new(repository.open_index()?));
    // Every manifest that lies there counts, also one that no listing shows.
    let mut order: Vec<(u64, SnapshotId)> = Vec::new();
    for id in repository.list_snapshots()?.into_iter().filter(|id| !removed.contains(id)) {
        let manifest = repository
            .read_manifest(&id)
            .map_err(|error| error.context(format!("what snapshot {} needs cannot be read, so nothing is removed", id.short())))?;
        order.push((manifest.counter, id));
    }
    order.sort_unstable_by(|a, b| b.cmp(a));
    let snapshots: Vec<SnapshotId> = order.into_iter().map(|(_, id)| id).collect();
    needed.mark(&reader, &snapshots, progress)?;
    Ok(snapshots)
}

fn read_segments(repository: &Repository) -> Result<Vec<(SegmentId, IndexSegment)>> {
    repository.list_segments()?.into_iter().map(|id| Ok((id, repository.read_segment(id)?))).collect()
}
