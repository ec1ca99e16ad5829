//! `repo catalog`: this machine's view of the snapshots.

use clap::Subcommand;
use serde::Serialize;

use super::exit::Status;
use super::global::Global;
use super::message;
use super::output::Output;
use crate::catalog::Catalog;
use crate::error::{Error, ErrorKind, Result};

/// Rebuild or verify this machine's catalog of the repository
///
/// The catalog only makes commands faster; it is compared with the repository at every use and mended by itself, so
/// neither of these is ever needed for a right answer.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Command {
    /// Build the catalog again from the repository
    Rebuild,
    /// Compare every row of the catalog with the repository
    ///
    /// Exits 4 when they differ.
    Verify,
}

#[derive(Serialize)]
struct Rebuilt {
    added: usize,
    unreadable: usize,
}

#[derive(Serialize)]
struct Verified {
    differences: Vec<String>,
}

/// Runs one of the sub-commands.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    if global.no_catalog {
        return Err(Error::new(ErrorKind::Invalid, "`repo catalog` makes no sense with --no-catalog"));
    }
    let repository = global.open()?;
    let Some(folder) = repository.cache().map(|cache| cache.catalog()) else {
        let message = "this machine has no folder for caches that can be written; set REPO_CACHE_DIR, XDG_CACHE_HOME or HOME";
        return Err(Error::new(ErrorKind::Other, message));
    };
    let mut catalog = Catalog::open(&folder, repository.description().id)?;
    match args.command {
        Command::Rebuild => {
            let reconciled = repository.with_sealed(|sealed| catalog.rebuild(sealed))?;
            catalog.flush()?;
            for (id, error) in &reconciled.skipped.snapshots {
                message::warn(format_args!("snapshot {id} cannot be read: {error}"));
            }
            for (id, error) in &reconciled.skipped.records {
                message::warn(format_args!("record {id} cannot be read: {error}"));
            }
            let unreadable = reconciled.skipped.snapshots.len() + reconciled.skipped.records.len();
            if output.is_json {
                output.json(&Rebuilt { added: reconciled.added, unreadable })?;
            } else {
                output.say(format_args!("catalog rebuilt: {} snapshots and records", reconciled.added))?;
            }
            Ok(if unreadable > 0 { Status::Damage } else { Status::Good })
        }
        Command::Verify => {
            let differences = repository.with_sealed(|sealed| catalog.verify(sealed))?;
            if output.is_json {
                output.json(&Verified { differences: differences.iter().map(ToString::to_string).collect() })?;
            } else {
                differences.iter().try_for_each(|difference| output.line(difference))?;
                if differences.is_empty() {
                    output.say("the catalog is as the repository says")?;
                }
            }
            Ok(if differences.is_empty() { Status::Good } else { Status::Damage })
        }
    }
}
