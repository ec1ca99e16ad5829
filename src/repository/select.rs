//! Which snapshot is meant: `latest`, `latest~2`, `latest@SERIES`, or the beginning of an id.

use std::cmp::Reverse;

use super::Repository;
use crate::catalog::{Listing, Summary, series_key};
use crate::error::{Error, ErrorKind, Result};
use crate::id::SnapshotId;
use crate::retention::CLOCK_SKEW_SECONDS_MAX;
use crate::units::Timestamp;

impl Repository {
    /// The snapshot that `text` means among `listing` at the time `now`. `latest` goes by the times of the snapshots,
    /// and none of them is one that lies in the future.
    ///
    /// # Errors
    /// `NotFound` when there is none, `Invalid` when the text is not clear; `Damaged` when the one that is meant may be
    /// one that cannot be read.
    pub fn select(&self, listing: &Listing, text: &str, now: Timestamp) -> Result<SnapshotId> {
        let Some(rest) = text.strip_prefix("latest") else {
            return listing.find_prefix(text).map(|summary| summary.id);
        };
        let (back, series) = match rest.split_once('@') {
            Some((back, series)) => (back, Some(series)),
            None => (rest, None),
        };
        let unclear = || Error::new(ErrorKind::Invalid, format!("`{}` names no snapshot", text.escape_debug()));
        let back: usize = match back.strip_prefix('~') {
            Some(number) => number.parse().map_err(|_| unclear())?,
            None if back.is_empty() => 0,
            None => return Err(unclear()),
        };
        let key = series.map(|series| series_key(series).into_owned());
        let (future, mut past): (Vec<&Summary>, Vec<&Summary>) = listing
            .summaries()
            .iter()
            .filter(|summary| key.as_ref().is_none_or(|key| *key == summary.series))
            .partition(|summary| is_future(summary, now));
        past.sort_by_key(|summary| Reverse((summary.time, summary.order())));
        let found = past.get(back);
        if let Some(doubtful) = listing.unreadable().iter().find(|id| found.is_none_or(|found| !is_older(listing, id, found))) {
            let message = format!(
                "snapshot {} cannot be read, and `{}` may mean it; name another one by its id, see `repo snapshots`",
                doubtful.short(),
                text.escape_debug()
            );
            return Err(Error::new(ErrorKind::Damaged, message));
        }
        found.map(|summary| summary.id).ok_or_else(|| {
            let of = series.map(|series| format!(" of series `{}`", series.escape_debug())).unwrap_or_default();
            let but = match future.len() {
                0 => String::new(),
                future => format!(", but for {future} whose time is in the future: set the clock, or name one by its id"),
            };
            let wanted = back.saturating_add(1);
            let missing = if back == 0 { format!("there is no snapshot{of}") } else { format!("there are not {wanted} snapshots{of}") };
            Error::new(ErrorKind::NotFound, missing + &but)
        })
    }
}

/// Whether a snapshot lies so far in the future that a clock must be wrong.
pub fn is_future(summary: &Summary, now: Timestamp) -> bool {
    summary.time > now.plus_seconds(CLOCK_SKEW_SECONDS_MAX)
}

/// Whether the snapshot `id`, of which nothing else is known, is surely older than `found`: a run that knew it
/// as the newest began before the time of that one.
fn is_older(listing: &Listing, id: &SnapshotId, found: &Summary) -> bool {
    listing.summaries().iter().any(|summary| summary.previous == Some(*id) && summary.started_at <= found.time)
}
