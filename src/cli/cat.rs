//! `repo cat`: the content of one file.

use std::ffi::OsString;

use super::bar::Bar;
use super::exit::Status;
use super::global::Global;
use super::output::Output;
use super::selection::{SNAPSHOT_HELP, select};
use crate::browse::{self, Place};
use crate::error::{Error, ErrorKind, Result};

/// Write the content of one saved file to standard output
#[derive(clap::Args, Debug)]
pub struct Args {
    #[arg(value_name = "SNAP:PATH", help = SNAPSHOT_HELP)]
    file: OsString,
}

/// Writes the file.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    if output.is_json {
        return Err(Error::new(ErrorKind::Invalid, "`repo cat` writes the file as it is; --json makes no sense with it"));
    }
    let repository = global.open()?;
    let selected = select(&repository, &global.listing(&repository)?, &args.file)?;
    let Some(path) = selected.path else {
        return Err(Error::new(ErrorKind::Invalid, "say which file: SNAP:PATH"));
    };
    let manifest = repository.read_manifest(&selected.id)?;
    let bar = Bar::hidden(global);
    // A closed pipe is noticed by the output itself.
    browse::cat(&global.reader(&repository)?, &Place::at(&manifest, &path)?, output, &bar)?;
    Ok(bar.finish())
}
