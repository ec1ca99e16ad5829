//! `repo diff`: how two snapshots differ.

use std::ffi::OsString;

use super::bar::Bar;
use super::changes::print_counts;
use super::exit::Status;
use super::global::Global;
use super::output::Output;
use super::selection::{SNAPSHOT_HELP, Selected, select};
use super::text::{CHANGE_LETTERS, ChangeText};
use crate::browse::{self, Place, json};
use crate::error::Result;
use crate::manifest::Manifest;

/// List what differs between two snapshots, or two folders or files in them
#[derive(clap::Args, Debug)]
#[command(after_long_help = CHANGE_LETTERS)]
pub struct Args {
    #[arg(value_name = "OLD[:PATH]", help = SNAPSHOT_HELP)]
    old: OsString,

    /// The same; without a path, the path of OLD
    #[arg(value_name = "NEW[:PATH]")]
    new: OsString,
}

/// Prints one line for each difference, and their number.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let repository = global.open()?;
    let listing = global.listing(&repository)?;
    let old = select(&repository, &listing, &args.old)?;
    let mut new = select(&repository, &listing, &args.new)?;
    new.path = new.path.or_else(|| old.path.clone());
    let (old_manifest, new_manifest) = (repository.read_manifest(&old.id)?, repository.read_manifest(&new.id)?);
    let bar = Bar::hidden(global);
    let outcome = browse::diff(
        &global.reader(&repository)?,
        &place(&old_manifest, &old)?,
        &place(&new_manifest, &new)?,
        &mut |change| if output.is_json { output.json(&json::ChangeLine::from(change)) } else { output.line(ChangeText(change)) },
        &bar,
    )?;
    if output.is_json {
        output.json(&json::ChangeSummaryLine::from(&outcome))?;
    } else {
        print_counts(&outcome.counts, outcome.renames_left_out, output)?;
    }
    Ok(bar.finish())
}

fn place<'m>(manifest: &'m Manifest, selected: &Selected) -> Result<Place<'m>> {
    match &selected.path {
        Some(path) => Place::at(manifest, path),
        None => Ok(Place::whole(manifest)),
    }
}
