//! Which snapshot is meant: `latest`, `latest~2`, `latest@SERIES`, or the beginning of an id.

use super::Repository;
use crate::catalog::{Listing, series_key};
use crate::error::{Error, ErrorKind, Result};
use crate::id::SnapshotId;

impl Repository {
    /// The snapshot that `text` means among `listing`.
    ///
    /// # Errors
    /// `NotFound` when there is none, `Invalid` when the text is not clear.
    pub fn select(&self, listing: &Listing, text: &str) -> Result<SnapshotId> {
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
        let mut newest_first = listing.summaries().iter().rev().filter(|summary| key.as_ref().is_none_or(|key| *key == summary.series));
        newest_first.nth(back).map(|summary| summary.id).ok_or_else(|| {
            let of = series.map(|series| format!(" of series `{}`", series.escape_debug())).unwrap_or_default();
            Error::new(
                ErrorKind::NotFound,
                if back == 0 {
                    format!("there is no snapshot{of}")
                } else {
                    format!("there are not {} snapshots{of}", back.saturating_add(1))
                },
            )
        })
    }
}
