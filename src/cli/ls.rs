//! `repo ls`: what is in a snapshot.

use std::ffi::OsString;

use super::bar::Bar;
use super::exit::Status;
use super::global::Global;
use super::output::Output;
use super::selection::{Chooser, Narrow, SNAPSHOT_HELP};
use super::text::LongEntry;
use crate::browse::{self, json};
use crate::error::Result;
use crate::units::PathText;

/// List what is in a snapshot, or in one folder of it
#[derive(clap::Args, Debug)]
pub struct Args {
    #[arg(value_name = "SNAP[:PATH]", help = SNAPSHOT_HELP)]
    snapshot: OsString,

    /// List what is below folders too
    #[arg(short = 'R', long)]
    recursive: bool,

    /// Show type, mode, owner, length and time
    #[arg(short, long)]
    long: bool,

    #[command(flatten)]
    narrow: Narrow,
}

/// Prints one line for each entry.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let repository = global.open()?;
    let (listing, reader) = (global.listing(&repository)?, global.reader(&repository)?);
    let selected = Chooser::new(global, &repository, &listing, args.narrow)?.place(&reader, &args.snapshot)?;
    let manifest = repository.read_manifest(&selected.id)?;
    let bar = Bar::hidden(global);
    browse::list(
        &reader,
        &selected.place(&manifest)?,
        args.recursive,
        &mut |path, node| {
            if output.is_json {
                output.json(&json::EntryLine::new(path, node))
            } else if args.long {
                output.line(LongEntry(path, node))
            } else {
                output.line(format_args!("{}{}", PathText(path), if node.is_directory() && path != b"/" { "/" } else { "" }))
            }
        },
        &bar,
    )?;
    Ok(bar.finish())
}
