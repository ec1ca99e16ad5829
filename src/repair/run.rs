//! The course of a repair: small objects, the index, all data, what is lost, and then the mending.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::index::{name_strangers, read_strangers, stop_naming};
use super::outcome::Outcome;
use super::request::Request;
use super::salvage::{find_whole_chunks, move_chunks};
use super::small::mend_small_objects;
use crate::crypto::random_bytes;
use crate::error::Result;
use crate::id::{ChunkId, PackId, RunId};
use crate::progress::{Finding, FindingKind, Progress, Stage, Topic};
use crate::repository::{ChunkReader, INDEX, KEYS, PackListing, RECORDS, Repository, SNAPSHOTS, pack_name, set_aside, with_reserve};
use crate::storage::{LockMode, Stale, Storage};
use crate::verify::{self, Damage, DamagedObject, Gathering, Trees, check_segments, read_packs};

/// Reads everything in `repository`, sets aside what is damaged, and mends what can be mended.
///
/// # Errors
/// `Busy` when a prune or another repair is at work; `Unsupported` when something there is of a later
/// version; `Full` when there is no room for what is saved from damaged packs: nothing was moved
/// away then; those of the storage; `Interrupted`.
pub fn run(repository: &Repository, request: &Request, progress: &dyn Progress) -> Result<Outcome> {
    let storage = Arc::clone(repository.storage());
    let _alone = repository.lock_alone(progress)?;
    let _lock = repository.wait_for_lock(LockMode::Exclusive, progress)?;
    let run = RunId(random_bytes()?);
    let mut outcome = Outcome::default();

    progress.stage(Stage::CheckObjects);
    // Read again: others may have written since the repository was opened.
    let repository = repository.read_again()?;
    let foreign = repository.find_foreign()?;
    let repository = repository.passing_over(&foreign);
    outcome.foreign = foreign.counts.into_iter().collect();
    if !request.dry_run {
        make_durable(&*storage)?;
        // Nobody else writes now: what runs that died left takes space that the repair may need.
        storage.remove_stale_temporaries(Stale::Anywhere)?;
    }
    let (repository, roots) = mend_small_objects(repository, request, &mut outcome, progress)?;

    progress.stage(Stage::CheckPacks);
    let mut found = verify::Outcome::default();
    let damage = Mutex::new(Damage::default());
    let looked = check_segments(&repository, &damage, &mut found, progress)?;
    let listing = PackListing::read(&*storage)?;
    let strangers = read_strangers(&repository, &looked, &listing, &damage, progress)?;
    outcome.packs_indexed = strangers.known.len() as u64;
    let indexed = name_strangers(&repository, run, strangers.known, &looked, request.dry_run)?;

    progress.stage(Stage::CheckData);
    let mut readable: Vec<(PackId, u64)> = indexed.packs.values().map(|pack| (pack.id, pack.bytes)).collect();
    readable.retain(|(id, bytes)| listing.packs().get(id) == Some(bytes) && !is_damaged(&damage, id));
    readable.sort_unstable();
    read_packs(&repository, &readable, &damage, &mut found, progress).1?;
    let mut damage = damage.into_inner().unwrap_or_else(PoisonError::into_inner);
    let unknown = look_again(&repository, &listing, &mut damage, strangers.unknown, progress)?;

    progress.stage(Stage::CheckTrees);
    let reader = repository.chunks().reader_with(Arc::clone(&indexed.index)).without_reload();
    let walked = Trees::new(&reader, &indexed.index, &damage, progress).walk(&roots, &mut found)?;
    if walked.is_suspicious {
        find_affected(&repository, &reader, &damage, &mut outcome, progress)?;
    }

    progress.stage(Stage::Mend);
    record_loss(&repository, &walked.lost, request, &mut outcome)?;
    outcome.missing = repository.catalogued_from_sealed()?.rollback;
    // Where nothing is lost, nothing needs what only they may hold. Else another copy of a segment may tell what it is.
    outcome.packs_unknown = if outcome.has_loss() || !outcome.foreign.is_empty() { unknown.len() as u64 } else { 0 };
    let needless: Vec<String> = unknown.iter().filter(|_| outcome.packs_unknown == 0).map(|(id, _)| pack_name(id)).collect();
    let bad: BTreeSet<PackId> = listing.packs().keys().filter(|id| damage.has_pack(id)).copied().collect();
    let moves = find_whole_chunks(&indexed, &bad, &damage, &mut outcome)?;
    if !request.dry_run {
        with_reserve(&*storage, || move_chunks(&repository, run, &reader, &moves, progress))?;
        let names: Vec<String> = bad.iter().map(pack_name).chain(needless).collect();
        set_aside(&*storage, names.iter().map(String::as_str))?;
    }
    let gone: HashSet<PackId> = indexed.packs.keys().filter(|id| damage.has_pack(id)).copied().collect();
    outcome.segments_replaced = stop_naming(&repository, run, &gone, request.dry_run)?;
    outcome.damaged.append(&mut found.damaged);
    outcome.damaged.extend(damage.objects());
    outcome.damaged.extend(unknown.into_iter().map(|(id, problem)| {
        let left = "; no index segment names it, so nobody knows what it holds, and it is left where it is";
        let problem = if outcome.packs_unknown > 0 { problem + left } else { problem };
        DamagedObject { name: pack_name(&id), problem }
    }));
    outcome.damaged.sort_by(|a, b| a.name.cmp(&b.name));
    for object in &outcome.damaged {
        progress.report(Finding::new(FindingKind::Note(Topic::Object), object.name.as_bytes(), object.problem.as_str()));
    }
    Ok(outcome)
}

