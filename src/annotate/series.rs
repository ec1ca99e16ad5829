//! Series: the lines of snapshots of one set of sources, by machine.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::catalog::{Summary, series_key};
use crate::error::{Error, ErrorKind, Result};
use crate::id::MachineId;
use crate::manifest::{SERIES, SeriesChange};
use crate::progress::Progress;
use crate::repository::{Catalogued, Repository};
use crate::storage::LockMode;
use crate::units::{PathText, Timestamp};
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

/// Gives the series `from` the name `to`, also for snapshots that come under the name of before. Manifests stay as
/// they are.
///
/// # Errors
/// `NotFound` when there is no such series; `Invalid` when there is one called `to`, or that is no name; those of
/// the storage.
pub fn rename_series(repository: &Repository, from: &str, to: &str, now: Timestamp, progress: &dyn Progress) -> Result<()> {
    if to.is_empty() || to.len() > NAME_BYTES_MAX {
        return Err(Error::new(ErrorKind::Invalid, format!("the name of a series has 1 to {NAME_BYTES_MAX} bytes")));
    }
    change(repository, from, now, progress, |catalogued| {
        if has_series(catalogued, to) || catalogued.marks.renamed(to).is_some_and(|name| name != series_key(from)) {
            let message = format!("there is a series `{}` already, or it had that name; two cannot be made one", PathText(to.as_bytes()));
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        Ok(SeriesChange { series: from.to_owned(), name: Some(to.to_owned()), is_stopped: None })
    })
}

/// Says whether runs that name no paths leave the series out.
///
/// # Errors
/// `NotFound` when there is no such series; those of the storage.
pub fn stop_series(repository: &Repository, series: &str, is_stopped: bool, now: Timestamp, progress: &dyn Progress) -> Result<()> {
    change(repository, series, now, progress, |_| Ok(SeriesChange { series: series.to_owned(), name: None, is_stopped: Some(is_stopped) }))
}

fn change(
    repository: &Repository,
    series: &str,
    now: Timestamp,
    progress: &dyn Progress,
    decide: impl FnOnce(&Catalogued) -> Result<SeriesChange>,
) -> Result<()> {
    let _lock = repository.wait_for_lock(LockMode::Shared, progress)?;
    let catalogued = repository.catalogued()?;
    if !has_series(&catalogued, series) {
        return Err(Error::new(
            ErrorKind::NotFound,
            format!("there is no series `{}`; `repo series` lists all", PathText(series.as_bytes())),
        ));
    }
    let change = decide(&catalogued)?;
    repository.publish_record(SERIES, wire::encode(&change), now)?;
    Ok(())
}

fn has_series(catalogued: &Catalogued, series: &str) -> bool {
    catalogued.listing.of_series(series).next().is_some()
}
