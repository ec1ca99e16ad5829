//! Notices a repository that shows an older set of snapshots than it has shown before: an old copy that
//! was put in place of a newer one, or a storage that hides what it has.
//!
//! Three things are held against the listing. The cache folder of this machine names the newest snapshot
//! that it has seen; every manifest names the newest one that its writer knew; and where a prune removed some
//! of these, a record names those that stayed (and another each that is pinned). Any may only be missing when a record says that it was removed on purpose (see `removals`). So a prune by any machine
//! raises no alarm on another, and nobody without the keys can explain a loss away. Why it is done so,
//! and what it cannot notice, is in `docs/decisions/0006-rollback.md`.

use std::collections::HashSet;
use std::fmt;

use super::{Repository, layout};
use crate::catalog::{Listing, Skipped, Summary};
use crate::error::{Error, ErrorKind, Result};
use crate::id::SnapshotId;
use crate::units::Timestamp;

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
        let named = present.iter().filter_map(|(_, previous)| *previous).chain(seen).chain(self.facts.witnessed());
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
    pub(super) fn watch_rollback(&self, listing: &Listing, skipped: &Skipped) -> Result<Option<Rollback>> {
        let readable = listing.summaries().iter().map(|summary| (summary.id, summary.previous));
        let present: Vec<_> = readable.chain(skipped.snapshots.iter().map(|(id, _)| (*id, None))).collect();
        let rollback = self.find_rollback(&present)?;
        if rollback.is_none() {
            self.remember_newest(listing.summaries());
        }
        Ok(rollback)
    }

    /// Remembers the newest of `summaries`, which are in order, unless one as new is remembered already.
    fn remember_newest(&self, summaries: &[Summary]) {
        let Some(cache) = &self.cache else { return };
        let Some(newest) = summaries.last() else { return };
        let seen = cache.seen().and_then(|seen| summaries.iter().find(|summary| summary.id == seen));
        // Its writer may have died before the name was durable; then a power cut would take it back, which is
        // no rollback.
        if seen.is_none_or(|seen| seen.order() < newest.order()) && self.storage.sync(&[layout::SNAPSHOTS.to_owned()]).is_ok() {
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
#[path = "rollback_tests.rs"]
mod tests;
