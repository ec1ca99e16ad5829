//! Files of ours among files of others: put in place whole or not at all, and nothing of others replaced or removed.

use std::fs;
use std::io::{self, ErrorKind as Io, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::platform::{private, rights};
use crate::schedule::units::{Installation, UnitFile, is_of, is_ours};

/// A file that is being written has this at its end.
const UNFINISHED: &str = ".strongroom-new";
/// Units of ours are shorter.
const BYTES_MAX: u64 = 64 << 10;

/// What stands under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// What would be written.
    Same,
    /// A file of ours for this configuration, which is to be written again.
    Ours,
    /// A file of ours for another configuration.
    OfAnother,
    /// Something else.
    Foreign,
}

/// Looks what stands at `path`.
///
/// # Errors
/// Those of the file system.
pub fn look(path: &Path, text: &str, installation: &Installation) -> Result<Found> {
    Ok(match read(path)? {
        None => Found::Nothing,
        Some(found) if found == text => Found::Same,
        Some(found) if is_of(&found, installation) => Found::Ours,
        Some(found) if is_ours(&found) => Found::OfAnother,
        Some(_) => Found::Foreign,
    })
}

/// What stands in a file; empty for what is no file of text, which is never ours.
fn read(path: &Path) -> Result<Option<String>> {
    let failed = |error| Error::io("cannot read", format!("{path:?}"), error);
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == Io::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
        Ok(found) if !found.is_file() || found.len() > BYTES_MAX => Ok(Some(String::new())),
        Ok(_) => Ok(Some(String::from_utf8(fs::read(path).map_err(failed)?).unwrap_or_default())),
    }
}

/// Refuses units of which one would replace something that is not ours.
///
/// # Errors
/// `Exists`.
pub fn check(folder: &Path, units: &[UnitFile], installation: &Installation) -> Result<()> {
    for unit in units {
        let path = folder.join(&unit.name);
        let (whose, hint) = match look(&path, &unit.text, installation)? {
            Found::Nothing | Found::Same | Found::Ours => continue,
            Found::OfAnother => ("belongs to another configuration", "give the job another name, or remove the other schedule"),
            Found::Foreign => ("was not written by `repo schedule`", "move it away, or give the job another name"),
        };
        return Err(Error::new(ErrorKind::Exists, format!("{path:?} {whose}; nothing was changed")).with_hint(hint));
    }
    Ok(())
}

/// Writes a unit under its name, whole or not at all.
///
/// # Errors
/// Those of the file system.
pub fn put(folder: &Path, unit: &UnitFile) -> Result<()> {
    let path = folder.join(&unit.name);
    let unfinished = folder.join(format!(".{}{UNFINISHED}", unit.name));
    write(&unfinished, &unit.text)
        .and_then(|()| fs::rename(&unfinished, &path))
        .and_then(|()| fs::File::open(folder)?.sync_all())
        .map_err(|error| Error::io("cannot write", format!("{path:?}"), error))
}

/// Writes a file that everybody may read, as the scheduler does.
///
/// # Errors
/// Those of the file system.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    // What a killed one left, or a link that somebody laid there, is not written to.
    match fs::remove_file(path) {
        Err(error) if error.kind() != Io::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private::new_file(path)?;
    file.write_all(text.as_bytes())?;
    rights::set_mode(&file, 0o644).map_err(io::Error::from)?;
    file.sync_all()
}

/// Makes the folder of the units, where it is missing.
///
/// # Errors
/// Those of the file system.
pub fn make_folder(folder: &Path) -> Result<()> {
    private::make_folder(folder).map_err(|error| Error::io("cannot make", format!("{folder:?}"), error))
}

/// Files of ours for this configuration, by name; also such that a killed run was writing.
///
/// # Errors
/// Those of the file system.
pub fn ours(folder: &Path, installation: &Installation) -> Result<Vec<PathBuf>> {
    let failed = |error| Error::io("cannot list", format!("{folder:?}"), error);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == Io::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let is_candidate = name.trim_start_matches('.').starts_with("repo-");
        let is_unfinished = name.starts_with(".repo-") && name.ends_with(UNFINISHED);
        if is_candidate && read(&path)?.is_some_and(|text| is_of(&text, installation) || is_unfinished && text.is_empty()) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Removes a file of ours, and the link by which the scheduler was told to start it.
///
/// # Errors
/// Those of the file system.
pub fn remove(path: &Path) -> Result<()> {
    fs::remove_file(path).map_err(|error| Error::io("cannot remove", format!("{path:?}"), error))?;
    let link = path.parent().zip(path.file_name()).map(|(folder, name)| folder.join("timers.target.wants").join(name));
    if let Some(link) = link
        && fs::read_link(&link).is_ok_and(|to| to.file_name() == path.file_name())
    {
        fs::remove_file(&link).map_err(|error| Error::io("cannot remove", format!("{link:?}"), error))?;
    }
    Ok(())
}
