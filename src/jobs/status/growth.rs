//! How fast a repository grows, and when its disk is full.

use crate::catalog::Summary;
use crate::units::Timestamp;

/// Growth is looked at over so many days.
const DAYS: i64 = 30;
const DAY_SECONDS: i64 = 86_400;

/// How fast a repository grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Growth {
    /// Bytes a day, over the last month; none where that is too short to say.
    pub bytes_a_day: Option<u64>,
    /// Bytes that are free where it lies.
    pub free_bytes: Option<u64>,
    /// Days until nothing is free, at that pace; none beyond ten years.
    pub days_left: Option<u64>,
}

impl Growth {
    /// That of a repository with these snapshots and so many free bytes. The first snapshot is no growth.
    pub(super) fn of(snapshots: &[Summary], free_bytes: Option<u64>, now: Timestamp) -> Self {
        let first = snapshots.iter().map(|summary| summary.committed_at).min();
        let from = now.seconds - DAYS * DAY_SECONDS;
        let days = first.map_or(0, |first| (now.seconds - first.seconds.max(from)) / DAY_SECONDS);
        let grown = snapshots.iter().filter(|summary| summary.committed_at.seconds >= from && Some(summary.committed_at) != first);
        let bytes: u64 = grown.map(|summary| summary.counts.bytes_stored).sum();
        let bytes_a_day = (days >= 2).then(|| bytes / days.unsigned_abs());
        let days_left = match (free_bytes, bytes_a_day) {
            (Some(free), Some(pace)) if pace > 0 => Some(free / pace).filter(|days| *days < 3650),
            _ => None,
        };
        Self { bytes_a_day, free_bytes, days_left }
    }
}
