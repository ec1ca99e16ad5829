//! `repo history`: the versions of one file or folder.

use std::path::PathBuf;

use super::bar::Bar;
use super::exit::Status;
use super::global::{Global, quoted};
use super::message;
use super::output::Output;
use super::selection::status_of;
use super::text;
use super::text::shell_word;
use super::times;
use crate::browse::{self, Version, json};
use crate::error::{Error, Result};
use crate::platform::names;
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

/// Prints each version, and the command that restores it.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let path = std::path::absolute(&args.path).map_err(|error| Error::io("cannot make absolute", args.path.display(), error))?;
    let repository = global.open()?;
    let listing = global.listing(&repository)?;
    let bar = Bar::hidden(global);
    let (mut series, mut number) = (None, 0_u64);
    let outcome = browse::history(
        &global.reader(&repository)?,
        &listing,
        names::to_bytes(&path),
        &mut |version| {
            if output.is_json {
                return output.json(&json::VersionLine::from(version));
            }
            if series.as_deref() != Some(&version.first.series[..]) {
                if !output.is_quiet {
                    output.line(format_args!("series {}", PathText(version.first.series.as_bytes())))?;
                }
                (series, number) = (Some(version.first.series.clone()), 0);
            }
            number += 1;
            print(version, number, names::to_bytes(&path), output)
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

fn print(version: &Version<'_>, number: u64, path: &[u8], output: &mut Output) -> Result<()> {
    let size = text::size(&version.node);
    let (from, to) = (times::day_and_minute(version.first.time), times::day_and_minute(version.last.time));
    let range = if version.snapshots == 1 { from } else { format!("{from} to {to}") };
    let modified = times::minute(version.node.metadata.mtime);
    let mark = text::mark(&version.node).map(|mark| format!(", {mark}")).unwrap_or_default();
    output.line(format_args!("{number}. {size}, modified {modified}{mark}"))?;
    output.line(format_args!("   in {} of {range}", text::counted(version.snapshots, "snapshot")))?;
    if let Some(gone) = version.gone {
        output.line(format_args!("   gone in {} of {}", gone.id.short(), times::day_and_minute(gone.time)))?;
    }
    if output.is_quiet {
        return Ok(());
    }
    output.line(format_args!("   repo restore {}:{} DEST", version.last.id.short(), shell_word(&PathText(path).to_string())))
}
