//! Chooses among the snapshots of a listing.
//!
//! Summaries of manifests with very many paths or tags are cut (see [`Summary::is_cut`]); where that
//! could matter the manifest itself is read, so that a filter never misses a snapshot.

use crate::cancel::check_cancelled;
use std::collections::BTreeMap;

use super::place::{is_at_or_below, normalise};
use crate::catalog::{Listing, Summary, series_key};
use crate::error::Result;
use crate::id::SnapshotId;
use crate::manifest::Kind;
use crate::progress::{Finding, FindingKind, Progress};
use crate::repository::Repository;

/// Which snapshots are wanted. Empty lists want all; within a list one has to fit, except for tags.
#[derive(Clone, Debug, Default)]
pub struct SnapshotFilter {
    /// Any of these ids.
    pub ids: Vec<SnapshotId>,
    /// Any of these series.
    pub series: Vec<String>,
    /// Any of these machines.
    pub hosts: Vec<String>,
    /// All of these tags.
    pub tags: Vec<String>,
    /// A source that is one of these absolute paths, or lies above or below one.
    pub paths: Vec<Vec<u8>>,
    /// Any of these kinds.
    pub kinds: Vec<Kind>,
    /// Of those that fit, only so many of the newest.
    pub last: Option<usize>,
}

impl SnapshotFilter {
    /// Whether it leaves every snapshot.
    pub fn wants_all(&self) -> bool {
        let Self { ids, series, hosts, tags, paths, kinds, last } = self;
        ids.is_empty() && series.is_empty() && hosts.is_empty() && tags.is_empty() && paths.is_empty() && kinds.is_empty() && last.is_none()
    }
}

/// The newest snapshot of every series among those that `filter` wants, in the order of the names of the series.
///
/// # Errors
/// As [`filter_snapshots`].
pub fn newest_of_each_series(
    repository: &Repository,
    listing: &Listing,
    filter: &SnapshotFilter,
    progress: &dyn Progress,
) -> Result<Vec<SnapshotId>> {
    let oldest_first = filter_snapshots(repository, listing, filter, progress)?;
    let newest: BTreeMap<String, SnapshotId> = oldest_first.into_iter().map(|summary| (summary.series, summary.id)).collect();
    Ok(newest.into_values().collect())
}

/// The snapshots that `filter` wants, oldest first by their times, none of them cut. A manifest that had to be read
/// and could not be is reported, and its snapshot judged by what the summary has.
///
/// # Errors
/// `Invalid` for a path that is not absolute; `Interrupted`; those of the storage.
pub fn filter_snapshots(
    repository: &Repository,
    listing: &Listing,
    filter: &SnapshotFilter,
    progress: &dyn Progress,
) -> Result<Vec<Summary>> {
    let paths = filter.paths.iter().map(|path| normalise(path)).collect::<Result<Vec<_>>>()?;
    let mut found = Vec::new();
    let mut newest_first: Vec<&Summary> = listing.summaries().iter().collect();
    newest_first.sort_by_key(|summary| std::cmp::Reverse((summary.time, summary.order())));
    for summary in newest_first {
        check_cancelled(progress)?;
        if filter.last.is_some_and(|last| found.len() >= last) {
            break;
        }
        if !fits_at_a_glance(summary, filter) {
            continue;
        }
        let summary = match complete_summary(repository, summary) {
            Ok(summary) => summary,
            Err(error) if error.is_damage() => {
                progress.report(Finding::new(FindingKind::Damaged, Vec::new(), error.to_string()));
                summary.clone()
            }
            Err(error) => return Err(error),
        };
        if fits_closely(&summary, filter, &paths) {
            found.push(summary);
        }
    }
    found.reverse();
    Ok(found)
}

/// The summary with everything in it that was cut, except that a long series stays shortened.
///
/// # Errors
/// `NotFound`, `Damaged`, `Unsupported` when the manifest is needed and cannot be read.
pub fn complete_summary(repository: &Repository, summary: &Summary) -> Result<Summary> {
    let mut complete = summary.clone();
    if summary.is_cut {
        let manifest = repository.objects().read_manifest(&summary.id)?;
        complete.host = manifest.host;
        complete.user = manifest.user;
        complete.tags = repository.facts().marks().tags(&summary.id, manifest.tags);
        complete.options = manifest.options;
        complete.paths = manifest.paths;
        complete.is_cut = false;
    }
    Ok(complete)
}

/// What every summary has whole.
fn fits_at_a_glance(summary: &Summary, filter: &SnapshotFilter) -> bool {
    (filter.ids.is_empty() || filter.ids.contains(&summary.id))
        && (filter.series.is_empty() || filter.series.iter().any(|series| series_key(series) == summary.series))
        && (filter.kinds.is_empty() || filter.kinds.contains(&summary.kind))
}

fn fits_closely(summary: &Summary, filter: &SnapshotFilter, paths: &[Vec<u8>]) -> bool {
    let touches = |wanted: &Vec<u8>| {
        summary.paths.iter().any(|path| normalise(path).is_ok_and(|path| is_at_or_below(&path, wanted) || is_at_or_below(wanted, &path)))
    };
    (filter.hosts.is_empty() || filter.hosts.contains(&summary.host))
        && filter.tags.iter().all(|tag| summary.tags.contains(tag))
        && (paths.is_empty() || paths.iter().any(touches))
}
