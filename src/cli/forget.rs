//! `repo forget`: snapshots that nobody wants any more.

use serde::Serialize;

use super::exit::Status;
use super::global::Global;
use super::output::Output;
use super::selection::{SNAPSHOT_HELP, select_all};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{TOMBSTONE, Tombstone};
use crate::storage::{LOCK, LockMode};
use crate::units::Timestamp;
use crate::wire;

/// Forget snapshots; the next prune removes them
///
/// Forgotten snapshots are no longer shown and nothing builds on them. The space that only they need is freed by the
/// next `repo prune`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[arg(required = true, value_name = "SNAP", help = SNAPSHOT_HELP)]
    snapshots: Vec<String>,
}

#[derive(Serialize)]
struct Forgotten {
    forgotten: Vec<String>,
}

/// Writes a tombstone for each snapshot. All of them are found and looked at first, so that a mistyped
/// one leaves the others alone.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let repository = global.open()?;
    let _lock = repository.storage().lock(LOCK, LockMode::Shared, true)?;
    let ids = select_all(&repository, &global.listing(&repository)?, &args.snapshots)?;
    if let Some(id) = ids.iter().find(|id| repository.facts().marks().is_pinned(id)) {
        let message = format!("snapshot {} is pinned; `repo tag {0} --unpin` first", id.short());
        return Err(Error::new(ErrorKind::Invalid, message));
    }
    let records = ids.iter().map(|id| (TOMBSTONE, wire::encode(&Tombstone { snapshot: *id }))).collect();
    repository.publish_records(records, Timestamp::now())?;
    output.report(|output| {
        if output.is_json {
            return output.json(&Forgotten { forgotten: ids.iter().map(ToString::to_string).collect() });
        }
        ids.iter().try_for_each(|id| output.line(format_args!("snapshot {} forgotten", id.short())))?;
        if output.is_quiet { Ok(()) } else { output.line("space is freed by the next `repo prune`") }
    })?;
    Ok(Status::Good)
}
