//! `repo accept`: somebody has looked at what a guard distrusts.

use serde::Serialize;

use super::decided;
use super::exit::Status;
use super::global::{Global, warn_of_missing};
use super::output::Output;
use super::selection::{Chooser, Narrow, SNAPSHOT_HELP};
use crate::annotate::Annotation;
use crate::error::Result;
use crate::progress::Silent;

/// Accept snapshots that a guard distrusts
///
/// A snapshot is suspect when its source lost or rewrote far more than in a day, or when a database shrank. Rules wait with
/// the whole series until it is accepted; what was pinned for it stays pinned.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[arg(required = true, value_name = "SNAP", help = SNAPSHOT_HELP)]
    snapshots: Vec<String>,

    #[command(flatten)]
    narrow: Narrow,
}

#[derive(Serialize)]
struct Accepted {
    accepted: Vec<String>,
}

/// Writes it beside the snapshots.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let annotator = decided::begin(global)?;
    warn_of_missing(annotator.catalogued());
    let ids = Chooser::new(global, annotator.repository(), &annotator.catalogued().listing, args.narrow)?.snapshots(&args.snapshots)?;
    annotator.write(&Annotation::Accept { snapshots: ids.clone() }, &Silent)?;
    output.report(|output| {
        if output.is_json {
            return output.json(&Accepted { accepted: ids.iter().map(ToString::to_string).collect() });
        }
        ids.iter().try_for_each(|id| output.say(format_args!("snapshot {} is accepted; rules decide about its series again", id.short())))
    })?;
    Ok(Status::Good)
}
