//! The evening's command: runs that take sources and options of the last ones again, series by series.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::base::Distance;
use super::request::Request;
use crate::catalog::{Summary, series_key};
use crate::error::{Error, ErrorKind, Result};
use crate::id::SnapshotId;
use crate::repository::{Repository, is_future, is_older};
use crate::units::Timestamp;

/// The runs of an evening.
#[derive(Default)]
pub struct Repeated {
    /// One for each series, by the names of these.
    pub requests: Vec<Request>,
    /// Series of streams, which cannot be read again.
    pub streams: Vec<String>,
    /// Series that rest.
    pub stopped: Vec<String>,
    /// What cannot be read and may be newer than what is repeated.
    pub doubtful: Vec<SnapshotId>,
}

/// A request like the newest snapshot of each series of `host`: its paths, filters, options and series; of the one
/// called `wanted` alone where one is given, also when it is stopped. Series to which only other machines of that name
/// have saved than the one that calls itself `machine` are left out, unless no series is of this machine yet.
///
/// # Errors
/// `NotFound` when the series is not there; `Invalid` when the host has none, or nothing that can be read again;
/// those of the storage.
pub fn repeat(repository: &Repository, host: &str, user: &str, machine: Option<Vec<u8>>, wanted: Option<&str>) -> Result<Repeated> {
    let catalogued = repository.catalogued()?;
    let id = repository.keys().identify.machine(machine.as_deref());
    let key = wanted.map(|series| catalogued.marks.series_name(series).into_owned());
    let mut newest: BTreeMap<&str, &Summary> = BTreeMap::new();
    // The nearest, and of these the newest by its time, as everywhere: what was saved with an earlier time is no newer. One
    // whose clock was wrong is the newest only where there is no other.
    let now = Timestamp::now();
    let rank = |summary: &Summary| (Reverse(Distance::of(summary, id)), !is_future(summary, now), summary.time, summary.order());
    let of_host = catalogued.listing.summaries().iter().filter(|summary| summary.host == host);
    for summary in of_host.filter(|summary| key.as_ref().is_none_or(|key| *key == summary.series)) {
        let last = newest.entry(&summary.series).or_insert(summary);
        if rank(summary) > rank(last) {
            *last = summary;
        }
    }
    if newest.is_empty() {
        let host = host.escape_debug();
        return Err(match wanted {
            Some(series) => {
                let message = format!("host `{host}` has no series `{}`; `repo series` lists all", series.escape_debug());
                Error::new(ErrorKind::NotFound, message)
            }
            None => Error::new(ErrorKind::Invalid, format!("no path was given, and there is no snapshot of host `{host}` to repeat")),
        });
    }
    let is_known = newest.values().any(|summary| Distance::of(summary, id) < Distance::Elsewhere);
    newest.retain(|_, summary| !is_known || Distance::of(summary, id) < Distance::Elsewhere);
    let is_newest = |id: &&SnapshotId| newest.values().any(|summary| !is_older(&catalogued.listing, id, summary));
    let doubtful = catalogued.listing.unreadable().iter().filter(is_newest).copied().collect();
    let mut repeated = Repeated { doubtful, ..Repeated::default() };
    for (series, summary) in newest {
        if wanted.is_none() && catalogued.marks.is_stopped(series) {
            repeated.stopped.push(series.to_owned());
            continue;
        }
        // Whole: the catalog's row may leave out long parts.
        let manifest = repository.objects().read_manifest(&summary.id)?;
        if manifest.options.stream.is_some() {
            repeated.streams.push(series.to_owned());
            continue;
        }
        // What a later version leaves out besides is not known here, and must not be saved instead.
        let unwanted = manifest.unwanted().map_err(|error| error.context(format!("series `{}`", series.escape_debug())))?;
        let paths = manifest.paths.iter().map(|path| path.to_vec()).collect();
        // The whole name, where the summary has a shortened one.
        let series = if series_key(&manifest.series) == series { manifest.series } else { series.to_owned() };
        let request = Request {
            options: manifest.options,
            unwanted,
            is_repeat: true,
            series: Some(series),
            machine: machine.clone(),
            ..Request::new(paths, host, user)
        };
        repeated.requests.push(request);
    }
    Ok(repeated)
}
