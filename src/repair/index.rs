//! Makes the index say what is there: names packs that no segment names, and stops naming packs that
//! are gone or damaged.

use crate::cancel::check_cancelled;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex};

use rayon::prelude::*;

use crate::error::Result;
use crate::id::{PackId, RunId, SegmentId};
use crate::index::{Index, IndexSegment, IndexedPack};
use crate::pack::read_directory;
use crate::progress::Progress;
use crate::repository::{INDEX, PackListing, Repository, pack_name, segment_name, set_aside, split_segments, with_reserve};
use crate::verify::{Damage, Looked, check_told_pack, is_bad_pack, problem_of};

/// All packs that are there or are named, as the index is to say.
pub(super) struct Indexed {
    pub index: Arc<Index>,
    pub packs: HashMap<PackId, IndexedPack>,
}

/// Packs that no readable segment names.
#[derive(Default)]
pub(super) struct Strangers {
    /// What their directories say, or, where one cannot be read, what segments that were set aside and this machine's
    /// tables say.
    pub known: Vec<IndexedPack>,
    /// Those of which nobody knows what they hold, and why.
    pub unknown: Vec<(PackId, String)>,
}

/// Reads the directories of the packs that no readable segment names. What is wrong with those that something
/// else tells of goes to `damage`.
///
/// # Errors
/// Those of the storage that are no damage; `Interrupted`.
pub(super) fn read_strangers(
    repository: &Repository,
    looked: &Looked,
    listing: &PackListing,
    damage: &Mutex<Damage>,
    progress: &dyn Progress,
) -> Result<Strangers> {
    let (storage, keys) = (&**repository.storage(), repository.keys());
    let mut strangers: Vec<(PackId, u64)> = listing.packs().iter().map(|(id, bytes)| (*id, *bytes)).collect();
    strangers.retain(|(id, _)| !looked.packs.contains(id) && !repository.objects().passes_over(&pack_name(id)));
    strangers.sort_unstable();
    let read = |(id, bytes): &(PackId, u64)| {
        check_cancelled(progress)?;
        let name = pack_name(id);
        match read_directory(storage, keys, &name, *bytes) {
            Ok((directory, kind, (data_begin, data_end))) => {
                Ok(Ok(IndexedPack { id: *id, kind, bytes: *bytes, data_begin, data_end, frames: directory.frames }))
            }
            Err(error) if is_bad_pack(&error) => Ok(Err((*id, problem_of(&name, &error)))),
            Err(error) => Err(error),
        }
    };
    let mut found = Strangers::default();
    for read in strangers.par_iter().map(read).collect::<Result<Vec<_>>>()? {
        match read {
            Ok(pack) => found.known.push(pack),
            Err(unknown) => found.unknown.push(unknown),
        }
    }
    let told = repository.chunks().read_told_packs(&found.unknown.iter().map(|(id, _)| *id).collect())?;
    // It is damaged, and what is whole in it can be saved.
    told.par_iter().try_for_each(|pack| check_told_pack(repository, pack, listing, damage))?;
    found.unknown.retain(|(id, _)| told.iter().all(|pack| pack.id != *id));
    found.known.extend(told);
    Ok(found)
}

/// Publishes segments for `strangers`, sets the segments that cannot be read aside, and opens the index
/// that is there then; in a dry run one that only exists here.
///
/// # Errors
/// Those of the storage.
pub(super) fn name_strangers(
    repository: &Repository,
    run: RunId,
    strangers: Vec<IndexedPack>,
    looked: &Looked,
    is_dry: bool,
) -> Result<Indexed> {
    let storage = &**repository.storage();
    let good: Vec<SegmentId> = repository.objects().list_segments()?.into_iter().filter(|id| !looked.bad_segments.contains(id)).collect();
    let mut packs = HashMap::new();
    for id in &good {
        packs.extend(repository.objects().read_segment(*id)?.packs.into_iter().map(|pack| (pack.id, pack)));
    }
    packs.extend(strangers.iter().map(|pack| (pack.id, pack.clone())));
    let new = split_segments(strangers);
    if is_dry {
        // Ids that no object has: zeros and a number.
        let made_up = |n: usize| SegmentId(std::array::from_fn(|at| if at < 8 { (n as u64).to_le_bytes()[at] } else { 0 }));
        let new: HashMap<SegmentId, IndexSegment> = new.into_iter().enumerate().map(|(n, segment)| (made_up(n), segment)).collect();
        let all: Vec<SegmentId> = good.iter().chain(new.keys()).copied().collect();
        let load = |id: SegmentId| new.get(&id).cloned().map_or_else(|| repository.objects().read_segment(id), Ok);
        return Ok(Indexed { index: Arc::new(Index::open(None, &all, &load)?), packs });
    }
    // The run that left them may have died before it made their names durable.
    let folders: BTreeSet<String> = new.iter().flat_map(|segment| &segment.packs).filter_map(|pack| folder_of(&pack.id)).collect();
    storage.sync(&folders.into_iter().collect::<Vec<_>>())?;
    for segment in &new {
        with_reserve(storage, || repository.objects().publish_segment(run, segment))?;
    }
    if !new.is_empty() {
        storage.sync(&[INDEX.to_owned()])?;
    }
    let bad: Vec<String> = looked.bad_segments.iter().map(segment_name).collect();
    set_aside(storage, bad.iter().map(String::as_str))?;
    Ok(Indexed { index: Arc::new(repository.chunks().open_index()?), packs })
}

fn folder_of(pack: &PackId) -> Option<String> {
    pack_name(pack).rsplit_once('/').map(|(folder, _)| folder.to_owned())
}

/// Replaces every segment that names one of `gone` by one that does not, and returns how many there
/// were. The old ones are set aside.
///
/// # Errors
/// Those of the storage.
pub(super) fn stop_naming(repository: &Repository, run: RunId, gone: &HashSet<PackId>, is_dry: bool) -> Result<u64> {
    let mut old = Vec::new();
    let (mut survivors, mut seen) = (Vec::new(), HashSet::new());
    for id in repository.objects().list_segments()? {
        // In a dry run those that cannot be read are still listed.
        let segment = match repository.objects().read_segment(id) {
            Err(error) if is_dry && error.is_damage() => continue,
            other => other?,
        };
        if segment.packs.iter().any(|pack| gone.contains(&pack.id)) {
            old.push(segment_name(&id));
            survivors.extend(segment.packs.into_iter().filter(|pack| !gone.contains(&pack.id) && seen.insert(pack.id)));
        }
    }
    if !is_dry && !old.is_empty() {
        for segment in split_segments(survivors) {
            with_reserve(&**repository.storage(), || repository.objects().publish_segment(run, &segment))?;
        }
        repository.storage().sync(&[INDEX.to_owned()])?;
        set_aside(&**repository.storage(), old.iter().map(String::as_str))?;
    }
    Ok(old.len() as u64)
}
