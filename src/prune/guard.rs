//! What may be removed, by the sealed manifests themselves.
//!
//! Who asks for a prune decided by a listing, a while ago and without a lock. So everything that must
//! never happen is looked at again here, under the lock: nothing pinned, tagged to be kept or committed too
//! recently goes, nor what a differential that stays is measured against; nothing goes by a clock that is wrong,
//! and nothing goes while snapshots are missing that nobody has removed, because what those need looks unneeded.

use std::collections::{HashMap, HashSet};

use jiff::tz::TimeZone;

use super::request::Request;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ChunkId, SnapshotId};
use crate::manifest::Kind;
use crate::repository::{PackListing, Repository, Rollback, snapshot_name};
use crate::retention::{check_clock, protected_until};
use crate::storage::ask_all;
use crate::units::Timestamp;

/// So many manifests are held at a time.
pub(super) const MANIFESTS_AT_ONCE: usize = 32;

/// What goes and what stays of the snapshots that are there.
pub(super) struct Allowed {
    /// What goes, sorted.
    pub remove: Vec<SnapshotId>,
    /// What stays, newest first.
    pub keep: Vec<SnapshotId>,
    /// How many of these stay only because they were committed too recently.
    pub protected: u64,
    /// Chunks that are recorded as lost.
    pub absent: HashSet<ChunkId>,
    /// What is missing, and was accepted as gone.
    pub accepted: Option<Rollback>,
    /// What records say of what stays does not hold any more.
    pub is_kept_stale: bool,
    /// The time that all this was judged by.
    pub now: Timestamp,
}

