//! `repo forget`: snapshots that nobody wants any more.

use std::collections::HashSet;

use serde::Serialize;

use super::bar::Bar;
use super::decided;
use super::exit::Status;
use super::global::Global;
use super::output::Output;
use super::selection::{Chooser, Narrow, SNAPSHOT_HELP};
use crate::annotate::{Annotation, Annotator, Forgotten};
use crate::error::{Error, ErrorKind, Result};
use crate::id::SnapshotId;

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
struct ForgottenLine {
    forgotten: Vec<String>,
    protected: Vec<String>,
}

/// The snapshots of a list of names, each once; also those that cannot be read or are missing, by their ids.
fn select(chooser: &Chooser<'_>, annotator: &Annotator, names: &[String]) -> Result<Vec<SnapshotId>> {
    let mut ids = Vec::new();
    for name in names {
        match (annotator.find_lost(name).as_slice(), chooser.snapshot(name)) {
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

/// Finds all of them first, so that a mistyped one leaves the others alone.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let annotator = decided::begin(global)?;
    let chooser = Chooser::new(global, annotator.repository(), &annotator.catalogued().listing, args.narrow)?;
    let snapshots = select(&chooser, &annotator, &args.snapshots)?;
    let bar = Bar::hidden(global);
    let annotation = Annotation::Forget { snapshots, accept_rollback: args.accept_rollback };
    let forgotten = annotator.write(&annotation, &bar)?.forgotten;
    output.report(|output| {
        if output.is_json {
            let protected = forgotten.iter().filter(|one| one.protected_until.is_some()).map(|one| one.id.to_string()).collect();
            return output.json(&ForgottenLine { forgotten: forgotten.iter().map(|one| one.id.to_string()).collect(), protected });
        }
        for Forgotten { id, protected_until } in &forgotten {
            match protected_until {
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
    Ok(bar.finish())
}
