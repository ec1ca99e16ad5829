//! Snapshots that nobody wants any more, until a prune removes them.

use jiff::tz::TimeZone;

use super::Annotator;
use super::outcome::Forgotten;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ID_PREFIX_MIN, SnapshotId};
use crate::manifest::{TOMBSTONE, Tombstone};
use crate::progress::{Finding, FindingKind, Progress, Topic};
use crate::repository::with_reserve;
use crate::retention::protected_until;
use crate::wire;

impl Annotator {
    /// The snapshots that cannot be read, or are missing, and whose ids begin with `prefix`.
    pub fn find_lost(&self, prefix: &str) -> Vec<SnapshotId> {
        let has_prefix = |id: &SnapshotId| prefix.len() >= ID_PREFIX_MIN && id.to_string().starts_with(prefix);
        self.unreadable().chain(self.missing().iter().copied()).filter(has_prefix).collect()
    }

    /// Writes a tombstone for each of `ids`. What of them is missing, or with `accept_rollback` all that is
    /// missing, is given up.
    ///
    /// # Errors
    /// `Invalid` when one is pinned; a rollback as prune has it, when others are missing than those named; `NotFound` when one was never there. Then
    /// nothing is written. Those of the storage.
    pub(super) fn forget(&self, ids: &[SnapshotId], accept_rollback: bool, progress: &dyn Progress) -> Result<Vec<Forgotten>> {
        let missing = self.missing();
        // Of what is missing, the user gives up what is named, and nothing else.
        let is_about_missing = ids.iter().all(|id| missing.contains(id)) || missing.iter().all(|id| ids.contains(id));
        if let Some(rollback) = self.catalogued.rollback.as_ref().filter(|_| !accept_rollback && !is_about_missing) {
            return Err(rollback.refusal());
        }
        self.check_unpinned(ids)?;
        let damaged: Vec<SnapshotId> = self.unreadable().filter(|id| ids.contains(id)).collect();
        ids.iter().filter(|id| !missing.contains(id)).try_for_each(|id| self.check_there(id))?;
        let given_up: Vec<SnapshotId> = missing.iter().filter(|id| accept_rollback || ids.contains(id)).copied().collect();
        self.give_up(ids, &given_up, &damaged, progress)?;
        let records: Vec<_> = ids.iter().map(|id| (TOMBSTONE, wire::encode(&Tombstone { snapshot: *id }))).collect();
        // On a full disk, forgetting is how space is made.
        with_reserve(&**self.repository.storage(), || self.repository.publish_records(records.clone(), self.now))?;
        Ok(ids.iter().map(|id| Forgotten { id: *id, protected_until: self.protected_until(id) }).collect())
    }

    fn unreadable(&self) -> impl Iterator<Item = SnapshotId> + '_ {
        self.catalogued.skipped.snapshots.iter().map(|(id, _)| *id)
    }

    fn missing(&self) -> &[SnapshotId] {
        self.catalogued.rollback.as_ref().map_or(&[], |rollback| &rollback.missing)
    }

    fn check_unpinned(&self, ids: &[SnapshotId]) -> Result<()> {
        let Some(id) = ids.iter().find(|id| self.repository.facts().marks().is_pinned(id)) else { return Ok(()) };
        let message = if self.missing().contains(id) {
            format!("snapshot {} is pinned, and missing; give --accept-rollback if it is lost for good", id.short())
        } else {
            format!("snapshot {} is pinned; `repo tag {0} --unpin` first", id.short())
        };
        Err(Error::new(ErrorKind::Invalid, message))
    }

    /// Records as gone what is missing and was given up, and as there whatever only that may have named.
    fn give_up(&self, ids: &[SnapshotId], given_up: &[SnapshotId], damaged: &[SnapshotId], progress: &dyn Progress) -> Result<()> {
        if given_up.is_empty() && damaged.is_empty() {
            return Ok(());
        }
        let rest = self.missing().iter().filter(|id| !given_up.contains(id));
        let others: Vec<SnapshotId> = rest.chain(&self.catalogued.unnamed).filter(|id| !ids.contains(id)).copied().collect();
        self.repository.record_presence(&others, self.now)?;
        for id in given_up.iter().chain(damaged).filter(|id| !self.repository.has_seen(id)) {
            let message = format!(
                "nobody can tell which snapshot {} named as the one before it; if that is missing too, it is given up with it",
                id.short()
            );
            progress.report(Finding::new(FindingKind::Warning(Topic::GivenUp), Vec::new(), message));
        }
        if given_up.is_empty() { Ok(()) } else { self.repository.record_removal(given_up, self.now) }
    }

    fn protected_until(&self, id: &SnapshotId) -> Option<String> {
        let seconds = self.repository.facts().protection().seconds_at(self.now);
        protected_until(self.catalogued.listing.get(id)?.committed_at, seconds, self.now, &TimeZone::system())
    }
}
