//! The settings of a repository: for how long snapshots are protected from removal.

use jiff::tz::TimeZone;

use super::Annotator;
use crate::error::Result;
use crate::manifest::SETTING;
use crate::repository::{Protection, Repository};
use crate::retention::check_clock;
use crate::units::Timestamp;

/// What can be changed about a repository at any time, as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// For how long a snapshot is protected after it was committed, as it was set last.
    pub protect_seconds: u64,
    /// For how long it is now: more where a longer time was set before and has not run out.
    pub protect_seconds_now: u64,
    /// From when on what was set last holds, where it does not yet.
    pub lowered_from: Option<Timestamp>,
}

/// Reads the settings as they are now.
///
/// # Errors
/// As [`Repository::read_facts`].
pub fn read_settings(repository: &Repository, clock: fn() -> Timestamp) -> Result<Settings> {
    let (facts, now) = (repository.read_facts()?, clock());
    let protection = facts.protection();
    Ok(Settings {
        protect_seconds: protection.set_seconds(),
        protect_seconds_now: protection.seconds_at(now),
        lowered_from: protection.lowered_from(now),
    })
}

impl Annotator {
    /// Protects every snapshot for `seconds` after it was committed. A longer time than before holds at once.
    ///
    /// # Errors
    /// `Invalid` when the clock is behind the newest snapshot: a lower time would hold too early. Those of the storage.
    pub(super) fn protect(&self, seconds: u64) -> Result<()> {
        let newest = self.catalogued.listing.summaries().iter().max_by_key(|summary| (summary.committed_at, summary.id));
        if let Some(newest) = newest {
            check_clock(newest.committed_at, &newest.id, self.now, TimeZone::system)?;
        }
        self.repository.publish_pairs(vec![(SETTING, Protection::setting(seconds))], self.now)
    }
}
