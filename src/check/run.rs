//! The course of a check: small objects, index and packs, trees, data, and what damage costs.

use crate::cancel::check_cancelled;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use super::request::{Data, Request};
use super::sample::{Checked, choose};
use crate::error::{Error, ErrorKind, Result};
use crate::id::PackId;
use crate::index::Index;
use crate::pack::read_directory;
use crate::progress::{Finding, FindingKind, Progress, Stage, Topic};
use crate::repository::{
    ChunkReader, INDEX, KEYS, PACKS, PackListing, RECORDS, Repository, SNAPSHOTS, lone_problem, lone_record_problem, pack_name,
};
use crate::verify::{
    Damage, DamagedObject, Gathering, Looked, NoteAbout, Outcome, Trees, check_keys_and_records, check_manifests, check_segments,
    expected_hash, is_bad_pack, problem_of, read_packs,
};

/// Opening the index is tried again when a prune removed a segment meanwhile.
const TRIES_MAX: usize = 3;

/// Checks `repository` and says what is damaged, which is also reported to `progress`, object by
/// object, when all is known.
///
/// # Errors
/// Those of the storage that are no damage; `Unsupported` when an object is of a later version;
/// `Interrupted`; `Invalid` for a percentage out of range.
pub fn run(repository: &Repository, request: &Request, progress: &dyn Progress) -> Result<Outcome> {
    if let Data::Percent(percent) = request.data
        && !(percent > 0.0 && percent <= 100.0)
    {
        return Err(Error::new(ErrorKind::Invalid, "the percentage of data to read must be above 0 and not above 100"));
    }
    let mut outcome = Outcome::default();
    progress.stage(Stage::CheckObjects);
    check_keys_and_records(repository, &mut outcome, progress)?;
    if repository.facts().lacks_settings() {
        outcome.damaged.push(DamagedObject { name: RECORDS.to_owned(), problem: "a copy of the settings is missing".to_owned() });
    }
    for record in repository.settled_lone_records()? {
        outcome.damaged.push(DamagedObject { name: RECORDS.to_owned(), problem: lone_record_problem(&record) });
    }
    for key in repository.settled_lone_keys()? {
        outcome.damaged.push(DamagedObject { name: KEYS.to_owned(), problem: lone_problem(&key) });
    }
    // Snapshots before the index, the index before the packs: what was committed first is listed last.
    let roots = check_manifests(repository, &mut outcome, progress)?;
    if outcome.snapshots == 0 && has_lost_all(repository)? {
        let problem = "there is no snapshot, but there are packs, and no record says that all snapshots were removed".to_owned();
        outcome.damaged.push(DamagedObject { name: SNAPSHOTS.to_owned(), problem });
    }
    progress.stage(Stage::CheckPacks);
    let damage = Mutex::new(Damage::default());
    let looked = check_segments(repository, &damage, &mut outcome, progress)?;
    let index = Arc::new(open_index(repository, &looked)?);
    note_strangers(repository, &looked, &mut outcome)?;
    find_unreadable_strangers(repository, &looked, &mut outcome, progress)?;
    let mut damage = damage.into_inner().unwrap_or_else(PoisonError::into_inner);
    forget_removed(&mut damage, &index);

    progress.stage(Stage::CheckTrees);
    let reader = reader_over(repository, &looked, Arc::clone(&index));
    let walked = Trees::new(&reader, &index, &damage, progress).walk(&roots, &mut outcome)?;

    progress.stage(Stage::CheckData);
    let mut damage = check_data(repository, request, &index, damage, &mut outcome, progress)?;
    if walked.is_suspicious || !damage.is_empty() {
        progress.stage(Stage::FindAffected);
        find_affected(repository, &looked, &mut damage, &mut outcome, progress)?;
    }
    outcome.damaged.extend(damage.objects());
    outcome.damaged.sort_by(|a, b| a.name.cmp(&b.name));
    outcome.notes.sort_by(|a, b| a.name.cmp(&b.name));
    for object in &outcome.damaged {
        progress.report(Finding::new(FindingKind::Damaged, object.name.as_bytes(), object.problem.as_str()));
    }
    for note in &outcome.notes {
        progress.report(Finding::new(FindingKind::Note(Topic::Object), note.name.as_bytes(), note.message.as_str()));
    }
    Ok(outcome)
}

/// Whether snapshots must have been here, where none is. Records that name some are another matter (see
/// `repository::Rollback`): this is for repositories from before there were such records.
fn has_lost_all(repository: &Repository) -> Result<bool> {
    let packs = PackListing::read(&**repository.storage())?.packs().len();
    // A prune may have removed the last of them meanwhile.
    Ok(packs > 0 && !repository.facts().keeps_nothing() && !repository.read_facts()?.keeps_nothing())
}

/// The index over the segments that are listed now and that can be read.
fn open_index(repository: &Repository, looked: &Looked) -> Result<Index> {
    let open = || {
        if looked.bad_segments.is_empty() {
            return repository.chunks().open_index();
        }
        // In memory, so that the tables on this machine, which may know what the bad segment said,
        // stay for a repair.
        let good: Vec<_> = repository.objects().list_segments()?.into_iter().filter(|id| !looked.bad_segments.contains(id)).collect();
        Index::open(None, &good, &|id| repository.objects().read_segment(id))
    };
    let mut tries = 1;
    loop {
        match open() {
            Err(error) if error.is_not_found() && tries < TRIES_MAX => tries += 1,
            outcome => return outcome,
        }
    }
}

