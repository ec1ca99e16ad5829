//! What the next run and `doctor` do about locks that a run before has left: killed, or cut off from power.
//!
//! Only what our own record proves to be ours is released, and only when the process that wrote it is gone. Anything else
//! is told, with the command that a person may give.

use std::path::{Path, PathBuf};

use super::address::Address;
use super::asked::Content;
use super::header::{Header, State, shown};
use super::lock_record::{Found, LockRecord};
use super::settings::{Firebird, Folders, Login, Method, Password};
use super::unlock::{foreign, undo};
use crate::error::{Error, ErrorKind, Hint, Result};
use crate::progress::{Finding, FindingKind, Progress, Topic};

/// What became of a lock, or of the record of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It was ours, and is released.
    Released,
    /// A run had recorded it, and there is none any more.
    Gone,
    /// The run that has it, or a tool that it started, is still there.
    InUse,
    /// It is not proved to be ours. Nothing was done.
    Foreign,
    /// It is ours, and could not be released.
    Stays,
    /// The record cannot be read.
    Unreadable,
}

/// A lock that was found, or a record of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// The database, or the record where that cannot be read.
    pub path: PathBuf,
    /// What became of it.
    pub what: What,
    /// The same for people.
    pub message: String,
    /// What they can do.
    pub advice: Option<String>,
}

impl Leftover {
    fn new(path: &Path, what: What, message: String) -> Self {
        Self { path: path.to_owned(), what, message, advice: None }
    }

    fn of(path: &Path, what: What, error: &Error) -> Self {
        let advice = match error.hint() {
            Hint::Instead(hint) => Some(hint.clone().into_owned()),
            _ => None,
        };
        Self { path: path.to_owned(), what, message: error.to_string(), advice }
    }
}

/// Releases what runs before have left locked, and tells of locks of others on `databases`.
///
/// # Errors
/// When the state folder cannot be read.
pub fn release_leftovers(state_folder: &Path, databases: &[&Firebird]) -> Result<Vec<Leftover>> {
    let mut leftovers = Vec::new();
    let found = LockRecord::all(state_folder)?;
    // A record without an answer must not pass for the one of a run that goes on.
    let is_in_use = |path: &Path| found.iter().any(|found| matches!(found, Found::InUse(content) if content.asked.database == path));
    let used: Vec<PathBuf> = found.iter().filter_map(Found::database).filter(|path| is_in_use(path)).map(Path::to_owned).collect();
    for found in found {
        if !matches!(&found, Found::Left(record) if used.contains(&record.content().asked.database)) {
            leftovers.push(settle(state_folder, databases, found));
        }
    }
    // Locks that no record speaks of.
    for firebird in databases.iter().filter(|firebird| firebird.address.is_of_this_machine()) {
        let Some(path) = firebird.address.path().filter(|path| leftovers.iter().all(|leftover| leftover.path != *path)) else { continue };
        if let Ok(header) = Header::of_path(&path)
            && header.state != State::Normal
        {
            leftovers.push(Leftover::of(&path, What::Foreign, &foreign(&path, &header, &firebird.address.text(), None)));
        }
    }
    Ok(leftovers)
}

fn settle(state_folder: &Path, databases: &[&Firebird], found: Found) -> Leftover {
    let record = match found {
        Found::Left(record) => record,
        Found::InUse(content) => return Leftover::of(&content.asked.database, What::InUse, &LockRecord::in_use(&content)),
        Found::Unreadable(path) => {
            let message = format!("the record of a lock {} cannot be read", shown(&path));
            let advice = Some("look whether a database is locked, and remove the file when none is".to_owned());
            return Leftover { path, what: What::Unreadable, message, advice };
        }
    };
    let Content { asked, .. } = record.content().clone();
    let path = &asked.database;
    let known =
        databases.iter().find(|firebird| firebird.address.path().as_deref() == Some(path) || firebird.address.text() == asked.address);
    // A database that is no longer configured has no login; its file can still be come at when no server has it.
    let unknown = known.is_none().then(|| without_login(state_folder, &asked.address, path));
    let Some(firebird) = known.copied().or(unknown.as_ref()) else {
        return Leftover::new(
            path,
            What::Stays,
            format!("{} may be locked, and its address {:?} makes no sense", shown(path), asked.address),
        );
    };
    let header = match Header::of_path(path) {
        Ok(header) => header,
        Err(error) => return Leftover::of(path, What::Stays, &error),
    };
    let content = record.content().clone();
    if header.state != State::Normal && !content.proves(&header) {
        // Without an answer it may prove something later, when the disk that the difference file is on is there again.
        if content.answered.is_some() {
            record.remove();
        }
        return Leftover::of(path, What::Foreign, &foreign(path, &header, &asked.address, Some(&content)));
    }
    match undo(firebird, path, record, content.may_still_come()) {
        Ok(Some(released)) => {
            let ms = released.took.as_millis();
            let message = format!(
                "{} was left locked by a run that was killed (process {}), and is released; that took {ms} ms",
                shown(path),
                asked.process
            );
            Leftover::new(path, What::Released, message)
        }
        Ok(None) => Leftover::new(path, What::Gone, format!("{} is no longer locked by the run that was killed", shown(path))),
        Err(error) => Leftover::of(path, What::Stays, &error),
    }
}

fn without_login(state_folder: &Path, address: &str, path: &Path) -> Firebird {
    let fallback = Address { server: None, database: path.to_string_lossy().into_owned() };
    let address = Address::parse(address).unwrap_or(fallback);
    let login = Login { user: "SYSDBA".to_owned(), password: Password::None };
    let folders = Folders { state: state_folder.to_owned(), scratch: std::env::temp_dir() };
    Firebird::new("", address, login, Method::Nbackup, folders)
}

/// Before a database is held: releases what we have left of it, and refuses where it is locked otherwise.
///
/// # Errors
/// `Busy` when another run has it, or somebody else; why it could not be released.
pub fn release_own(firebird: &Firebird, progress: &dyn Progress) -> Result<()> {
    for leftover in release_leftovers(&firebird.state_folder, &[firebird])? {
        if firebird.address.path().is_some_and(|path| path != leftover.path) {
            continue;
        }
        let error = |kind| {
            let error = Error::new(kind, leftover.message.clone());
            leftover.advice.clone().map_or_else(|| Error::new(kind, leftover.message.clone()), |advice| error.with_hint(advice))
        };
        match leftover.what {
            What::Released => {
                let path = crate::platform::names::to_bytes(&leftover.path);
                progress.report(Finding::new(FindingKind::Warning(Topic::Source), path, leftover.message.clone()));
            }
            What::Gone | What::Unreadable => {}
            What::InUse | What::Foreign => return Err(error(ErrorKind::Busy)),
            What::Stays => return Err(error(ErrorKind::Other)),
        }
    }
    Ok(())
}
