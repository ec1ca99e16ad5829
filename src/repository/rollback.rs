//! Notices a repository that shows an older set of snapshots than it has shown before: an old copy that
//! was put in place of a newer one, or a storage that hides what it has.
//!
//! Two things are held against the listing. The cache folder of this machine names the newest snapshot
//! that it has seen; and every manifest names the newest one that its writer knew. Either may only be
//! missing when a record says that it was removed on purpose (see `removals`). So a prune by any machine
//! raises no alarm on another, and nobody without the keys can explain a loss away. Why it is done so,
//! and what it cannot notice, is in `docs/decisions/0006-rollback.md`.

use std::collections::HashSet;
use std::fmt;

use super::Repository;
use crate::catalog::{Listing, Skipped, Summary};
use crate::error::{Error, ErrorKind, Result};
use crate::id::SnapshotId;
use crate::units::Timestamp;

/// A snapshot of another writer is remembered when it is so many seconds old: until its folder was
/// synced a power cut may take it back, and that is no rollback.
const SETTLED_SECONDS: i64 = 60;
/// A record that explains a loss may be replaced by another while records are read; so often they are
/// read again.
const ATTEMPTS: usize = 3;
/// So many ids are written out in a message.
const SHOWN_MAX: usize = 3;

/// Snapshots that are missing, and that nobody has removed on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollback {
    /// The missing snapshots, sorted; at least one.
    pub missing: Vec<SnapshotId>,
    /// This machine has seen one of them here; otherwise other snapshots tell of them.
    pub was_seen: bool,
}

impl fmt::Display for Rollback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<String> = self.missing.iter().take(SHOWN_MAX).map(SnapshotId::short).collect();
        let (word, verb) = if self.missing.len() == 1 { ("snapshot", "is") } else { ("snapshots", "are") };
        let more = match self.missing.len().saturating_sub(SHOWN_MAX) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let witness = if self.was_seen { "this machine has seen here" } else { "other snapshots refer to" };
        write!(
            f,
            "the repository shows an older state than before: {word} {}{more}, which {witness}, {verb} missing and nobody removed them",
            shown.join(", ")
        )
    }
}

impl Rollback {
    /// Why nothing may be removed.
    pub fn refusal(&self) -> Error {
        let message = format!(
            "{self}; nothing is removed. If this is a copy that was put back on purpose, or they were lost for good, \
             run this once with --accept-rollback"
        );
        Error::new(ErrorKind::Damaged, message)
    }
}

