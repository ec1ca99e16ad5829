//! `repo diff`: how two snapshots differ.

use std::ffi::OsString;

use super::bar::Bar;
use super::changes::print_counts;
use super::exit::Status;
use super::global::Global;
use super::output::Output;
use super::selection::{Chooser, Narrow, SNAPSHOT_HELP};
use super::text::{CHANGE_LETTERS, ChangeText};
use crate::browse::{self, json};
use crate::error::Result;

/// List what differs between two snapshots, or two folders or files in them
#[derive(clap::Args, Debug)]
#[command(after_long_help = CHANGE_LETTERS)]
pub struct Args {
    #[arg(value_name = "OLD[:PATH]", help = SNAPSHOT_HELP)]
    old: OsString,

    /// The same; without a path, the path of OLD
    #[arg(value_name = "NEW[:PATH]")]
    new: OsString,

    #[command(flatten)]
    narrow: Narrow,
}

/// Prints one line for each difference, and their number.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let repository = global.open()?;
    let (listing, reader) = (global.listing(&repository)?, global.reader(&repository)?);
    let chooser = Chooser::new(global, &repository, &listing, args.narrow)?;
    let old = chooser.place(&reader, &args.old)?;
    let mut new = chooser.place(&reader, &args.new)?;
    new.path = new.path.or_else(|| old.path.clone());
    let (old_manifest, new_manifest) = (repository.objects().read_manifest(&old.id)?, repository.objects().read_manifest(&new.id)?);
    let bar = Bar::hidden(global);
    let outcome = browse::diff(
        &reader,
        &old.place(&old_manifest)?,
        &new.place(&new_manifest)?,
        &mut |change| {
            if output.is_json { output.json(&json::ChangeLine::from(change)) } else { output.line(ChangeText(change, output.style)) }
        },
        &bar,
    )?;
    if output.is_json {
        output.json(&json::ChangeSummaryLine::from(&outcome))?;
    } else {
        print_counts(&outcome.counts, outcome.renames_left_out, output)?;
    }
    Ok(bar.finish())
}