/// A reader of what every machine can read: not by the tables of this one, which may know what a bad segment said.
fn reader_over(repository: &Repository, looked: &Looked, index: Arc<Index>) -> ChunkReader {
    let reader = repository.chunks().reader_with(index);
    if looked.bad_segments.is_empty() { reader } else { reader.without_reload() }
}

/// Looks into the packs that only bad segments may name: what they hold is known from their own directories then.
fn find_unreadable_strangers(repository: &Repository, looked: &Looked, outcome: &mut Outcome, progress: &dyn Progress) -> Result<()> {
    if looked.bad_segments.is_empty() {
        return Ok(());
    }
    let listing = PackListing::read(&**repository.storage())?;
    for (id, bytes) in listing.packs().iter().filter(|(id, _)| !looked.packs.contains(id)) {
        check_cancelled(progress)?;
        let name = pack_name(id);
        match read_directory(&**repository.storage(), repository.keys(), &name, *bytes) {
            Err(error) if is_bad_pack(&error) => {
                outcome.notes.retain(|note| note.name != name);
                let problem = format!("{}; no index segment that can be read names it", problem_of(&name, &error));
                outcome.damaged.push(DamagedObject { name, problem });
            }
            read => drop(read?),
        }
    }
    Ok(())
}

/// A pack that the index does not name any more was removed by a prune while it was checked.
fn forget_removed(damage: &mut Damage, index: &Index) {
    if !damage.is_empty() {
        let named: HashSet<PackId> = index.packs().into_iter().map(|(id, ..)| id).collect();
        damage.retain(|id| named.contains(id));
    }
}

/// Notes what lies in the folders of the index and of the packs and does not belong there.
fn note_strangers(repository: &Repository, looked: &Looked, outcome: &mut Outcome) -> Result<()> {
    for listed in repository.storage().list(INDEX)? {
        if expected_hash(INDEX, &listed.name).is_none() {
            outcome.notes.push(NoteAbout { name: listed.name, message: "it is not named as an object and left alone".to_owned() });
        }
    }
    for listed in repository.storage().list(PACKS)? {
        let message = match expected_hash(PACKS, &listed.name) {
            None => "it is not named as a pack in its place",
            Some(hash) if looked.packs.contains(&PackId(hash)) => continue,
            Some(_) if looked.bad_segments.is_empty() => "no index segment names it; an interrupted or a running snapshot left it",
            Some(_) => "no index segment that can be read names it",
        };
        outcome.notes.push(NoteAbout { name: listed.name, message: message.to_owned() });
    }
    Ok(())
}

/// Reads as much data as is asked for, and remembers what was.
fn check_data(
    repository: &Repository,
    request: &Request,
    index: &Index,
    damage: Damage,
    outcome: &mut Outcome,
    progress: &dyn Progress,
) -> Result<Damage> {
    let present = PackListing::read(&**repository.storage())?;
    let mut packs: Vec<(PackId, u64)> = index.packs().into_iter().map(|(id, _, bytes)| (id, bytes)).collect();
    packs.retain(|(id, bytes)| !damage.has_pack(id) && present.packs().get(id) == Some(bytes));
    packs.dedup();
    let file = repository.cache().map(|cache| cache.checked());
    let mut checked = file.as_deref().map(Checked::load).unwrap_or_default();
    let now = (request.clock)();
    let chosen = choose(&packs, &checked, request.data, now);
    outcome.packs_not_read = (packs.len() - chosen.len()) as u64;
    if chosen.is_empty() {
        return Ok(damage);
    }
    let damage = Mutex::new(damage);
    let (whole, read) = read_packs(repository, &chosen, &damage, outcome, progress);
    let damage = damage.into_inner().unwrap_or_else(PoisonError::into_inner);
    checked.update(&whole, now, &packs);
    chosen.iter().filter(|(id, _)| damage.has_pack(id)).for_each(|(id, _)| checked.forget(id));
    if let Some(file) = file
        && let Err(error) = checked.save(&file)
    {
        let message = format!("what was read cannot be remembered, so the next check may read it again: {error}");
        outcome.notes.push(NoteAbout { name: String::new(), message });
    }
    read.map(|()| damage)
}

/// Finds the paths and snapshots that damage touches, after one more look at what is there.
fn find_affected(
    repository: &Repository,
    looked: &Looked,
    damage: &mut Damage,
    outcome: &mut Outcome,
    progress: &dyn Progress,
) -> Result<()> {
    let snapshots = repository.objects().list_snapshots()?;
    let index = Arc::new(open_index(repository, looked)?);
    forget_removed(damage, &index);
    let reader = reader_over(repository, looked, index);
    let mut gathering = Gathering::new(&reader, damage, progress);
    for id in snapshots {
        match repository.objects().read_manifest(&id) {
            Ok(manifest) => gathering.look_at(&id, &manifest)?,
            // A damaged one is in the list of objects; one that is gone was removed meanwhile.
            Err(error) if error.is_damage() => {}
            Err(error) => return Err(error),
        }
    }
    gathering.finish(outcome);
    Ok(())
}
