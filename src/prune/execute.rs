//! Carries a plan out, from its lock to the last removal.

use super::look::Allowed;
use super::naming::Naming;
use super::outcome::Outcome;
use super::packs::{Basis, PackPlan};
use super::plan::Plan;
use super::prepare::prepare;
use super::refuse::refuse_unseen_locks;
use super::rewrite::move_chunks;
use super::rewriting::Move;
use super::sweep::{Held, remove_new_unnamed_packs, remove_packs};
use crate::crypto::random_bytes;
use crate::error::{ErrorKind, Result};
use crate::id::{PackId, RunId, SnapshotId};
use crate::ledger;
use crate::progress::{Progress, Stage};
use crate::repository::{PackListing, Repository, SNAPSHOTS, make_reserve, release_reserve, snapshot_name, sync_folder};
use crate::storage::{LockKind, Stale, ask_each};

/// Removes the snapshots that the plan names and frees what nothing needs any more.
///
/// It waits until it is alone and decides again: of what the plan names, what has a reason to stay by then stays, and
/// nothing else goes.
///
/// A disk that is full is no obstacle: what needs no space is removed first, and what needs a little takes
/// it from the reserve.
///
/// # Errors
/// `Busy` when another prune is at work; `Damaged` when what is needed cannot be read, or when snapshots are missing that
/// nobody removed, `Invalid` when the clock is behind, `Changed` when one was forgotten that the rules had counted: then
/// nothing was removed; `Invalid` where locks may not reach other machines, unless the request says that none is at work;
/// `Interrupted`; those of the storage.
pub fn execute(repository: &Repository, plan: &Plan, progress: &dyn Progress) -> Result<Outcome> {
    let storage = repository.storage();
    if let LockKind::Here(file_system) = storage.properties().lock
        && !plan.request.alone
    {
        return Err(refuse_unseen_locks(&file_system.name()));
    }
    let mut ready = prepare(repository, plan, true, progress)?;
    progress.stage(Stage::Sweep);
    let held = Held { alone: &*ready.alone, lock: ready.lock.as_deref() };
    remove_snapshots(repository, held, &ready.allowed)?;
    sweep(&ready.basis, held, &mut ready.naming, ready.packs, &mut ready.outcome, progress)?;
    // It only makes opening quicker: a disk that is full, or a record that is damaged, is no obstacle.
    let _ = ledger::gather(repository, ledger::GATHER_AT, ready.allowed.now);
    let mut outcome = ready.outcome;
    outcome.bytes_after = PackListing::read(&**storage)?.stored_bytes();
    make_reserve(&**storage, outcome.bytes_after)?;
    outcome.bytes_freed = outcome.bytes_before.saturating_sub(outcome.bytes_after);
    Ok(outcome)
}

/// Removes the manifests, having said so, and then the marks that only they needed.
fn remove_snapshots(repository: &Repository, held: Held<'_>, allowed: &Allowed) -> Result<()> {
    let storage = repository.storage();
    if !allowed.remove.is_empty() {
        // What stays is durable before anything goes in its favour: the run that wrote the newest may have
        // died before its own sync.
        sync_folder(&**storage, SNAPSHOTS)?;
    }
    let missing = allowed.accepted.iter().flat_map(|rollback| rollback.missing.iter().copied());
    let gone: Vec<SnapshotId> = allowed.remove.iter().copied().chain(missing).collect();
    let remove = || {
        held.check()?;
        // Durable before the first manifest goes, so that no machine takes a removal for a loss.
        repository.record_removal(&gone, allowed.now)?;
        if !allowed.remove.is_empty() || allowed.accepted.is_some() || allowed.is_kept_stale {
            repository.record_kept(&allowed.keep, allowed.now)?;
        }
        ask_each(&**storage, &allowed.remove, |id| held.check().and_then(|()| storage.remove(&snapshot_name(id))))?;
        sync_folder(&**storage, SNAPSHOTS)
    };
    if let Err(error) = remove() {
        // What is still there was not removed; a disk that fails may not let that be said either.
        let _ = repository.recant_removals(allowed.now);
        return Err(error);
    }
    // Those that a crash leaves are for the next prune.
    repository.remove_needless_marks().map(|_| ())
}

/// Removes dead packs, names those that no segment names and are needed, and writes again what is worth it:
/// all at once where there is room, else a part at a time.
fn sweep(
    basis: &Basis<'_>,
    held: Held<'_>,
    naming: &mut Naming,
    mut plan: PackPlan,
    outcome: &mut Outcome,
    progress: &dyn Progress,
) -> Result<()> {
    let repository = basis.repository;
    let (run, storage) = (RunId(random_bytes()?), repository.storage());
    progress.add_total(plan.dead.len() as u64, 0);
    progress.end_total();
    remove_packs(repository, held, run, naming, &plan.dead.iter().map(|(id, _)| *id).collect(), progress)?;
    name_packs(repository, run, naming, &plan.unnamed)?;
    if !plan.rewriting.packs.is_empty() {
        progress.stage(Stage::Rewrite);
        progress.add_total(plan.rewriting.packs.len() as u64, plan.rewriting.moves.iter().map(Move::bytes).sum());
        progress.end_total();
    }
    let rest = &mut plan.rewriting;
    while !rest.packs.is_empty() {
        let part = rest.take_fitting(storage.free_bytes());
        if part.packs.is_empty() {
            if release_reserve(&**storage)? {
                continue;
            }
            break;
        }
        match move_chunks(repository, run, &part, progress) {
            Ok(()) => remove_packs(repository, held, run, naming, &part.ids(), progress)?,
            Err(error) if error.kind() == ErrorKind::Full => {
                // Nothing is lost and much may have been freed: the rest waits for a prune with more room.
                remove_new_unnamed_packs(repository, held, &basis.listing)?;
                rest.packs.extend(part.packs);
                break;
            }
            Err(error) => return Err(error),
        }
    }
    outcome.packs_rewritten -= rest.packs.len() as u64;
    outcome.bytes_kept_for_space = rest.wasted_bytes();
    storage.remove_stale_temporaries(Stale::Anywhere).map(|_| ())
}

/// Names packs, where there is room for it. Where there is none they stay without: a run that stores
/// takes them over.
fn name_packs(repository: &Repository, run: RunId, naming: &mut Naming, packs: &[(PackId, u64)]) -> Result<()> {
    if packs.is_empty() {
        return Ok(());
    }
    let named = repository.chunks().name_packs(run, packs, &mut |pack, segment| {
        naming.add(pack, segment);
    });
    match named {
        Err(error) if error.kind() == ErrorKind::Full => Ok(()),
        named => named,
    }
}
