//! Databases that are held, saved beside the paths of the same run: together or not at all.
//!
//! Each is held by its profile, read to its end and let go, before the walk begins: so the files of a run are as new as
//! its databases, or newer. Its files stand below [`DATABASES_FOLDER`] in a folder of its name. Where one cannot be
//! saved, the run commits nothing.

mod folder;
mod means;
mod notes;
mod save;

pub(super) use means::Means;
pub(super) use notes::save_notes;
pub(super) use save::{SavedDatabases, covered_patterns, save_databases};

use super::request::Request;
use crate::databases::EntryKind;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{DATABASES_FOLDER, NOTES_FOLDER, check_name};
use crate::progress::{Finding, FindingKind, Progress, Topic};
use crate::units::PathText;

/// Refuses what could not be kept apart: databases of one name, sources where databases stand, and files of a
/// database that are to be saved as they lie.
///
/// # Errors
/// `Invalid`.
pub(super) fn check_databases(request: &Request) -> Result<()> {
    if request.databases.is_empty() && request.notes.is_empty() {
        return Ok(());
    }
    let invalid = |message: String| Err(Error::new(ErrorKind::Invalid, message));
    if request.stream.is_some() {
        return invalid("a stream and databases cannot be saved in one run".to_owned());
    }
    for (at, profile) in request.databases.iter().enumerate() {
        let name = profile.name();
        if check_name(name.as_bytes()).is_err() {
            return invalid(format!("`{}` cannot be the name of a database: it is the name of a folder", name.escape_debug()));
        }
        if request.databases[..at].iter().any(|other| other.name() == name) {
            return invalid(format!("two databases are called `{}`", name.escape_debug()));
        }
        let covered = profile.covers();
        if let Some(path) = request.paths.iter().find(|path| covered.contains(path)) {
            return invalid(format!("{} belongs to the database `{name}`, which saves it; leave it out of the sources", PathText(path)));
        }
    }
    let own = [(DATABASES_FOLDER, request.databases.is_empty()), (NOTES_FOLDER, request.notes.is_empty())];
    for (folder, _) in own.iter().filter(|(_, is_empty)| !is_empty) {
        let is_in_the_way =
            |path: &&Vec<u8>| **path == b"/" || path.starts_with(folder) && matches!(path.get(folder.len()), None | Some(b'/'));
        if let Some(path) = request.paths.iter().find(is_in_the_way) {
            return invalid(format!(
                "{} cannot be saved in a run that leaves {} in its snapshot; name the folders below it, or save it in a series of its own",
                PathText(path),
                PathText(folder)
            ));
        }
    }
    Ok(())
}

/// Says what would be done with each database, without holding it.
///
/// # Errors
/// What keeps one of them from being saved.
pub(super) fn foresee_databases(request: &Request, progress: &dyn Progress) -> Result<()> {
    for profile in &request.databases {
        let foreseen = profile.foresee(progress).map_err(|error| of_database(profile.name(), error))?;
        progress.report(Finding::new(FindingKind::Note(Topic::Database), [], format!("database `{}`: {foreseen}", profile.name())));
    }
    Ok(())
}

/// The error with the database that it is about.
fn of_database(name: &str, error: Error) -> Error {
    error.context(format!("database `{}`", name.escape_debug()))
}

/// Whether an entry has content to be read.
fn is_file(kind: &EntryKind) -> bool {
    matches!(kind, EntryKind::File(_))
}
