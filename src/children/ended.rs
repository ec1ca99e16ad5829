//! How a program ended.

use std::process::ExitStatus;

use crate::error::{Error, ErrorKind, Result};

/// How a program ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The name of the program.
    pub name: String,
    /// Its exit status.
    pub status: ExitStatus,
    /// What it printed, up to [`super::Program::run`]'s limit; empty where it was read as a stream.
    pub output: Vec<u8>,
    /// The last lines that it said on standard error.
    pub complaint: String,
}

impl Ended {
    /// Refuses a program that did not succeed.
    ///
    /// # Errors
    /// `Other`, with the last of what it said.
    pub fn check(self) -> Result<Self> {
        if self.status.success() { Ok(self) } else { Err(self.failure()) }
    }

    /// The error of a program that did not succeed.
    pub fn failure(&self) -> Error {
        let said = self.complaint.trim();
        let said = if said.is_empty() { String::new() } else { format!(": {}", said.lines().collect::<Vec<_>>().join("; ")) };
        Error::new(ErrorKind::Other, format!("`{}` failed ({}){said}", self.name, self.status))
    }

    /// What it printed, as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }
}
