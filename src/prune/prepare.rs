//! From the plan to the moment before the first removal: what is needed is marked beside running snapshots, and when
//! nothing new appears any more it is decided again, what came meanwhile is marked, and what becomes of each pack follows.

use std::sync::Arc;

use super::look::{Allowed, look};
use super::mark::Marker;
use super::naming::Naming;
use super::outcome::Outcome;
use super::packs::{Basis, PackPlan, plan_packs};
use super::plan::Plan;
use super::refuse::refuse_lost_pages;
use crate::error::Result;
use crate::progress::{Finding, FindingKind, Progress, Stage, Topic};
use crate::repository::{PackListing, Repository, pack_name};
use crate::storage::{Lock, LockMode};

/// What was found by the last look, and what follows for the packs.
pub(super) struct Ready<'r> {
    /// Keeps other prunes, repairs and changes of keys away.
    pub alone: Box<dyn Lock>,
    /// Keeps snapshots away, where something is going to be removed.
    pub lock: Option<Box<dyn Lock>>,
    pub allowed: Allowed,
    pub basis: Basis<'r>,
    pub naming: Naming,
    pub packs: PackPlan,
    /// What will come of it, but for the bytes that are left.
    pub outcome: Outcome,
}

/// What would come of the plan now: the numbers of snapshots and packs are those of a prune, and the bytes an estimate.
///
/// # Errors
/// As [`execute`](super::execute).
pub fn foresee(repository: &Repository, plan: &Plan, progress: &dyn Progress) -> Result<Outcome> {
    let Ready { packs, mut outcome, .. } = prepare(repository, plan, false, progress)?;
    let gone = packs.dead.iter().map(|(_, bytes)| bytes).sum::<u64>() + packs.rewriting.gone_bytes();
    outcome.bytes_after = (outcome.bytes_before - gone) + packs.rewriting.moved_bytes();
    outcome.bytes_freed = outcome.bytes_before.saturating_sub(outcome.bytes_after);
    Ok(outcome)
}

/// Gets ready; `removes` when something is going to be removed, for which it waits until no snapshot runs.
pub(super) fn prepare<'r>(repository: &'r Repository, plan: &Plan, removes: bool, progress: &dyn Progress) -> Result<Ready<'r>> {
    let Plan { request, zone, decisions } = plan;
    let alone = repository.lock_alone(progress)?;
    progress.stage(Stage::Mark);
    let mut marker = {
        let _lock = repository.wait_for_lock(LockMode::Shared, progress)?;
        let allowed = look(repository, request, Some(decisions), !removes, zone)?;
        let basis = look_around(repository, &allowed)?;
        let mut marker = Marker::new(basis.reader.index());
        marker.mark(&basis.reader, &allowed.keep, &basis.absent, progress)?;
        marker
    };
    if removes {
        progress.stage(Stage::WaitForSnapshots);
    }
    let lock = if removes { Some(repository.wait_for_lock(LockMode::Exclusive, progress)?) } else { None };
    progress.stage(Stage::Mark);
    // Again: something may have been committed or pinned meanwhile. From here on nothing new appears.
    let allowed = look(repository, request, Some(decisions), true, zone)?;
    let basis = look_around(repository, &allowed)?;
    marker.mark(&basis.reader, &allowed.keep, &basis.absent, progress)?;

    let pages_given_up = marker.skipped_count();
    if pages_given_up > 0 && !request.accept_loss {
        return Err(refuse_lost_pages(pages_given_up));
    }
    progress.stage(Stage::Plan);
    let mut naming = Naming::default();
    let packs = plan_packs(&basis, &mut naming, &marker.into_needed(), progress)?;
    for id in &basis.unnamed.unreadable {
        let message = "no segment names it and it cannot be read, so it is left alone; `repo repair` looks after it";
        progress.report(Finding::new(FindingKind::Warning(Topic::Object), pack_name(id), message));
    }
    let outcome = Outcome {
        snapshots_removed: allowed.remove.len() as u64,
        snapshots_protected: allowed.decisions.protected,
        packs_removed: packs.dead.len() as u64,
        packs_rewritten: packs.rewriting.packs.len() as u64,
        pages_given_up,
        packs_named: packs.unnamed.len() as u64,
        packs_unreadable: basis.unnamed.unreadable.len() as u64,
        bytes_before: basis.listing.stored_bytes(),
        bytes_kept_unused: packs.kept_unused_bytes,
        ..Outcome::default()
    };
    Ok(Ready { alone, lock, allowed, basis, naming, packs, outcome })
}

/// What is there, named by segments or not. The snapshots were listed before, so all that they name is.
fn look_around<'r>(repository: &'r Repository, allowed: &Allowed) -> Result<Basis<'r>> {
    let (listing, chunks) = (PackListing::read(&**repository.storage())?, repository.chunks());
    let (index, unnamed) = chunks
        .check_segment_bytes()
        .and_then(|()| chunks.open_index_of_all(&listing))
        .map_err(|error| error.context("what snapshots need cannot be looked up, so nothing is removed"))?;
    // Nothing is removed meanwhile, so what is not in this index is nowhere.
    let reader = chunks.reader_with(Arc::new(index)).without_reload();
    Ok(Basis { repository, reader, listing, unnamed, absent: allowed.absent.clone() })
}
