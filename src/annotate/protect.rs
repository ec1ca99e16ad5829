//! For how long snapshots are protected from removal.

use jiff::tz::TimeZone;

use super::Annotator;
use crate::error::Result;
use crate::manifest::SETTING;
use crate::repository::Protection;
use crate::retention::check_clock;

impl Annotator {
    /// Protects every snapshot for `seconds` after it was committed. A longer time than before holds at once.
    ///
    /// # Errors
    /// `Invalid` when the clock is behind the newest snapshot: a lower time would hold too early. Those of the storage.
    pub fn protect(&self, seconds: u64) -> Result<()> {
        let newest = self.catalogued.listing.summaries().iter().max_by_key(|summary| (summary.committed_at, summary.id));
        if let Some(newest) = newest {
            check_clock(newest.committed_at, &newest.id, self.now, TimeZone::system)?;
        }
        self.repository.publish_pairs(vec![(SETTING, Protection::setting(seconds))], self.now)
    }
}
