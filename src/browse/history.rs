//! The versions of one path over all snapshots.
//!
//! Versions are counted series by series, because a path may be saved from several machines. Equal
//! neighbours are one version. A snapshot whose sources do not cover the path says nothing about it;
//! one that covers it and has it not says that it was gone by then.

use super::is_gone;
use super::place::{Place, is_at_or_below, normalise};
use crate::cancel::check_cancelled;
use crate::catalog::{Listing, Summary};
use crate::error::{Error, Result};
use crate::manifest::{Content, Manifest, Node, classify_change};
use crate::progress::{Finding, FindingKind, Progress};
use crate::repository::ChunkReader;

/// One version: the path was like this from one snapshot to another.
#[derive(Clone, Debug)]
pub struct Version<'l> {
    /// The oldest snapshot that has this version.
    pub first: &'l Summary,
    /// The newest that has it, with only such snapshots between.
    pub last: &'l Summary,
    /// How many snapshots have it.
    pub snapshots: u64,
    /// The entry, as the newest of them has it.
    pub node: Node,
    /// The first snapshot behind `last` in which the path was gone; `None` when another version
    /// follows or this one is the newest.
    pub gone: Option<&'l Summary>,
}

/// What a history found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistoryOutcome {
    /// Versions that were handed out.
    pub versions: u64,
    /// Snapshots that could not be asked, each with a finding.
    pub unreadable: u64,
}

/// Hands out the versions of the absolute `path`, series by series in order of their names, the
/// oldest version first. Of a folder, each change of anything below it makes a version.
///
/// # Errors
/// `Invalid` for a path that is not absolute; `Unsupported`, `Interrupted`, those of `each`.
pub fn history<'l>(
    reader: &ChunkReader,
    listing: &'l Listing,
    path: &[u8],
    each: &mut dyn FnMut(&Version<'l>) -> Result<()>,
    progress: &dyn Progress,
) -> Result<HistoryOutcome> {
    let path = normalise(path)?;
    let mut outcome = HistoryOutcome::default();
    let mut series: Vec<&str> = listing.summaries().iter().map(|summary| &summary.series[..]).collect();
    series.sort_unstable();
    series.dedup();
    for series in series {
        let mut open: Option<Version<'l>> = None;
        let mut asked_last: Option<(&Summary, Sight)> = None;
        for summary in listing.summaries().iter().filter(|summary| summary.series == series) {
            check_cancelled(progress)?;
            let sight = match asked_last.take() {
                // The same root means the same entries, so the answer is the same.
                Some((last, sight)) if last.root == summary.root && last.paths == summary.paths => sight,
                _ => match look(reader, summary, &path) {
                    Ok(sight) => sight,
                    Err(error) if error.is_damage() => {
                        if is_gone(reader.objects(), &summary.id)? {
                            continue;
                        }
                        outcome.unreadable += 1;
                        progress.report(cannot_ask(summary, &path, &error));
                        continue;
                    }
                    Err(error) => return Err(error),
                },
            };
            if let Some(closed) = advance(&mut open, summary, &sight) {
                outcome.versions += 1;
                each(&closed)?;
            }
            asked_last = Some((summary, sight));
        }
        if let Some(last) = open {
            outcome.versions += 1;
            each(&last)?;
        }
    }
    Ok(outcome)
}

/// What one snapshot says about the path.
enum Sight {
    Entry(Box<Node>),
    Gone,
    NotCovered,
}

fn look(reader: &ChunkReader, summary: &Summary, path: &[u8]) -> Result<Sight> {
    let manifest = reader.objects().read_manifest(&summary.id)?;
    Ok(match Place::at(&manifest, if path.is_empty() { b"/" } else { path })?.find(reader)? {
        Some(node) => Sight::Entry(Box::new(node)),
        None if covers(&manifest, path) && !is_left_out(reader, &manifest, path)? => Sight::Gone,
        None => Sight::NotCovered,
    })
}

/// Whether the nearest folder above `path` that the snapshot has says that what leads there was left out.
fn is_left_out(reader: &ChunkReader, manifest: &Manifest, path: &[u8]) -> Result<bool> {
    let mut at = path;
    while let Some(end) = at.iter().rposition(|byte| *byte == b'/') {
        let (above, name) = (&at[..end], &at[end + 1..]);
        if let Some(node) = Place::at(manifest, if above.is_empty() { b"/" } else { above })?.find(reader)? {
            return Ok(node.leaves_out(name));
        }
        at = above;
    }
    Ok(false)
}

/// Whether a snapshot was asked to save `path`, so that its absence means something.
pub(super) fn covers(manifest: &Manifest, path: &[u8]) -> bool {
    let sources = manifest.entries.iter().filter(|entry| !matches!(entry.node.content, Content::Ancestor)).map(|entry| &entry.path[..]);
    let asked = manifest.paths.iter().map(|path| &path[..]);
    sources.chain(asked).any(|source| normalise(source).is_ok_and(|source| is_at_or_below(path, &source)))
}

/// Takes the next snapshot of a series into account; returns the version that it ends.
fn advance<'l>(open: &mut Option<Version<'l>>, summary: &'l Summary, sight: &Sight) -> Option<Version<'l>> {
    match sight {
        Sight::NotCovered => None,
        Sight::Gone => {
            let mut closed = open.take()?;
            closed.gone = Some(summary);
            Some(closed)
        }
        Sight::Entry(node) => {
            if let Some(version) = open
                && is_same_version(&version.node, node)
            {
                version.last = summary;
                version.snapshots += 1;
                version.node = (**node).clone();
                return None;
            }
            open.replace(Version { first: summary, last: summary, snapshots: 1, node: (**node).clone(), gone: None })
        }
    }
}

/// Whether two entries at one path are the same version of it.
pub fn is_same_version(old: &Node, new: &Node) -> bool {
    // Folders are compared by their trees here, which a change of anything below changes.
    classify_change(old, new).is_none() && old.content == new.content
}

fn cannot_ask(summary: &Summary, path: &[u8], error: &Error) -> Finding {
    Finding::new(FindingKind::Damaged, path, format!("cannot look it up in snapshot {}: {error}", summary.id.short()))
}
