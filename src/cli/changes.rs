//! `repo changes`: what a snapshot changed.

use std::ffi::OsString;

use super::bar::Bar;
use super::exit::Status;
use super::global::Global;
use super::message;
use super::output::Output;
use super::selection::{Chooser, Narrow, SNAPSHOT_HELP};
use super::text::{CHANGE_LETTERS, ChangeText, grouped};
use crate::browse::{self, ChangeCounts, Reference, json};
use crate::error::{Error, ErrorKind, Result};

/// List what a snapshot changed
///
/// Of an incremental snapshot against the one before it, of a differential one against the last full one; of a full
/// one, everything.
#[derive(clap::Args, Debug)]
#[command(after_long_help = CHANGE_LETTERS)]
pub struct Args {
    #[arg(value_name = "SNAP", help = SNAPSHOT_HELP)]
    snapshot: OsString,

    #[command(flatten)]
    narrow: Narrow,
}

/// Prints one line for each change, and their number.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let repository = global.open()?;
    let (listing, reader) = (global.listing(&repository)?, global.reader(&repository)?);
    let selected = Chooser::new(global, &repository, &listing, args.narrow)?.place(&reader, &args.snapshot)?;
    if selected.path.is_some() {
        return Err(Error::new(ErrorKind::Invalid, "changes are those of a whole snapshot; `repo diff` compares single paths"));
    }
    let manifest = repository.objects().read_manifest(&selected.id)?;
    let bar = Bar::hidden(global);
    let outcome = browse::changes(
        &reader,
        &manifest,
        &mut |change| {
            if output.is_json { output.json(&json::ChangeLine::from(change)) } else { output.line(ChangeText(change, output.style)) }
        },
        &bar,
    )?;
    if let Reference::Lost(base) = outcome.reference {
        message::warn(format_args!("its base {} is gone, so what changed is not known; the snapshot itself is whole", base.short()));
    }
    if output.is_json {
        output.json(&json::ChangeSummaryLine::from(&outcome))?;
    } else {
        print_counts(&outcome.counts, outcome.renames_left_out, output)?;
    }
    Ok(bar.finish())
}

/// Prints how many changes of each sort there were.
pub fn print_counts(counts: &ChangeCounts, renames_left_out: bool, output: &mut Output) -> Result<()> {
    if renames_left_out {
        message::note("too much was added and removed to look for renames");
    }
    if output.is_quiet {
        return Ok(());
    }
    let ChangeCounts { added, modified, metadata, removed, renamed } = *counts;
    output.line(format_args!(
        "{} added, {} modified, {} with other metadata, {} removed, {} renamed",
        grouped(added),
        grouped(modified),
        grouped(metadata),
        grouped(removed),
        grouped(renamed)
    ))
}
