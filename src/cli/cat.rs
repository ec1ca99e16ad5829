//! `repo cat`: the content of one file, or a folder as an archive.

use std::ffi::OsString;

use clap::ValueEnum;

use super::bar::Bar;
use super::exit::Status;
use super::global::Global;
use super::output::Output;
use super::selection::{Chooser, Narrow, SNAPSHOT_HELP};
use crate::browse::{self, ArchiveFormat};
use crate::error::{Error, ErrorKind, Result};

/// Write one saved file, or a folder as an archive, to standard output
#[derive(clap::Args, Debug)]
pub struct Args {
    #[arg(value_name = "SNAP:PATH", help = SNAPSHOT_HELP)]
    file: OsString,

    /// Write the file or folder, or all of the snapshot, as an archive
    ///
    /// Zip takes no pipes, devices and names that are not UTF-8: they are named, and the exit code is 3. What is damaged
    /// ends the archive, without its end, and the exit code is 4.
    #[arg(long, value_enum, value_name = "FORMAT")]
    archive: Option<Format>,

    #[command(flatten)]
    narrow: Narrow,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// Names are bytes, and links are links
    Tar,
    /// A file with several names is several files
    Zip,
}

/// Writes the file.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    if output.is_json {
        return Err(Error::new(ErrorKind::Invalid, "`repo cat` writes the file as it is; --json makes no sense with it"));
    }
    let repository = global.open()?;
    let (listing, reader) = (global.listing(&repository)?, global.reader(&repository)?);
    let selected = Chooser::new(global, &repository, &listing, args.narrow)?.place(&reader, &args.file)?;
    if selected.path.is_none() && args.archive.is_none() {
        return Err(Error::new(ErrorKind::Invalid, "say which file: SNAP:PATH"));
    }
    let manifest = repository.objects().read_manifest(&selected.id)?;
    let bar = Bar::hidden(global);
    if let Some(format) = args.archive {
        let format = match format {
            Format::Tar => ArchiveFormat::Tar,
            Format::Zip => ArchiveFormat::Zip,
        };
        return match browse::archive(&reader, &selected.place(&manifest)?, format, output, &bar) {
            // Whoever reads has what it wanted.
            Err(_) if output.is_closed() => Ok(bar.finish()),
            outcome => outcome.map(|()| bar.finish()),
        };
    }
    // A closed pipe is noticed by the output itself.
    browse::cat(&reader, &selected.place(&manifest)?, output, &bar)?;
    Ok(bar.finish())
}
