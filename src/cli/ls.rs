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
use crate::manifest::Node;
use crate::units::PathText;

/// List what is in a snapshot, or in one folder of it
///
/// Without a path, its sources. Names are those below the folder.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[arg(value_name = "SNAP[:PATH]", help = SNAPSHOT_HELP, default_value = "latest")]
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
    let manifest = repository.objects().read_manifest(&selected.id)?;
    let bar = Bar::hidden(global);
    let mut print = |path: &[u8], node: &Node| {
        let name = below(path, selected.path.as_deref());
        if output.is_json {
            output.json(&json::EntryLine::new(path, node))
        } else if args.long {
            output.line(LongEntry(name, node))
        } else {
            output.line(format_args!("{}{}", PathText(name), if node.is_directory() && path != b"/" { "/" } else { "" }))
        }
    };
    if selected.path.is_none() && !args.recursive {
        browse::sources(&manifest).try_for_each(|source| print(&source.path, &source.node))?;
    } else {
        browse::list(&reader, &selected.place(&manifest)?, args.recursive, &mut print, &bar)?;
    }
    Ok(bar.finish())
}

/// The name of `path` below the folder that is listed; of a file that is listed itself, and where no folder was
/// named, the path.
fn below<'p>(path: &'p [u8], folder: Option<&[u8]>) -> &'p [u8] {
    let rest = folder.and_then(|folder| path.strip_prefix(if folder == b"/" { &b""[..] } else { folder }));
    rest.and_then(|rest| rest.strip_prefix(b"/")).filter(|name| !name.is_empty()).unwrap_or(path)
}
