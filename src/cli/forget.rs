//! `repo forget`: snapshots that nobody wants any more.

use std::collections::HashSet;

use jiff::tz::TimeZone;
use serde::Serialize;

use super::exit::Status;
use super::global::Global;
use super::locks;
use super::message;
use super::output::Output;
use super::selection::{Chooser, Narrow, SNAPSHOT_HELP};
use crate::error::{Error, ErrorKind, Result};
use crate::id::SnapshotId;
use crate::manifest::{TOMBSTONE, Tombstone};
use crate::repository::{Catalogued, with_reserve};
use crate::retention::protected_until;
use crate::units::Timestamp;
use crate::wire;

/// Forget snapshots; the next prune removes them
///
/// Forgotten snapshots are no longer shown and nothing builds on them. The space that only they need is freed by the
/// next `repo prune`; until then `repo unforget` takes it back. What is protected (`repo settings`) is removed by the first
/// prune after its protection has ended. A snapshot that is missing, or whose damaged manifest a repair set aside, is given
/// up by its id; others that are missing stay missed.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[arg(required = true, value_name = "SNAP", help = SNAPSHOT_HELP)]
    snapshots: Vec<String>,

    /// Snapshots are missing, and that is right: take the repository as it is, and go on
    #[arg(long)]
    accept_rollback: bool,

    #[command(flatten)]
    narrow: Narrow,
}

#[derive(Serialize)]
struct Forgotten {
    forgotten: Vec<String>,
    protected: Vec<String>,
}

/// A damaged or missing snapshot is known by so many characters of its id at least.
const PREFIX_CHARACTERS_MIN: usize = 4;

/// The snapshots of a list of names, each once; also those that cannot be read or are missing, by their ids.
fn select(chooser: &Chooser<'_>, catalogued: &Catalogued, names: &[String]) -> Result<Vec<SnapshotId>> {
    let mut ids = Vec::new();
    for name in names {
        let has_prefix = |id: &SnapshotId| name.len() >= PREFIX_CHARACTERS_MIN && id.to_string().starts_with(name.as_str());
        let missing = catalogued.rollback.iter().flat_map(|rollback| rollback.missing.iter().copied());
        let unreadable = catalogued.skipped.snapshots.iter().map(|(id, _)| *id);
        let damaged: Vec<SnapshotId> = unreadable.chain(missing).filter(has_prefix).collect();
        let found = chooser.snapshot(name);
        match (damaged.as_slice(), found) {
            ([], found) => ids.push(found?),
            ([id], Err(error)) if error.is_not_found() || error.is_damage() => ids.push(*id),
            (_, Err(error)) if !error.is_not_found() => return Err(error),
            _ => return Err(Error::new(ErrorKind::Invalid, format!("several snapshots begin with `{}`", name.escape_debug()))),
        }
    }
    let mut seen = HashSet::new();
    ids.retain(|id| seen.insert(*id));
    Ok(ids)
}

/// Writes a tombstone for each snapshot. All of them are found and looked at first, so that a mistyped
/// one leaves the others alone.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let repository = global.open()?;
    let _lock = locks::take_shared(&repository, global)?;
    let catalogued = global.catalogued(&repository)?;
    let ids = select(&Chooser::new(global, &repository, &catalogued.listing, args.narrow)?, &catalogued, &args.snapshots)?;
    let missing: &[SnapshotId] = catalogued.rollback.as_ref().map_or(&[], |rollback| &rollback.missing);
    // Of what is missing, the user gives up what is named, and nothing else.
    let is_about_missing = ids.iter().all(|id| missing.contains(id)) || missing.iter().all(|id| ids.contains(id));
    if let Some(rollback) = catalogued.rollback.as_ref().filter(|_| !args.accept_rollback && !is_about_missing) {
        return Err(rollback.refusal());
    }
    if let Some(id) = ids.iter().find(|id| repository.facts().marks().is_pinned(id)) {
        let message = if missing.contains(id) {
            format!("snapshot {} is pinned, and missing; give --accept-rollback if it is lost for good", id.short())
        } else {
            format!("snapshot {} is pinned; `repo tag {0} --unpin` first", id.short())
        };
        return Err(Error::new(ErrorKind::Invalid, message));
    }
    let now = Timestamp::now();
    let given_up: Vec<SnapshotId> = missing.iter().filter(|id| args.accept_rollback || ids.contains(id)).copied().collect();
    let damaged: Vec<SnapshotId> = catalogued.skipped.snapshots.iter().map(|(id, _)| *id).filter(|id| ids.contains(id)).collect();
    if !given_up.is_empty() || !damaged.is_empty() {
        // Only what is given up may have named them.
        let others = missing.iter().filter(|id| !given_up.contains(id)).chain(&catalogued.unnamed).filter(|id| !ids.contains(id));
        repository.record_presence(&others.copied().collect::<Vec<_>>(), now)?;
        for id in given_up.iter().chain(&damaged).filter(|id| !repository.has_seen(id)) {
            message::warn(format_args!(
                "nobody can tell which snapshot {} named as the one before it; if that is missing too, it is given up with it",
                id.short()
            ));
        }
    }
    if !given_up.is_empty() {
        repository.record_removal(&given_up, now)?;
    }
    let records: Vec<_> = ids.iter().map(|id| (TOMBSTONE, wire::encode(&Tombstone { snapshot: *id }))).collect();
    // On a full disk, forgetting is how space is made.
    with_reserve(&**repository.storage(), || repository.publish_records(records.clone(), now))?;
    let protect_seconds = repository.facts().protection().seconds_at(now);
    let until = |id: &SnapshotId| {
        let committed_at = catalogued.listing.get(id)?.committed_at;
        protected_until(committed_at, protect_seconds, now, &TimeZone::system())
    };
    output.report(|output| {
        if output.is_json {
            let text = |ids: Vec<&SnapshotId>| ids.iter().map(ToString::to_string).collect();
            let protected = text(ids.iter().filter(|id| until(id).is_some()).collect());
            return output.json(&Forgotten { forgotten: text(ids.iter().collect()), protected });
        }
        for id in &ids {
            match until(id) {
                None => output.say(format_args!("snapshot {} forgotten", id.short()))?,
                Some(until) => output.line(format_args!("snapshot {} forgotten; it is protected and stays until {until}", id.short()))?,
            }
        }
        if output.is_quiet {
            Ok(())
        } else {
            output.line("space is freed by the next `repo prune`; until then `repo unforget` takes it back")
        }
    })?;
    Ok(Status::Good)
}
