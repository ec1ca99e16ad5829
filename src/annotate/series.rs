//! Series: the lines of snapshots of one set of sources, by machine.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::Annotator;
use crate::catalog::{Summary, series_key};
use crate::error::{Error, ErrorKind, Result};
use crate::id::MachineId;
use crate::manifest::{SERIES, SeriesChange};
use crate::repository::Catalogued;
use crate::units::PathText;
use crate::wire;

/// A name that is longer is known by its beginning and its hash, and cannot be given.
const NAME_BYTES_MAX: usize = 512;

/// What one machine has saved to a series.
#[derive(Clone, Debug)]
pub struct Series<'l> {
    /// The newest snapshot by its time: it has the name, the machine and the sources.
    pub newest: Cow<'l, Summary>,
    /// How many snapshots there are.
    pub snapshots: u64,
    /// What they added to the repository when they were made.
    pub added_bytes: u64,
    /// Runs that name no paths leave it out.
    pub is_stopped: bool,
}

/// All series, by name and then by machine.
pub fn list_series(catalogued: &Catalogued) -> Vec<Series<'_>> {
    let mut found: BTreeMap<(&str, Option<MachineId>, &str), Series<'_>> = BTreeMap::new();
    for summary in catalogued.listing.summaries() {
        let is_stopped = catalogued.marks.is_stopped(&summary.series);
        // Machines that do not say which they are are known by their names.
        let host = if summary.machine.is_some() { "" } else { &summary.host[..] };
        let series = found.entry((&summary.series, summary.machine, host)).or_insert(Series {
            newest: Cow::Borrowed(summary),
            snapshots: 0,
            added_bytes: 0,
            is_stopped,
        });
        series.snapshots += 1;
        series.added_bytes = series.added_bytes.saturating_add(summary.counts.bytes_stored);
        if (summary.time, summary.order()) >= (series.newest.time, series.newest.order()) {
            series.newest = Cow::Borrowed(summary);
        }
    }
    found.into_values().collect()
}

impl Annotator {
    /// Gives the series `from` the name `to`, also for snapshots that come under the name of before. Manifests stay as
    /// they are.
    ///
    /// # Errors
    /// `NotFound` when there is no such series; `Invalid` when there is one called `to`, or that is no name; those of
    /// the storage.
    pub(super) fn rename_series(&self, from: &str, to: &str) -> Result<()> {
        if to.is_empty() || to.len() > NAME_BYTES_MAX {
            return Err(Error::new(ErrorKind::Invalid, format!("the name of a series has 1 to {NAME_BYTES_MAX} bytes")));
        }
        self.check_series(from)?;
        if self.has_series(to) || self.catalogued.marks.renamed(to).is_some_and(|name| name != series_key(from)) {
            let message = format!("there is a series `{}` already, or it had that name; two cannot be made one", PathText(to.as_bytes()));
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        self.publish_series(&SeriesChange { series: from.to_owned(), name: Some(to.to_owned()), is_stopped: None })
    }

    /// Says whether runs that name no paths leave the series out.
    ///
    /// # Errors
    /// `NotFound` when there is no such series; those of the storage.
    pub(super) fn stop_series(&self, series: &str, is_stopped: bool) -> Result<()> {
        self.check_series(series)?;
        self.publish_series(&SeriesChange { series: series.to_owned(), name: None, is_stopped: Some(is_stopped) })
    }

    fn publish_series(&self, change: &SeriesChange) -> Result<()> {
        self.repository.publish_record(SERIES, wire::encode(change), self.now).map(|_| ())
    }

    fn check_series(&self, series: &str) -> Result<()> {
        if self.has_series(series) {
            return Ok(());
        }
        let message = format!("there is no series `{}`; `repo series` lists all", PathText(series.as_bytes()));
        Err(Error::new(ErrorKind::NotFound, message))
    }

    fn has_series(&self, series: &str) -> bool {
        self.catalogued.listing.of_series(series).next().is_some()
    }
}
