//! `repo cat`: the content of one file.

use std::ffi::OsString;

use super::bar::Bar;
use super::exit::Status;
use super::global::Global;
use super::output::Output;
use super::selection::{Chooser, Narrow, SNAPSHOT_HELP};
use crate::browse;
use crate::error::{Error, ErrorKind, Result};

/// Write the content of one saved file to standard output
#[derive(clap::Args, Debug)]
pub struct Args {
    #[arg(value_name = "SNAP:PATH", help = SNAPSHOT_HELP)]
    file: OsString,

    #[command(flatten)]
    narrow: Narrow,
}

/// Writes the file.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    if output.is_json {
        return Err(Error::new(ErrorKind::Invalid, "`repo cat` writes the file as it is; --json makes no sense with it"));
    }
    let repository = global.open()?;
    let (listing, reader) = (global.listing(&repository)?, global.reader(&repository)?);
    let selected = Chooser::new(global, &repository, &listing, args.narrow)?.place(&reader, &args.file)?;
    if selected.path.is_none() {
        return Err(Error::new(ErrorKind::Invalid, "say which file: SNAP:PATH"));
    }
    let manifest = repository.read_manifest(&selected.id)?;
    let bar = Bar::hidden(global);
    // A closed pipe is noticed by the output itself.
    browse::cat(&reader, &selected.place(&manifest)?, output, &bar)?;
    Ok(bar.finish())
}
