//! What the owner of a repository should hear at the next run, although nothing keeps the run from being
//! done: a clock that is wrong, snapshots that are missing.

use jiff::tz::TimeZone;

use crate::catalog::Listing;
use crate::progress::{Finding, FindingKind, Progress};
use crate::repository::Catalogued;
use crate::retention::check_clock;
use crate::units::Timestamp;

fn warn(progress: &dyn Progress, message: String) {
    progress.report(Finding::new(FindingKind::Warning, [], message));
}

/// Says that snapshots are missing which nobody removed. The run makes none of them worse.
pub(super) fn warn_of_rollback(catalogued: &Catalogued, progress: &dyn Progress) {
    if let Some(rollback) = &catalogued.rollback {
        warn(progress, rollback.to_string());
    }
}

/// Says that the clock is behind that of an earlier run: ages and rules go by it.
pub(super) fn warn_of_clock(listing: &Listing, now: Timestamp, progress: &dyn Progress) {
    let newest = listing.summaries().iter().max_by_key(|summary| (summary.committed_at, summary.id));
    let checked = newest.map_or(Ok(()), |newest| check_clock(newest.committed_at, &newest.id, now, TimeZone::system));
    if let Err(error) = checked {
        warn(progress, error.to_string());
    }
}
