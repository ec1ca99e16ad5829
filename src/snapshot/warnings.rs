//! What the owner of a repository should hear at the next run, although nothing keeps the run from being
//! done: a clock that is wrong, snapshots that are missing.

use jiff::tz::TimeZone;

use crate::catalog::Listing;
use crate::id::MachineId;
use crate::progress::{Finding, FindingKind, Progress, Topic};
use crate::repository::Catalogued;
use crate::retention::check_clock;
use crate::source::Filter;
use crate::units::Timestamp;

/// So many patterns that match nothing are named: a list that is shared by many machines has more.
const UNMATCHED_TOLD_MAX: usize = 10;

fn warn(progress: &dyn Progress, topic: Topic, message: String) {
    progress.report(Finding::new(FindingKind::Warning(topic), [], message));
}

/// Says that snapshots are missing which nobody removed. The run makes none of them worse.
pub(super) fn warn_of_rollback(catalogued: &Catalogued, progress: &dyn Progress) {
    if let Some(rollback) = &catalogued.rollback {
        warn(progress, Topic::Rollback, rollback.to_string());
    }
}

/// Says that the clock is behind that of an earlier run: ages and rules go by it.
pub(super) fn warn_of_clock(listing: &Listing, now: Timestamp, progress: &dyn Progress) {
    let newest = listing.summaries().iter().max_by_key(|summary| (summary.committed_at, summary.id));
    let checked = newest.map_or(Ok(()), |newest| check_clock(newest.committed_at, &newest.id, now, TimeZone::system));
    if let Err(error) = checked {
        warn(progress, Topic::Clock, error.to_string());
    }
}

/// Says that another machine has saved to the series since this one did last: two machines of one name. A
/// machine that was replaced is told of once, at the first run of the new one.
pub(super) fn warn_of_company(listing: &Listing, series: &str, machine: MachineId, progress: &dyn Progress) {
    let since = listing.of_series(series).take_while(|summary| summary.machine != Some(machine));
    let others: Vec<_> = since.filter(|summary| summary.machine.is_some()).collect();
    if let Some(newest) = others.first() {
        let message = format!(
            "another machine saved to the series `{}` too, {} of its snapshots since the last one of this machine (the newest is {}); \
             give each machine its own with --host or --series",
            series.escape_debug(),
            others.len(),
            newest.id.short()
        );
        warn(progress, Topic::Company, message);
    }
}

/// Names the patterns that have matched nothing: whoever mistyped one believes that it leaves something out.
pub(super) fn tell_unmatched(filter: &Filter, own: &[String], progress: &dyn Progress) {
    let mut unmatched = filter.unmatched();
    unmatched.retain(|pattern| !own.iter().any(|own| own == pattern));
    for pattern in unmatched.iter().take(UNMATCHED_TOLD_MAX) {
        let message = format!("the pattern `{}` matches nothing that this run came by", pattern.escape_debug());
        progress.report(Finding::new(FindingKind::Note(Topic::Pattern), [], message));
    }
    if let Some(more) = unmatched.len().checked_sub(UNMATCHED_TOLD_MAX).filter(|more| *more > 0) {
        progress.report(Finding::new(FindingKind::Note(Topic::Pattern), [], format!("and {more} more patterns match nothing")));
    }
}
