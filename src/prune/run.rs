//! One prune, from its lock to the last removal.

use std::sync::Arc;

use super::guard::{Allowed, check};
use super::mark::Marker;
use super::naming::Naming;
use super::plan::{Basis, Plan, make_plan};
use super::request::{Outcome, Request};
use super::rewrite::move_chunks;
use super::rewriting::Move;
use super::sweep::{Held, remove_new_unnamed_packs, remove_packs};
use crate::crypto::random_bytes;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{PackId, RunId, SnapshotId};
use crate::progress::{Finding, FindingKind, Progress, Stage, Topic};
use crate::repository::{PackListing, Repository, SNAPSHOTS, make_reserve, pack_name, release_reserve, snapshot_name, sync_folder};
use crate::storage::{LockMode, Stale, ask_each};

/// Removes the snapshots of `request` and frees what nothing needs any more.
///
/// A disk that is full is no obstacle: what needs no space is removed first, and what needs a little takes
/// it from the reserve.
///
/// # Errors
/// `Busy` when another prune is at work; `Damaged` when what is needed cannot be read, or when snapshots
/// are missing that nobody removed, and `Invalid` when the clock is behind: then nothing was removed;
/// `Interrupted`; those of the storage.
pub fn run(repository: &Repository, request: &Request, progress: &dyn Progress) -> Result<Outcome> {
    let storage = repository.storage();
    let alone = repository.lock_alone(progress)?;
    progress.stage(Stage::Mark);
    let mut marker = {
        let _lock = repository.wait_for_lock(LockMode::Shared, progress)?;
        let allowed = check(repository, request, request.dry_run)?;
        let basis = look_around(repository, &allowed)?;
        let mut marker = Marker::new(basis.reader.index());
        marker.mark(&basis.reader, &allowed.keep, &basis.absent, progress)?;
        marker
    };
    if !request.dry_run {
        progress.stage(Stage::WaitForSnapshots);
    }
    let lock = if request.dry_run { None } else { Some(repository.wait_for_lock(LockMode::Exclusive, progress)?) };
    progress.stage(Stage::Mark);
    // Again: something may have been committed or pinned meanwhile. From here on nothing new appears.
    let allowed = check(repository, request, true)?;
    let basis = look_around(repository, &allowed)?;
    marker.mark(&basis.reader, &allowed.keep, &basis.absent, progress)?;

    let pages_given_up = marker.skipped_count();
    if pages_given_up > 0 && !request.accept_loss {
        return Err(refuse_unknown(pages_given_up));
    }
    progress.stage(Stage::Plan);
    let mut naming = Naming::default();
    let plan = make_plan(&basis, &mut naming, &marker.into_needed(), progress)?;
    for id in &basis.unnamed.unreadable {
        let message = "no segment names it and it cannot be read, so it is left alone; `repo repair` looks after it";
        progress.report(Finding::new(FindingKind::Warning(Topic::Object), pack_name(id), message));
    }
    let mut outcome = Outcome {
        snapshots_removed: allowed.remove.len() as u64,
        snapshots_protected: allowed.protected,
        packs_removed: plan.dead.len() as u64,
        packs_rewritten: plan.rewriting.packs.len() as u64,
        pages_given_up,
        packs_named: plan.unnamed.len() as u64,
        packs_unreadable: basis.unnamed.unreadable.len() as u64,
        bytes_before: basis.listing.stored_bytes(),
        bytes_kept_unused: plan.kept_unused_bytes,
        ..Outcome::default()
    };
    if request.dry_run {
        let gone = plan.dead.iter().map(|(_, bytes)| bytes).sum::<u64>() + plan.rewriting.gone_bytes();
        outcome.bytes_after = (outcome.bytes_before - gone) + plan.rewriting.moved_bytes();
    } else {
        progress.stage(Stage::Sweep);
        let held = Held { alone: &*alone, lock: lock.as_deref() };
        remove_snapshots(repository, held, &allowed)?;
        sweep(&basis, held, &mut naming, plan, &mut outcome, progress)?;
        outcome.bytes_after = PackListing::read(&**storage)?.stored_bytes();
        make_reserve(&**storage, outcome.bytes_after)?;
    }
    outcome.bytes_freed = outcome.bytes_before.saturating_sub(outcome.bytes_after);
    Ok(outcome)
}

/// Why nothing goes while pages are lost that snapshots need.
///
/// Not even snapshots: it would free nothing, and one of them may be the last that still names, whole,
/// what the lost pages named.
fn refuse_unknown(pages: u64) -> Error {
    let message = format!(
        "{pages} pages of trees that the remaining snapshots need are lost, and what lies below them is unknown, so nothing is \
         removed (`repo check` names the paths); put the lost packs back from another copy and run `repo repair`, or take a \
         snapshot of a source that still has these folders, or forget the snapshots that need them; or give --accept-loss, \
         and what only these pages named is freed for good"
    );
    Error::new(ErrorKind::Damaged, message)
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
    mut plan: Plan,
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

/// What is there, named by segments or not. The snapshots were listed before, so all that they name is.
fn look_around<'a>(repository: &'a Repository, allowed: &Allowed) -> Result<Basis<'a>> {
    let (listing, chunks) = (PackListing::read(&**repository.storage())?, repository.chunks());
    let (index, unnamed) = chunks
        .check_segment_bytes()
        .and_then(|()| chunks.open_index_of_all(&listing))
        .map_err(|error| error.context("what snapshots need cannot be looked up, so nothing is removed"))?;
    // Nothing is removed meanwhile, so what is not in this index is nowhere.
    let reader = chunks.reader_with(Arc::new(index)).without_reload();
    Ok(Basis { repository, reader, listing, unnamed, absent: allowed.absent.clone() })
}