impl Repository {
    /// What is missing from `present`: pairs of a snapshot that is listed and the one that its manifest
    /// says was the newest before, if that can be read.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn find_rollback(&self, present: &[(SnapshotId, Option<SnapshotId>)]) -> Result<Option<Rollback>> {
        let listed: HashSet<SnapshotId> = present.iter().map(|(id, _)| *id).collect();
        let seen = self.cache.as_ref().and_then(|cache| cache.seen());
        let named = present.iter().filter_map(|(_, previous)| *previous).chain(seen);
        let mut missing: Vec<SnapshotId> = named.filter(|id| !listed.contains(id) && !self.facts.removed().contains(id)).collect();
        for _ in 0..ATTEMPTS {
            if missing.is_empty() {
                return Ok(None);
            }
            // A prune may have gone by since the repository was opened or the snapshots were listed. What
            // explains a loss is durable before the loss, so it is looked for last.
            let listed: HashSet<SnapshotId> = self.list_snapshots()?.into_iter().collect();
            let facts = self.read_facts()?;
            missing.retain(|id| !listed.contains(id) && !facts.removed().contains(id));
        }
        missing.sort_unstable();
        missing.dedup();
        let was_seen = seen.is_some_and(|seen| missing.contains(&seen));
        Ok((!missing.is_empty()).then_some(Rollback { missing, was_seen }))
    }

    /// Looks for a rollback in a listing, and remembers the newest of it when there is none.
    pub(super) fn watch_rollback(&self, listing: &Listing, skipped: &Skipped, now: Timestamp) -> Result<Option<Rollback>> {
        let readable = listing.summaries().iter().map(|summary| (summary.id, summary.previous));
        let present: Vec<_> = readable.chain(skipped.snapshots.iter().map(|(id, _)| (*id, None))).collect();
        let rollback = self.find_rollback(&present)?;
        if rollback.is_none() {
            self.remember_newest(listing.summaries(), now);
        }
        Ok(rollback)
    }

    /// Remembers the newest of `summaries`, which are in order, unless one as new is remembered already.
    fn remember_newest(&self, summaries: &[Summary], now: Timestamp) {
        let Some(cache) = &self.cache else { return };
        let is_settled = |summary: &&Summary| summary.committed_at.plus_seconds(SETTLED_SECONDS) <= now;
        let Some(newest) = summaries.iter().rev().find(is_settled) else { return };
        let seen = cache.seen().and_then(|seen| summaries.iter().find(|summary| summary.id == seen));
        if seen.is_none_or(|seen| seen.order() < newest.order()) {
            // Where it cannot be written, a rollback is noticed by what manifests say, or not at all.
            let _ = cache.set_seen(&newest.id);
        }
    }

    /// Remembers a snapshot that this machine has just committed, durably.
    pub fn remember_snapshot(&self, id: &SnapshotId) {
        if let Some(cache) = &self.cache {
            let _ = cache.set_seen(id);
        }
    }

    /// Takes the present state for the right one: a record says from now on, to all machines, that what
    /// is missing is gone for good. The caller holds the lock.
    ///
    /// # Errors
    /// As [`Repository::record_removal`].
    pub fn accept_rollback(&self, rollback: &Rollback, now: Timestamp) -> Result<()> {
        self.record_removal(&rollback.missing, now)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::crypto::{Algorithm, Argon2Cost};
    use crate::id::{ClientId, RootId, RunId};
    use crate::manifest::{Counts, Kind, Manifest, REMOVED, SnapshotOptions};
    use crate::repository::{CreateOptions, OpenOptions, create, snapshot_name};
    use crate::storage::{MemoryStorage, Storage};
    use crate::wire::Extensions;

    const LONG_AGO: Timestamp = Timestamp::new(1_000_000_000, 0);

    fn storage() -> Arc<MemoryStorage> {
        let storage = Arc::new(MemoryStorage::new());
        let cost = Argon2Cost { memory_kib: 64, passes: 1, lanes: 1 };
        create(&*storage, &CreateOptions { algorithm: Algorithm::None, credential: None, cost, now: LONG_AGO }).unwrap();
        storage
    }

    fn open(storage: &Arc<MemoryStorage>, cache: Option<&Path>) -> Repository {
        let options = OpenOptions { cache_root: cache.map(Into::into), ..OpenOptions::default() };
        Repository::open(storage.clone() as Arc<dyn Storage>, options).unwrap()
    }

    fn publish(repository: &Repository, counter: u64, previous: Option<SnapshotId>, committed_at: Timestamp) -> SnapshotId {
        let manifest = Manifest {
            run: RunId([1; 16]),
            client: ClientId([2; 16]),
            counter,
            previous,
            kind: Kind::Full,
            base: None,
            series: "home".into(),
            host: "host".into(),
            user: "user".into(),
            time: committed_at,
            started_at: committed_at,
            committed_at,
            clocks: Vec::new(),
            paths: Vec::new(),
            options: SnapshotOptions::default(),
            tags: Vec::new(),
            program: "test".into(),
            root: RootId([3; 32]),
            entries: Vec::new(),
            counts: Counts::default(),
            extensions: Extensions::none(),
        };
        repository.publish_manifest(&manifest).unwrap()
    }

    fn rollback(storage: &Arc<MemoryStorage>, cache: Option<&Path>) -> Option<Rollback> {
        open(storage, cache).catalogued().unwrap().rollback
    }

    #[test]
    fn a_machine_misses_the_newest_that_it_has_seen_and_others_do_not() {
        let (storage, here, there) = (storage(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let repository = open(&storage, None);
        let first = publish(&repository, 1, None, LONG_AGO);
        let second = publish(&repository, 2, Some(first), LONG_AGO);
        assert_eq!(rollback(&storage, Some(here.path())), None);
        storage.remove(&snapshot_name(&second)).unwrap();
        let noticed = rollback(&storage, Some(here.path())).unwrap();
        assert_eq!(noticed, Rollback { missing: vec![second], was_seen: true });
        // Looking does not make it right, and who was not there cannot know.
        assert_eq!(rollback(&storage, Some(here.path())), Some(noticed.clone()));
        assert_eq!(rollback(&storage, Some(there.path())), None);
        open(&storage, Some(here.path())).accept_rollback(&noticed, LONG_AGO).unwrap();
        assert_eq!(rollback(&storage, Some(here.path())), None);
        // What is there now is what is remembered.
        storage.remove(&snapshot_name(&first)).unwrap();
        assert_eq!(rollback(&storage, Some(here.path())).unwrap().missing, [first]);
    }

    #[test]
    fn a_chain_with_a_hole_is_noticed_by_everybody_and_a_recorded_removal_is_not() {
        let storage = storage();
        let repository = open(&storage, None);
        let first = publish(&repository, 1, None, LONG_AGO);
        let second = publish(&repository, 2, Some(first), LONG_AGO);
        publish(&repository, 3, Some(second), LONG_AGO);
        repository.record_removal(&[first], LONG_AGO).unwrap();
        for id in [first, second] {
            storage.remove(&snapshot_name(&id)).unwrap();
        }
        let noticed = rollback(&storage, None).unwrap();
        assert_eq!(noticed, Rollback { missing: vec![second], was_seen: false });
        assert!(noticed.to_string().contains("which other snapshots refer to, is missing"), "{noticed}");
    }

    #[test]
    fn a_snapshot_that_a_power_cut_may_still_take_back_is_not_remembered() {
        let (storage, cache) = (storage(), tempfile::tempdir().unwrap());
        let fresh = publish(&open(&storage, None), 1, None, Timestamp::now());
        assert_eq!(rollback(&storage, Some(cache.path())), None);
        storage.remove(&snapshot_name(&fresh)).unwrap();
        assert_eq!(rollback(&storage, Some(cache.path())), None);
    }

    #[test]
    fn a_damaged_manifest_is_there_and_not_missing() {
        let storage = storage();
        let repository = open(&storage, None);
        let first = publish(&repository, 1, None, LONG_AGO);
        publish(&repository, 2, Some(first), LONG_AGO);
        storage.remove(&snapshot_name(&first)).unwrap();
        let mut upload = storage.create("snapshots").unwrap();
        upload.write(b"not a manifest").unwrap();
        upload.publish(&snapshot_name(&first)).unwrap();
        assert_eq!(rollback(&storage, None), None);
    }

    #[test]
    fn what_was_removed_is_gathered_into_few_records() {
        let storage = storage();
        let repository = open(&storage, None);
        let id = |number: u32| {
            let mut bytes = [9; 32];
            bytes[..4].copy_from_slice(&number.to_be_bytes());
            SnapshotId(bytes)
        };
        let count = || {
            let listing = open(&storage, None).catalogued().unwrap().listing;
            listing.records().iter().filter(|(_, row)| row.record_type == REMOVED).count()
        };
        for number in 0..5 {
            repository.record_removal(&[id(number)], LONG_AGO).unwrap();
        }
        assert_eq!((count(), open(&storage, None).facts().removed().len()), (1, 5));
        repository.record_removal(&(0..20_000).map(id).collect::<Vec<_>>(), LONG_AGO).unwrap();
        repository.record_removal(&[id(30_000)], LONG_AGO).unwrap();
        assert_eq!((count(), open(&storage, None).facts().removed().len()), (2, 20_001));
        let before = open(&storage, None).catalogued().unwrap().newest_counter;
        repository.record_removal(&[id(7), id(30_000)], LONG_AGO).unwrap();
        assert_eq!(open(&storage, None).catalogued().unwrap().newest_counter, before, "what was said is not said again");
    }
}
