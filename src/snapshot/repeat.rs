//! The evening's command: a run that takes sources and options of the last one again.

use super::base::distance;
use super::request::Request;
use crate::error::{Error, ErrorKind, Result};
use crate::repository::Repository;

/// A request like the newest snapshot of `host`: its paths, filters, options and series. Of several machines of
/// that name the one that calls itself `machine` comes first, and then snapshots that do not say.
///
/// # Errors
/// `NotFound` when the host has none; `Invalid` when it saved a stream, which cannot be read again.
pub fn repeat(repository: &Repository, host: &str, user: &str, machine: Option<Vec<u8>>) -> Result<Request> {
    let catalogued = repository.catalogued()?;
    let id = repository.keys().identify.machine(machine.as_deref());
    let of_host = catalogued.listing.summaries().iter().rev().filter(|summary| summary.host == host);
    // The first of those that are equal: the newest.
    let newest = of_host.min_by_key(|summary| distance(summary, id));
    let newest = newest.ok_or_else(|| {
        Error::new(ErrorKind::Invalid, format!("no path was given, and there is no snapshot of host `{}` to repeat", host.escape_debug()))
    })?;
    // Whole: the catalog's row may leave out long parts.
    let manifest = repository.read_manifest(&newest.id)?;
    if manifest.options.stream.is_some() {
        let message =
            format!("the newest snapshot of this host, {}, saved a stream, which cannot be repeated; give a path", newest.id.short());
        return Err(Error::new(ErrorKind::Invalid, message));
    }
    let paths = manifest.paths.iter().map(|path| path.to_vec()).collect();
    Ok(Request { options: manifest.options, series: Some(manifest.series), machine, ..Request::new(paths, host, user) })
}
