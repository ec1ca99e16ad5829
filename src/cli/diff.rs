//! `repo diff`: how two snapshots differ.

use std::ffi::{OsStr, OsString};
use std::path::{Component, Path};

use super::bar::Bar;
use super::changes::print_counts;
use super::exit::Status;
use super::global::Global;
use super::output::Output;
use super::own_folders::OwnFolders;
use super::selection::{Chooser, Narrow, SNAPSHOT_HELP};
use super::text::{CHANGE_LETTERS, ChangeText};
use crate::browse::{self, DiffOutcome, json};
use crate::error::{Error, Result};
use crate::manifest::Change;
use crate::platform::names;
use crate::units::PathText;

/// List what differs between two snapshots, or a snapshot and a folder here
///
/// `repo diff latest /home` compares what the newest snapshot has of `/home` with the folder as it is; any path with
/// a slash, such as `./src`, stands for what is on this machine. Files whose stamps say that nothing changed are not
/// read, all others are compared byte by byte; what the snapshot left out by its rules is no difference.
#[derive(clap::Args, Debug)]
#[command(after_long_help = CHANGE_LETTERS)]
pub struct Args {
    #[arg(value_name = "OLD[:PATH]", help = SNAPSHOT_HELP)]
    old: OsString,

    /// The same; without a path, the path of OLD. Or a file or folder of this machine
    #[arg(value_name = "NEW[:PATH]|/PATH")]
    new: OsString,

    #[command(flatten)]
    narrow: Narrow,
}

/// Prints one line for each difference, and their number.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let repository = global.open()?;
    let (listing, reader) = (global.listing(&repository)?, global.reader(&repository)?);
    let chooser = Chooser::new(global, &repository, &listing, args.narrow)?;
    if let Some(live) = live_path(&args.new)? {
        let old = chooser.place_or(&reader, &args.old, &live)?;
        let manifest = repository.objects().read_manifest(&old.id)?;
        let bar = Bar::hidden(global);
        let own = OwnFolders::of(global)?;
        let mut print = |change: &Change| print_change(change, output);
        let outcome = browse::diff_live(&reader, &old.place(&manifest)?, &live, &own.numbers, &mut print, &bar)?;
        return finish(&outcome, bar, output);
    }
    let old = chooser.place(&reader, &args.old)?;
    let mut new = chooser.place(&reader, &args.new)?;
    new.path = new.path.or_else(|| old.path.clone());
    let (old_manifest, new_manifest) = (repository.objects().read_manifest(&old.id)?, repository.objects().read_manifest(&new.id)?);
    let bar = Bar::hidden(global);
    let outcome =
        browse::diff(&reader, &old.place(&old_manifest)?, &new.place(&new_manifest)?, &mut |change| print_change(change, output), &bar)?;
    finish(&outcome, bar, output)
}

fn print_change(change: &Change, output: &mut Output) -> Result<()> {
    if output.is_json { output.json(&json::ChangeLine::from(change)) } else { output.line(ChangeText(change, output.style)) }
}

fn finish(outcome: &DiffOutcome, bar: Bar, output: &mut Output) -> Result<Status> {
    if output.is_json {
        output.json(&json::ChangeSummaryLine::from(outcome))?;
    } else {
        print_counts(&outcome.counts, outcome.renames_left_out, output)?;
    }
    Ok(bar.finish())
}

/// The absolute path that an argument stands for when it is one of this machine.
///
/// # Errors
/// Those of asking for the working folder.
fn live_path(argument: &OsStr) -> Result<Option<Vec<u8>>> {
    let is_path = matches!(Path::new(argument).components().next(), Some(Component::RootDir | Component::CurDir | Component::ParentDir));
    // Names of snapshots have a slash behind a colon or in the name of a series only.
    let first = names::to_bytes(argument).iter().find(|byte| b"/:@".contains(byte));
    if !is_path && first != Some(&b'/') {
        return Ok(None);
    }
    // `..` behind a link leads elsewhere than its text says.
    let path = Path::new(argument);
    let found = path.canonicalize().map_err(|error| Error::io("cannot open", PathText(names::to_bytes(argument)), error))?;
    let is_link = path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink()) && !found.is_dir();
    // A link to a file is the link itself, as in a snapshot.
    let found = if is_link {
        let absolute = std::path::absolute(path).map_err(|error| Error::io("cannot open", PathText(names::to_bytes(argument)), error))?;
        let name = absolute.file_name().map(OsStr::to_owned).unwrap_or_default();
        absolute.parent().and_then(|parent| parent.canonicalize().ok()).map_or(absolute.clone(), |parent| parent.join(name))
    } else {
        found
    };
    Ok(Some(names::into_bytes(found)))
}
