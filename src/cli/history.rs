//! `repo history`: the versions of one file or folder.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::bar::Bar;
use super::exit::Status;
use super::global::{Global, quoted};
use super::message;
use super::output::Output;
use super::selection::status_of;
use super::text;
use super::times;
use crate::browse::{self, Version, json};
use crate::error::{Error, Result};
use crate::manifest::Content;
use crate::units::PathText;

/// List the versions of a file or folder, the oldest first
///
/// A version ends where the next begins, or where the path is gone. Of a folder, every change below it makes a
/// version.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The path, as it was saved
    path: PathBuf,
}

/// Prints one line for each version.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let path = std::path::absolute(&args.path).map_err(|error| Error::io("cannot make absolute", args.path.display(), error))?;
    let repository = global.open()?;
    let listing = global.listing(&repository)?;
    let bar = Bar::hidden(global);
    let mut series = None;
    let outcome = browse::history(
        &global.reader(&repository)?,
        &listing,
        path.as_os_str().as_bytes(),
        &mut |version| {
            if output.is_json {
                return output.json(&json::VersionLine::from(version));
            }
            if series.as_deref() != Some(&version.first.series[..]) && !output.is_quiet {
                output.line(format_args!("series {}", PathText(version.first.series.as_bytes())))?;
                series = Some(version.first.series.clone());
            }
            print(version, output)
        },
        &bar,
    )?;
    let status = bar.finish().worst(status_of(&listing));
    if outcome.versions > 0 {
        return Ok(status);
    }
    message::warn(format_args!("no snapshot has {}", quoted(&path)));
    Ok(status.worst(Status::Failed))
}

fn print(version: &Version<'_>, output: &mut Output) -> Result<()> {
    let size = match version.node.content {
        Content::File(bytes, _) => text::bytes(bytes).to_string(),
        _ => version.node.type_name().to_owned(),
    };
    let gone = version.gone.map(|gone| format!("  gone in {} of {}", gone.id.short(), times::local(gone.time))).unwrap_or_default();
    output.line(format_args!(
        "{}  {} to {}  {:>6} snapshots  {size:>10}  modified {}{gone}",
        version.last.id.short(),
        times::local(version.first.time),
        times::local(version.last.time),
        text::grouped(version.snapshots),
        times::local(version.node.metadata.mtime),
    ))
}
