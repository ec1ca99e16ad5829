//! Notices a repository that shows an older set of snapshots than it has shown before: an old copy that
//! was put in place of a newer one, or a storage that hides what it has.
//!
//! Three things are held against the listing. The cache folder of this machine names the snapshots that it has
//! seen; every manifest names the newest one that its writer knew; and a record names those that no manifest names (and
//! another each that is pinned). Any may only be missing when a record says that it was removed on purpose (see `removals`). So a prune by any machine
//! raises no alarm on another, and nobody without the keys can explain a loss away. Why it is done so,
//! and what it cannot notice, is in `docs/decisions/0006-rollback.md`, 0010, 0011 and 0013.

use std::collections::{BTreeSet, HashSet};
use std::fmt;

use crate::catalog::{Listing, Skipped, Summary};
use crate::error::{Error, ErrorKind, Result};
use crate::id::SnapshotId;
use crate::repository::{Repository, layout};

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
    /// A repair set their manifests aside, because they are damaged.
    pub is_set_aside: bool,
}

impl fmt::Display for Rollback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<String> = self.missing.iter().take(SHOWN_MAX).map(SnapshotId::short).collect();
        let (word, verb) = if self.missing.len() == 1 { ("snapshot", "is") } else { ("snapshots", "are") };
        let more = match self.missing.len().saturating_sub(SHOWN_MAX) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        if self.is_set_aside {
            let manifests = if self.missing.len() == 1 { "its manifest is" } else { "their manifests are" };
            return write!(
                f,
                "{word} {}{more} {verb} missing: {manifests} damaged, and a repair set it aside under damaged/",
                shown.join(", ")
            );
        }
        let witness = if self.was_seen { "this machine has seen here" } else { "other snapshots or records refer to" };
        write!(
            f,
            "the repository shows an older state than before: {word} {}{more}, which {witness}, {verb} missing and nobody removed them",
            shown.join(", ")
        )
    }
}

impl Rollback {
    /// What to do about it.
    pub const ADVICE: &str = "put them back into snapshots/ from another copy of the repository; where there is none, `repo forget ID` \
                              gives one up, and `repo prune --accept-rollback`, given once, all of them";

    /// Why nothing may be removed.
    pub fn refusal(&self) -> Error {
        let message = format!("{self}; nothing is removed, because what they need looks unneeded");
        Error::new(ErrorKind::Damaged, message).with_hint(Self::ADVICE)
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
        let seen = self.objects.cache().map(|cache| cache.seen()).unwrap_or_default();
        let named = present.iter().filter_map(|(_, previous)| *previous).chain(seen.iter().copied()).chain(self.facts.witnessed());
        let mut missing: Vec<SnapshotId> = named.filter(|id| !listed.contains(id) && !self.facts.removed().contains(id)).collect();
        for _ in 0..ATTEMPTS {
            if missing.is_empty() {
                return Ok(None);
            }
            // A prune may have gone by since the repository was opened or the snapshots were listed. What
            // explains a loss is durable before the loss, so it is looked for last.
            let listed: HashSet<SnapshotId> = self.objects.list_snapshots()?.into_iter().collect();
            let facts = self.read_facts()?;
            missing.retain(|id| !listed.contains(id) && !facts.removed().contains(id));
        }
        missing.sort_unstable();
        missing.dedup();
        let was_seen = missing.iter().any(|id| seen.contains(id));
        if missing.is_empty() {
            return Ok(None);
        }
        let set_aside = self.objects.storage().list(&format!("{}/{}", layout::DAMAGED, layout::SNAPSHOTS))?;
        // A second one of a name has a number behind it.
        let is_there = |id: &SnapshotId| set_aside.iter().any(|listed| listed.name.contains(&id.to_string()));
        let is_set_aside = missing.iter().all(is_there);
        Ok(Some(Rollback { missing, was_seen, is_set_aside }))
    }

    /// Looks for a rollback in a listing, and remembers what is there when there is none.
    pub(in crate::repository) fn watch_rollback(&self, listing: &Listing, skipped: &Skipped) -> Result<Option<Rollback>> {
        let readable = listing.summaries().iter().map(|summary| (summary.id, summary.previous));
        let present: Vec<_> = readable.chain(skipped.snapshots.iter().map(|(id, _)| (*id, None))).collect();
        let rollback = self.find_rollback(&present)?;
        if rollback.is_none() {
            self.remember_all(listing.summaries(), skipped);
        }
        Ok(rollback)
    }

    /// Which of the snapshots that are there would be missed by nobody but machines that have seen them: no manifest
    /// that can be read names them, nor does a record. Mostly that is the newest alone, which the next one names.
    pub(in crate::repository) fn find_unnamed(&self, listing: &Listing, skipped: &Skipped) -> Result<Vec<SnapshotId>> {
        let mut named: HashSet<SnapshotId> = listing.summaries().iter().filter_map(|summary| summary.previous).collect();
        named.extend(self.facts.witnessed());
        let mut unnamed: Vec<SnapshotId> = listing.summaries().iter().map(|summary| summary.id).collect();
        for (id, _) in &skipped.snapshots {
            // What is of another repository may go as it came.
            if !named.contains(id) && !self.objects.is_foreign(&layout::snapshot_name(id))? {
                unnamed.push(*id);
            }
        }
        unnamed.retain(|id| !named.contains(id));
        Ok(unnamed)
    }

    /// Whether this machine has seen this snapshot, and so all that its manifest names.
    pub fn has_seen(&self, id: &SnapshotId) -> bool {
        self.objects.cache().is_some_and(|cache| cache.seen().contains(id))
    }

    /// Remembers `summaries`, unless they are remembered already.
    fn remember_all(&self, summaries: &[Summary], skipped: &Skipped) {
        let Some(cache) = self.objects.cache() else { return };
        let seen = cache.seen();
        let mut listed: BTreeSet<SnapshotId> = summaries.iter().map(|summary| summary.id).collect();
        // What can be read no longer was seen all the same.
        listed.extend(skipped.snapshots.iter().map(|(id, _)| *id).filter(|id| seen.contains(id)));
        // Their writers may have died before the names were durable; then a power cut would take them back, which
        // is no rollback.
        if !listed.is_empty() && seen != listed && self.objects.storage().sync(&[layout::SNAPSHOTS.to_owned()]).is_ok() {
            // Where it cannot be written, a rollback is noticed by what manifests say, or not at all.
            let _ = cache.set_seen(&listed);
        }
    }

    /// Remembers a snapshot that this machine has just committed, durably.
    pub fn remember_snapshot(&self, id: &SnapshotId) {
        if let Some(cache) = self.objects.cache() {
            let mut seen = cache.seen();
            seen.insert(*id);
            let _ = cache.set_seen(&seen);
        }
    }
}

#[cfg(test)]
mod tests;
