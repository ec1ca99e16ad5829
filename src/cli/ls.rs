//! `repo ls`: what is in a snapshot.

use std::ffi::OsString;

use super::bar::Bar;
use super::exit::Status;
use super::global::Global;
use super::output::Output;
use super::selection::{SNAPSHOT_HELP, select};
use super::text::LongEntry;
use crate::browse::{self, Place, json};
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
}

/// Prints one line for each entry.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let repository = global.open()?;
    let selected = select(&repository, &global.listing(&repository)?, &args.snapshot)?;
    let manifest = repository.read_manifest(&selected.id)?;
    let place = match &selected.path {
        Some(path) => Place::at(&manifest, path)?,
        None => Place::whole(&manifest),
    };
    let bar = Bar::hidden(global);
    browse::list(
        &global.reader(&repository)?,
        &place,
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
