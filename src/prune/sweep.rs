//! Carries out a plan, in an order in which a crash loses nothing.

use std::collections::{BTreeSet, HashSet};

use super::naming::Naming;
use crate::error::Result;
use crate::id::{PackId, RunId, SegmentId};
use crate::index::{IndexSegment, IndexedPack, SEGMENTS_AT_ONCE};
use crate::progress::{Progress, Silent};
use crate::repository::{INDEX, PackListing, Repository, pack_name, segment_name, split_segments, sync_folder, with_reserve};
use crate::storage::{Lock, ask_each};

/// The locks under which something is removed.
#[derive(Clone, Copy)]
pub(super) struct Held<'l> {
    pub alone: &'l dyn Lock,
    pub lock: Option<&'l dyn Lock>,
}

impl Held<'_> {
    /// Asked before each removal: without the lock a snapshot may have begun meanwhile that relies on what goes.
    ///
    /// # Errors
    /// `Changed` when one of them is lost.
    pub fn check(self) -> Result<()> {
        self.alone.still_holds()?;
        self.lock.map_or(Ok(()), Lock::still_holds).map_err(|error| error.context("nothing more was removed"))
    }
}

/// Removes packs: first the index stops naming them, durably, then they go.
///
/// # Errors
/// Those of the storage.
pub(super) fn remove_packs(
    repository: &Repository,
    held: Held<'_>,
    run: RunId,
    naming: &mut Naming,
    packs: &HashSet<PackId>,
    progress: &dyn Progress,
) -> Result<()> {
    if packs.is_empty() {
        return Ok(());
    }
    let storage = repository.storage();
    let old = naming.segments_of(packs.iter());
    let mut waiting: Vec<IndexedPack> = Vec::new();
    let (mut seen, mut published) = (HashSet::new(), HashSet::new());
    let mut publish = |naming: &mut Naming, segment: IndexSegment| -> Result<()> {
        let (id, _) = with_reserve(&**storage, || repository.objects().publish_segment(run, &segment))?;
        segment.packs.iter().for_each(|pack| {
            naming.add(pack.id, id);
        });
        published.insert(id);
        Ok(())
    };
    let segments: Vec<SegmentId> = old.iter().copied().collect();
    repository.objects().each_segment(&segments, SEGMENTS_AT_ONCE, &mut |id, segment| {
        for pack in segment.packs {
            naming.remove(&pack.id, &id);
            if !packs.contains(&pack.id) && seen.insert(pack.id) {
                waiting.push(pack);
            }
        }
        // All but the last are as long as segments become, so memory does not grow with their number.
        let mut full = split_segments(std::mem::take(&mut waiting));
        waiting = full.pop().map_or_else(Vec::new, |last| last.packs);
        full.into_iter().try_for_each(|segment| publish(naming, segment))
    })?;
    split_segments(waiting).into_iter().try_for_each(|segment| publish(naming, segment))?;
    sync_folder(&**storage, INDEX)?;
    let gone: Vec<SegmentId> = old.iter().filter(|id| !published.contains(*id)).copied().collect();
    ask_each(&**storage, &gone, |id| held.check().and_then(|()| storage.remove(&segment_name(id))))?;
    sync_folder(&**storage, INDEX)?;
    remove_files(repository, held, packs, progress)
}

fn remove_files(repository: &Repository, held: Held<'_>, packs: &HashSet<PackId>, progress: &dyn Progress) -> Result<()> {
    let storage = repository.storage();
    let packs: Vec<PackId> = packs.iter().copied().collect();
    let remove = |pack: &PackId| {
        let name = pack_name(pack);
        held.check()?;
        storage.remove(&name)?;
        progress.add_done(1, 0);
        Ok(name.rsplit_once('/').map(|(folder, _)| folder.to_owned()))
    };
    let folders: BTreeSet<String> = ask_each(&**storage, &packs, remove)?.into_iter().flatten().collect();
    storage.sync(&folders.into_iter().collect::<Vec<_>>())
}

/// Removes the packs that no segment names and that are not in `before`: those of a rewrite that ran out
/// of space.
///
/// # Errors
/// Those of the storage.
pub(super) fn remove_new_unnamed_packs(repository: &Repository, held: Held<'_>, before: &PackListing) -> Result<()> {
    let mut unnamed: HashSet<PackId> = PackListing::read(&**repository.storage())?.packs().keys().copied().collect();
    unnamed.retain(|id| !before.packs().contains_key(id));
    for id in repository.objects().list_segments()? {
        repository.objects().read_segment(id)?.packs.iter().for_each(|pack| {
            unnamed.remove(&pack.id);
        });
    }
    remove_files(repository, held, &unnamed, &Silent)
}
