//! What scripts see: one object for each line of `--json`, documented in `docs/json.md`.
//!
//! Paths are any bytes and JSON is text, so a path stands as `path`, with bytes that are not UTF-8
//! replaced, and beside it as `path_hex` where bytes had to be replaced. Times are RFC 3339 in UTC
//! with nine digits behind the second; ids are 64 hexadecimal digits. Fields that do not apply are
//! left out, not null, except where a script would ask for them on every line.

mod change;
mod entry;
mod problem;
mod snapshot;
mod stats;

pub use change::{ChangeLine, ChangeSummary, ChangeSummaryLine};
pub use entry::{Attributes, EntryLine, FoundLine};
pub use problem::{MoreProblemsLine, ProblemLine};
pub use snapshot::{SnapshotLine, SnapshotName, VersionLine, paths_text};
pub use stats::{EndingCounts, RepositoryStatsLine, SnapshotStatsLine};

use crate::id::to_hex;
use crate::units::Timestamp;

/// The first second of the year 0, where RFC 3339 begins.
const YEAR_0_SECONDS: i64 = -62_167_219_200;

/// A time as RFC 3339 in UTC. A time outside the years 0 to 9999, which a file may well claim to have,
/// is written as `@SECONDS.NANOSECONDS` since 1970.
pub fn time_text(time: Timestamp) -> String {
    let in_range = time.seconds >= YEAR_0_SECONDS && time.nanoseconds < 1_000_000_000;
    match jiff::Timestamp::new(time.seconds, time.nanoseconds as i32) {
        Ok(time) if in_range => format!("{time:.9}"),
        _ => format!("@{}.{:09}", time.seconds, time.nanoseconds),
    }
}

/// The exact bytes of a path that is not UTF-8.
pub fn hex_where_needed(path: &[u8]) -> Option<String> {
    std::str::from_utf8(path).is_err().then(|| to_hex(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_nine_digits_also_before_1970_and_beyond_the_calendar() {
        assert_eq!(time_text(Timestamp::new(0, 5)), "1970-01-01T00:00:00.000000005Z");
        assert_eq!(time_text(Timestamp::new(-1, 999_999_999)), "1969-12-31T23:59:59.999999999Z");
        assert_eq!(time_text(Timestamp::new(YEAR_0_SECONDS, 0)), "0000-01-01T00:00:00.000000000Z");
        assert_eq!(time_text(Timestamp::new(YEAR_0_SECONDS - 1, 0)), "@-62167219201.000000000");
        assert_eq!(time_text(Timestamp::new(i64::MAX, 1)), "@9223372036854775807.000000001");
    }
}
