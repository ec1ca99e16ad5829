//! `repo snapshots`: what there is.
use super::exit::Status;
use super::global::Global;
use super::output::Output;
use crate::error::Result;
/// List the snapshots
#[derive(clap::Args, Debug)]
pub struct Args {}
/// Prints.
pub fn run(_args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let repository = global.open()?;
    for summary in global.listing(&repository)?.summaries() {
        output.line(summary.id)?;
    }
    Ok(Status::Good)
}
