//! Whether a job is due.

use jiff::tz::TimeZone;

use super::past::{Failures, Past};
use super::plan::Plan;
use super::{Condition, retry};
use crate::units::Timestamp;

/// Missed windows are counted up to here.
const MISSED_MAX: u64 = 1000;
/// What a scheduler starts this much too early, because a clock was corrected meanwhile, answers its window.
const EARLY_SECONDS: i64 = 30;
/// A window that was answered at most this far in the future may have been: clocks are set back an hour or a day.
const AHEAD_SECONDS_MAX: i64 = 24 * 3600;
/// A window is overdue when the next one has come too, but not before this …
const GRACE_SECONDS_MIN: i64 = 3600;
/// … and not later than this.
const GRACE_SECONDS_MAX: i64 = 24 * 3600;

/// Windows that no good run has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owed {
    /// How many; 1,000 where there are more. One run answers all of them.
    pub missed: u64,
    /// The first of them.
    pub since: Timestamp,
    /// The last of them: what the ledger writes down for the run that answers them.
    pub window: Timestamp,
    /// When the first of them has waited too long.
    pub overdue_at: Timestamp,
}

/// Whether a job is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// All windows that have come were answered.
    NotYet {
        /// The next one.
        next: Option<Timestamp>,
    },
    /// It is to run now, once.
    Now(Owed),
    /// It is to run now, once, and should have run long ago.
    Overdue(Owed),
    /// It would run, and something that it needs is not there. That is no failure.
    Waiting {
        /// What it was to do.
        owed: Owed,
        /// What is not there.
        wants: Condition,
    },
    /// It failed, and is tried again later.
    Retry {
        /// What it was to do.
        owed: Owed,
        /// When.
        at: Timestamp,
    },
}

impl Due {
    /// Whether it is to run now.
    pub fn is_to_run(&self) -> bool {
        matches!(self, Self::Now(_) | Self::Overdue(_))
    }

    /// The windows that no good run has answered.
    pub fn owed(&self) -> Option<&Owed> {
        match self {
            Self::NotYet { .. } => None,
            Self::Now(owed) | Self::Overdue(owed) | Self::Waiting { owed, .. } | Self::Retry { owed, .. } => Some(owed),
        }
    }
}

/// How a job stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether it is due.
    pub due: Due,
    /// Whether it should have run long ago, also where it waits or is tried again.
    pub is_overdue: bool,
    /// Failures that no good run has followed.
    pub failures: Option<Failures>,
}

impl Standing {
    /// Whether all is as planned: nothing is owed, and nothing failed since the last good run.
    pub fn is_well(&self) -> bool {
        matches!(self.due, Due::NotYet { .. }) && self.failures.is_none()
    }
}

/// How a job stands at a time. `zone` is that of the machine now, and `holds` says whether a condition does: none where that
/// cannot be found out, which is no reason to wait.
///
/// Two clocks may have been used: what the ledger says of a future time is believed where at most one window was answered
/// there, within a day, as by a clock that was set back an hour; otherwise the clock was wrong then, and the job is overdue and runs once.
pub fn standing(plan: &Plan, past: &Past, now: Timestamp, zone: &TimeZone, holds: impl Fn(&Condition) -> Option<bool>) -> Standing {
    let failures = past.failures;
    let Some(owed) = owed(plan, past, now, zone) else {
        let from = past.answered.map_or(now, |answered| answered.max(now));
        return Standing { due: Due::NotYet { next: plan.calendar.next_window(from, zone) }, is_overdue: false, failures };
    };
    let is_overdue = now >= owed.overdue_at;
    let missing = || plan.after.iter().find(|condition| holds(condition) == Some(false)).cloned();
    let due = if let Some(at) = retry::next_try(failures.as_ref(), owed.window, now) {
        Due::Retry { owed, at }
    } else if let Some(wants) = missing() {
        Due::Waiting { owed, wants }
    } else if is_overdue {
        Due::Overdue(owed)
    } else {
        Due::Now(owed)
    };
    Standing { due, is_overdue, failures }
}

fn owed(plan: &Plan, past: &Past, now: Timestamp, zone: &TimeZone) -> Option<Owed> {
    let come = now.plus_seconds(EARLY_SECONDS);
    // The last window that has come; a time is not before itself.
    let window = plan.calendar.last_before(just_after(come), zone)?;
    let next = plan.calendar.next_window(window, zone);
    // What was answered, or what was there before the plan; a time that a wrong clock wrote down is neither.
    let is_near = |answered: &Timestamp| *answered <= now.plus_seconds(AHEAD_SECONDS_MAX) && next.is_none_or(|next| *answered <= next);
    let answered = past.answered.filter(|answered| *answered <= now || is_near(answered));
    let since = if past.answered.is_some() { answered } else { plan.since.filter(|since| *since <= now) };
    if since.is_some_and(|since| window <= since) {
        return None;
    }
    let first = since.and_then(|since| plan.calendar.next_window(since, zone)).filter(|first| *first <= window).unwrap_or(window);
    let after_first = plan.calendar.next_window(first, zone);
    let windows = std::iter::successors(Some(first), |time| plan.calendar.next_window(*time, zone));
    let missed = windows.take_while(|time| *time <= window).take(MISSED_MAX as usize).count() as u64;
    let grace = after_first.map_or(GRACE_SECONDS_MAX, |next| next.seconds.saturating_sub(first.seconds));
    // Where nothing says how long it has waited, each new window would put off the day when it is overdue: it is at once.
    let grace = if since.is_some() { grace.clamp(GRACE_SECONDS_MIN, GRACE_SECONDS_MAX) } else { 0 };
    let overdue_at = first.plus_seconds(grace);
    Some(Owed { missed, since: first, window, overdue_at })
}

fn just_after(time: Timestamp) -> Timestamp {
    // Windows stand on whole microseconds.
    Timestamp::new(time.seconds, time.nanoseconds.saturating_add(1).min(999_999_999))
}
