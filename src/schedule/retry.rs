//! When a run that failed is tried again.

use super::past::Failures;
use crate::units::Timestamp;

/// After the first failure a run is tried again after this.
pub const RETRY_SECONDS_FIRST: i64 = 10 * 60;
/// However often it failed, it is tried again after this.
pub const RETRY_SECONDS_MAX: i64 = 6 * 3600;

/// How long after its beginning a run that failed is tried again: ten minutes, and twice as long each time that it fails
/// again, up to six hours. A new window comes before all that.
pub fn retry_seconds(failures: u64) -> i64 {
    let doublings = failures.saturating_sub(1).min(16);
    (RETRY_SECONDS_FIRST << doublings).min(RETRY_SECONDS_MAX)
}

/// When the next try is, where `now` lies before it. A failure that lies in the future, because the clock was set back, is
/// tried again at once.
pub(super) fn next_try(failures: Option<&Failures>, newest_window: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let failures = failures?;
    let at = failures.last.plus_seconds(retry_seconds(failures.count));
    (newest_window <= failures.window && failures.last <= now && now < at).then_some(at)
}
