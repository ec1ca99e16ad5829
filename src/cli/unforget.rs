//! `repo unforget`: the undo of `repo forget`, as long as no prune has gone by.

use serde::Serialize;

use super::decided;
use super::exit::Status;
use super::global::Global;
use super::output::Output;
use crate::annotate::Annotation;
use crate::error::Result;
use crate::progress::Silent;

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

/// Finds all of them first, so that a mistyped one leaves the others alone.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let annotator = decided::begin(global)?;
    let mut ids = Vec::new();
    for prefix in &args.snapshots {
        let id = annotator.find_forgotten(prefix)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    annotator.write(&Annotation::Unforget { snapshots: ids.clone() }, &Silent)?;
    output.report(|output| {
        if output.is_json {
            return output.json(&Taken { unforgotten: ids.iter().map(ToString::to_string).collect() });
        }
        ids.iter().try_for_each(|id| output.say(format_args!("snapshot {} is no longer forgotten", id.short())))
    })?;
    Ok(Status::Good)
}