/// Makes durable what is seen. A run or a repair that died may have published or set aside without its
/// own sync, and what follows from what is seen must not outlive it.
fn make_durable(storage: &dyn Storage) -> Result<()> {
    let folders = [KEYS, RECORDS, SNAPSHOTS, INDEX].map(str::to_owned);
    // Some tools leave out empty folders when they copy a repository.
    with_reserve(storage, || folders.iter().try_for_each(|folder| storage.create_folder(folder)))?;
    storage.sync(&folders)
}

/// Takes a second look at packs that seem damaged: a disk that could not read for a moment must not cost
/// a pack that is whole. Returns those of `unknown` of which nobody knows even now what they hold.
///
/// # Errors
/// As [`run`].
fn look_again(
    repository: &Repository,
    listing: &PackListing,
    damage: &mut Damage,
    mut unknown: Vec<(PackId, String)>,
    progress: &dyn Progress,
) -> Result<Vec<(PackId, String)>> {
    if damage.is_empty() && unknown.is_empty() {
        return Ok(unknown);
    }
    let (again, mut found) = (Mutex::new(Damage::default()), verify::Outcome::default());
    let looked = check_segments(repository, &again, &mut found, progress)?;
    let strangers = read_strangers(repository, &looked, listing, &again, progress)?;
    unknown.retain(|(id, _)| strangers.unknown.iter().any(|(again, _)| again == id));
    let mut packs: Vec<(PackId, u64)> = listing.packs().iter().map(|(id, bytes)| (*id, *bytes)).collect();
    packs.retain(|(id, _)| damage.has_pack(id) && !is_damaged(&again, id));
    packs.sort_unstable();
    read_packs(repository, &packs, &again, &mut found, progress).1?;
    let again = again.into_inner().unwrap_or_else(PoisonError::into_inner);
    damage.retain(|id| again.has_pack(id));
    Ok(unknown)
}

fn is_damaged(damage: &Mutex<Damage>, pack: &PackId) -> bool {
    damage.lock().unwrap_or_else(PoisonError::into_inner).has_pack(pack)
}

/// Finds the paths and snapshots that cannot be restored whole.
fn find_affected(
    repository: &Repository,
    reader: &ChunkReader,
    damage: &Damage,
    outcome: &mut Outcome,
    progress: &dyn Progress,
) -> Result<()> {
    let mut gathering = Gathering::new(reader, damage, progress);
    for id in repository.objects().list_snapshots()? {
        match repository.objects().read_manifest(&id) {
            Ok(manifest) => gathering.look_at(&id, &manifest)?,
            // Only in a dry run is a damaged one still listed.
            Err(error) if error.is_damage() => {}
            Err(error) => return Err(error),
        }
    }
    let mut found = verify::Outcome::default();
    gathering.finish(&mut found);
    outcome.affected = found.affected;
    outcome.affected_more = found.affected_more;
    Ok(())
}

/// Records the chunks that are lost and were not recorded before.
fn record_loss(repository: &Repository, lost: &HashSet<ChunkId>, request: &Request, outcome: &mut Outcome) -> Result<()> {
    let known = repository.facts().absent();
    let new: Vec<ChunkId> = lost.iter().filter(|id| !known.contains(id)).copied().collect();
    outcome.chunks_lost = lost.len() as u64;
    outcome.chunks_newly_lost = new.len() as u64;
    if request.dry_run || new.is_empty() {
        return Ok(());
    }
    with_reserve(&**repository.storage(), || repository.publish_absent(new.clone(), (request.clock)()))
}
