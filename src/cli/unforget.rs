//! `repo unforget`: the undo of `repo forget`, as long as no prune has gone by.

use serde::Serialize;

use super::exit::Status;
use super::global::Global;
use super::locks;
use super::output::Output;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{SnapshotId, check_prefix};
use crate::manifest::{UNFORGOTTEN, Unforgotten};
use crate::repository::{Repository, with_reserve};
use crate::units::Timestamp;
use crate::wire;

/// Take back what `repo forget` did; it works until the next prune
///
/// The snapshots are shown again, and rules decide about them. `repo prune --dry-run` lists what is forgotten.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The beginning of the id of a forgotten snapshot (4 digits or more)
    #[arg(required = true, value_name = "ID")]
    snapshots: Vec<String>,
}

#[derive(Serialize)]
struct Taken {
    unforgotten: Vec<String>,
}

/// Writes a record for each snapshot that ends its tombstone. All of them are found first.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let repository = global.open()?;
    let _lock = locks::take_shared(&repository, global)?;
    // What was true before the lock may not be any more.
    let repository = repository.with_facts_of_now()?;
    let listed = repository.list_snapshots()?;
    let mut ids = Vec::new();
    for prefix in &args.snapshots {
        let id = find(&repository, &listed, prefix)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let now = Timestamp::now();
    // What came meanwhile named others as the ones before.
    let mut there = repository.catalogued_from_sealed()?.unnamed;
    there.extend(ids.iter().copied());
    with_reserve(&**repository.storage(), || repository.record_presence(&there, now))?;
    let records: Vec<_> = ids.iter().map(|id| (UNFORGOTTEN, wire::encode(&Unforgotten { snapshot: *id }))).collect();
    with_reserve(&**repository.storage(), || repository.publish_pairs(records.clone(), now))?;
    // A prune that was cut short may have called one of them removed.
    repository.recant_removals(now)?;
    output.report(|output| {
        if output.is_json {
            return output.json(&Taken { unforgotten: ids.iter().map(ToString::to_string).collect() });
        }
        ids.iter().try_for_each(|id| output.say(format_args!("snapshot {} is no longer forgotten", id.short())))
    })?;
    Ok(Status::Good)
}

/// The one forgotten snapshot that is still there and whose id begins with `prefix`.
fn find(repository: &Repository, listed: &[SnapshotId], prefix: &str) -> Result<SnapshotId> {
    check_prefix(prefix)?;
    let fitting = listed.iter().filter(|id| id.to_string().starts_with(prefix));
    let (forgotten, others): (Vec<&SnapshotId>, Vec<&SnapshotId>) = fitting.partition(|id| repository.facts().marks().has_tombstone(id));
    match (&forgotten[..], &others[..]) {
        ([id], _) => Ok(**id),
        ([], [id]) => Err(Error::new(ErrorKind::Invalid, format!("snapshot {} is not forgotten", id.short()))),
        ([], []) => {
            let message = format!("there is no forgotten snapshot `{}`; what a prune has removed is gone", prefix.escape_debug());
            Err(Error::new(ErrorKind::NotFound, message))
        }
        _ => Err(Error::new(ErrorKind::Invalid, format!("several snapshots begin with {prefix}"))),
    }
}