/// Looks at every manifest that is there. The caller holds a lock; `is_settled` when no run that goes on could
/// be the first of the repository.
///
/// # Errors
/// `Damaged` when a manifest that stays cannot be read, or when snapshots are missing; `Invalid` when
/// ages matter and the clock is behind the newest snapshot; `Changed` when one was forgotten that rules had counted;
/// those of the storage.
pub(super) fn check(repository: &Repository, request: &Request, is_settled: bool) -> Result<Allowed> {
    let facts = repository.read_facts()?;
    facts.check_writable()?;
    let now = (request.clock)();
    let protect_seconds = if request.override_protection { 0 } else { facts.protection().seconds_at(now) };
    // Who asked for the removal of what was forgotten then did not ask for what is no longer.
    let is_unforgotten = |id: &SnapshotId| repository.facts().marks().is_forgotten(id) && !facts.marks().is_forgotten(id);
    let is_wanted = |id: &SnapshotId| !facts.marks().is_pinned(id) && !is_unforgotten(id);
    let wanted: HashSet<SnapshotId> = request.remove.iter().copied().filter(is_wanted).collect();
    let (remove, keep) = (Vec::new(), Vec::new());
    let mut allowed = Allowed { remove, keep, protected: 0, absent: facts.absent().clone(), accepted: None, is_kept_stale: false, now };
    let (mut bases, mut counters, mut present, mut committed) = (HashMap::new(), HashMap::new(), Vec::new(), HashMap::new());
    let listed = repository.objects().list_snapshots()?;
    let read = |ids| ask_all(&**repository.storage(), ids, |id: &SnapshotId| (*id, repository.objects().read_manifest(id)));
    for (id, manifest) in listed.chunks(MANIFESTS_AT_ONCE).flat_map(read) {
        let manifest = match manifest {
            // What is damaged can be forgotten, unless it may be protected.
            Err(error)
                if error.is_damage()
                    && wanted.contains(&id)
                    && protect_seconds == 0
                    && !repository.objects().is_foreign(&snapshot_name(&id))? =>
            {
                present.push((id, None));
                allowed.remove.push(id);
                continue;
            }
            manifest => manifest.map_err(|error| refuse_unreadable(&id, error))?,
        };
        present.push((id, manifest.previous));
        committed.insert(id, manifest.committed_at);
        if let Some(base) = manifest.base.filter(|_| manifest.kind == Kind::Differential) {
            bases.insert(id, base);
        }
        let is_protected = protected_until(manifest.committed_at, protect_seconds, now, &TimeZone::UTC).is_some();
        counters.insert(id, manifest.counter);
        // It may have got the tag since the rules let it go.
        let has_tag = || facts.marks().tags(&id, manifest.tags.clone()).iter().any(|tag| request.keep_tags.contains(tag));
        let is_kept_by_tag = !request.keep_tags.is_empty() && !facts.marks().is_forgotten(&id) && has_tag();
        let is_wanted = wanted.contains(&id) && !is_kept_by_tag;
        if is_wanted && !is_protected {
            allowed.remove.push(id);
        } else {
            allowed.protected += u64::from(is_wanted);
            allowed.keep.push(id);
        }
    }
    let is_newly_forgotten =
        |id: &SnapshotId| facts.marks().is_forgotten(id) && !repository.facts().marks().is_forgotten(id) && !request.remove.contains(id);
    if let Some((id, _)) = present.iter().find(|(id, _)| is_newly_forgotten(id))
        && wanted.iter().any(|id| !facts.marks().is_forgotten(id))
    {
        return Err(refuse_stale(id));
    }
    // A differential may have been committed since the rules let its base go.
    let mut waiting = allowed.keep.clone();
    while let Some(id) = waiting.pop() {
        let base = bases.get(&id).filter(|base| !facts.marks().is_forgotten(base));
        if let Some(at) = base.and_then(|base| allowed.remove.iter().position(|id| id == base)) {
            let base = allowed.remove.swap_remove(at);
            allowed.keep.push(base);
            waiting.push(base);
        }
    }
    // What goes says nothing about the clock, nor does what somebody has forgotten and is protected still:
    // it may have been forgotten because its own clock was wrong.
    let counted = allowed.keep.iter().filter(|id| !facts.marks().is_forgotten(id));
    let newest = counted.filter_map(|id| committed.get(id).map(|at| (*at, *id))).max();
    if let Some((committed_at, id)) = newest.filter(|_| !wanted.is_empty() && !request.override_protection) {
        check_clock(committed_at, &id, now, TimeZone::system)?;
    }
    match repository.find_rollback(&present)? {
        Some(rollback) if !request.accept_rollback => return Err(rollback.refusal()),
        accepted => allowed.accepted = accepted,
    }
    if present.is_empty() && is_settled && !request.accept_rollback && !facts.keeps_nothing() {
        refuse_emptiness(repository)?;
    }
    let named: HashSet<SnapshotId> = present.iter().filter_map(|(_, previous)| *previous).chain(facts.kept().iter().copied()).collect();
    let last = counters.values().max();
    // The newest is named by the next.
    let is_unnamed = |id: &SnapshotId| !named.contains(id) && counters.get(id) != last;
    let is_emptied = present.is_empty() && !facts.keeps_nothing();
    allowed.is_kept_stale = is_emptied || allowed.keep.iter().any(|id| facts.removed().contains(id) || is_unnamed(id));
    allowed.remove.sort_unstable();
    allowed.keep.sort_unstable_by_key(|id| std::cmp::Reverse((counters.get(id), *id)));
    Ok(allowed)
}

/// Refuses to free packs where no snapshot is there and no record says that none was to stay.
fn refuse_emptiness(repository: &Repository) -> Result<()> {
    match PackListing::read(&**repository.storage())?.packs().len() {
        0 => Ok(()),
        packs => {
            let message = format!(
                "there is no snapshot, but there are {packs} packs, and no record says that all snapshots were removed; nothing is \
                 removed. Put the folder snapshots/ back from another copy of the repository; if there never was a snapshot, or they \
                 are lost for good, run this once with --accept-rollback"
            );
            Err(Error::new(ErrorKind::Damaged, message))
        }
    }
}

/// Why nothing goes while the manifest of a snapshot cannot be read that nobody has forgotten.
pub fn refuse_unreadable(id: &SnapshotId, error: Error) -> Error {
    let message = format!("snapshot {0} cannot be read, so nothing is removed; run `repo repair`, or `repo forget {0}`", id.short());
    error.context(message)
}

/// Why nothing goes by rules that counted a snapshot which somebody has forgotten since: they would keep another one.
fn refuse_stale(id: &SnapshotId) -> Error {
    let message = format!("snapshot {} was forgotten after the rules had counted it, so nothing was removed; run it again", id.short());
    Error::new(ErrorKind::Changed, message)
}

/// An error about a snapshot that stays.
pub(super) fn refuse(id: &SnapshotId, error: Error) -> Error {
    error.context(format!("what snapshot {} needs cannot be read, so nothing is removed", id.short()))
}
