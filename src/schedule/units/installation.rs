//! What is to be scheduled, and with what.

use std::path::PathBuf;

use crate::calendar::Calendar;
use crate::error::{Error, ErrorKind, Result};
use crate::id::to_hex;
use crate::schedule::Condition;

/// How much a run may get in the way of others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Priority {
    /// It takes what nobody else wants, of processor and disk.
    Low,
    /// As any program.
    #[default]
    Normal,
}

/// A job that has a schedule.
#[derive(Clone, Debug)]
pub struct ScheduledJob {
    /// Its name in the configuration.
    pub name: String,
    /// When it runs.
    pub calendar: Calendar,
    /// What has to be there.
    pub after: Vec<Condition>,
    /// How much it may get in the way.
    pub priority: Priority,
}

/// Who the scheduler works for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The whole machine, as root.
    System,
    /// One user.
    User,
}

/// What is started, and for whom.
#[derive(Clone, Debug)]
pub struct Installation {
    /// This program, by its absolute path.
    pub program: PathBuf,
    /// The configuration, by its absolute path.
    pub config: PathBuf,
    /// For whom.
    pub scope: Scope,
}

/// A file for a scheduler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitFile {
    /// Its name, without a folder.
    pub name: String,
    /// What stands in it.
    pub text: String,
}

/// How often missed, failed and waiting runs are looked after.
pub(super) const LOOK_MINUTES: u32 = 15;

impl Installation {
    /// Refuses paths that cannot stand in such files: they are read as lines of UTF-8.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn check(&self) -> Result<()> {
        for path in [&self.program, &self.config] {
            let is_text = path.to_str().is_some_and(|text| !text.chars().any(char::is_control));
            if !is_text || !path.is_absolute() {
                let message = format!("{path:?} cannot stand in a schedule: it has to be an absolute path of printable characters");
                return Err(Error::new(ErrorKind::Invalid, message));
            }
        }
        Ok(())
    }

    pub(super) fn program_text(&self) -> String {
        self.program.to_string_lossy().into_owned()
    }

    pub(super) fn config_text(&self) -> String {
        self.config.to_string_lossy().into_owned()
    }

    /// Tells the files of one configuration from those of another.
    pub(super) fn tag(&self) -> String {
        to_hex(&blake3::hash(self.config_text().as_bytes()).as_bytes()[..4])
    }

    /// What is run for a job.
    pub(super) fn run_job(&self, name: &str) -> Vec<String> {
        let words = ["run", name, "--scheduled", "--config"].map(str::to_owned);
        [self.program_text()].into_iter().chain(words).chain([self.config_text()]).collect()
    }

    /// What looks after all that was missed.
    pub(super) fn run_due(&self) -> Vec<String> {
        let words = ["run", "--scheduled", "--config"].map(str::to_owned);
        [self.program_text()].into_iter().chain(words).chain([self.config_text()]).collect()
    }
}
