//! Looks through the copy of a database with gfix, by the file alone.
//!
//! It writes to the file that it looks through, even when it is told not to: so only ever through a copy, and after its
//! bytes were compared. Its exit code is no verdict; the lines that it prints are.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use super::header::shown;
use super::messages::{Validation, validation_of};
use super::settings::Firebird;
use super::tools::Tool;
use crate::cancel::Cancel;
use crate::children::Program;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::{private, random};

/// What a look through a copy has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// Nothing is wrong with it. Lines of warnings, which a sound file has too.
    Sound(Vec<String>),
    /// Lines of what is wrong with it.
    Damaged(Vec<String>),
    /// It could not be looked through, and why.
    NotChecked(String),
}

/// A folder for the locks of a tool that works on a file without a server; it goes with us.
#[derive(Debug)]
pub struct OwnLocks(std::path::PathBuf);

impl OwnLocks {
    /// Makes it below `scratch`.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn new(scratch: &Path) -> Result<Self> {
        let failed = |error: std::io::Error| Error::io("cannot write to", shown(scratch), error);
        let mut number = [0; 8];
        random::fill(&mut number).map_err(|failure| failed(failure.into()))?;
        let folder = scratch.join(format!(".{:016x}.locks", u64::from_le_bytes(number)));
        private::make_folder(&folder).map_err(failed)?;
        Ok(Self(folder))
    }

    /// A tool that works on files of ours and asks no server: it has no password, and its locks are its own, so that a
    /// server of another user is not disturbed by them.
    ///
    /// # Errors
    /// `NotFound` where it is not installed.
    pub fn tool(&self, tool: Tool, tools_folder: Option<&Path>) -> Result<Program> {
        let program = Program::new(tool.find(tools_folder)?).without_variable("ISC_PASSWORD").variable("ISC_USER", "SYSDBA");
        Ok(program.variable("FIREBIRD_LOCK", &self.0).variable("FIREBIRD_TMP", &self.0))
    }
}

impl Drop for OwnLocks {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// How copies are worked on.
#[derive(Clone, Debug)]
pub struct Workshop {
    /// A folder for locks and messages.
    pub scratch_folder: std::path::PathBuf,
    /// Where the tools are, when they are not in the search path.
    pub tools_folder: Option<std::path::PathBuf>,
    /// A tool that takes longer is ended.
    pub time_limit: Duration,
}

impl Workshop {
    /// One that works in `scratch_folder` with the tools that are installed.
    pub fn new(scratch_folder: &Path) -> Self {
        Self { scratch_folder: scratch_folder.to_owned(), tools_folder: None, time_limit: Duration::from_secs(6 * 3600) }
    }

    /// The one of a database of the configuration.
    pub fn of(firebird: &Firebird) -> Self {
        Self { tools_folder: firebird.tools_folder.clone(), ..Self::new(&firebird.scratch_folder) }
    }
}

/// Looks through all of a copy.
///
/// # Errors
/// Those of the disk, and `Interrupted`; that it cannot be checked is none.
pub fn look_through(copy: &Path, workshop: &Workshop, cancel: &dyn Cancel) -> Result<Checked> {
    let locks = OwnLocks::new(&workshop.scratch_folder)?;
    let tool = match locks.tool(Tool::Gfix, workshop.tools_folder.as_deref()) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Checked::NotChecked(error.to_string())),
        other => other?,
    };
    let ended = tool.args(["-validate", "-full"]).arg(OsString::from(copy)).time_limit(workshop.time_limit).run(cancel)?;
    let Validation { errors, warnings, others } = validation_of(&format!("{}\n{}", ended.text(), ended.complaint));
    let is_well = ended.status.success();
    Ok(match (errors.is_empty(), is_well) {
        (true, true) if others.is_empty() => Checked::Sound(warnings),
        _ if cannot_run(&others) => Checked::NotChecked(others.join("; ")),
        (true, false) if others.is_empty() => Checked::Damaged(vec![ended.failure().to_string()]),
        _ => Checked::Damaged(errors.into_iter().chain(others).collect()),
    })
}

/// The tool is there, and the engine that it needs is not, or does not know files of this version.
fn cannot_run(said: &[String]) -> bool {
    let words =
        ["unsupported on-disk structure", "Unable to complete network request", "Your user name and password", "Error loading plugin"];
    said.iter().any(|line| words.iter().any(|word| line.contains(word)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    #[test]
    fn without_the_tool_a_copy_is_not_checked_and_nothing_fails() {
        let folder = tempfile::tempdir().unwrap();
        let tools_folder = Some(folder.path().join("none"));
        let workshop = Workshop { tools_folder, ..Workshop::new(folder.path()) };
        let checked = look_through(&folder.path().join("a.fdb"), &workshop, &Silent).unwrap();
        assert_eq!(checked, Checked::NotChecked("cannot find `gfix` of Firebird".to_owned()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "its folder of locks is gone");
    }
}
