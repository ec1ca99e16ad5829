//! A configuration as a whole.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::hook::Notice;
use super::job::Job;
use super::password::Password;
use super::values::{Count, Schedule};

/// How much of the stored data is read every day.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// So many hundredths of all bytes a day.
    pub daily_percent: f64,
    /// When; after every run of a job where nothing is said.
    pub schedule: Option<Schedule>,
}

impl Default for Check {
    /// Every byte within a hundred days.
    fn default() -> Self {
        Self { daily_percent: 1.0, schedule: None }
    }
}

/// Restores that show that it works.
#[derive(Clone, Debug, PartialEq)]
pub struct Drill {
    /// When; by hand alone where nothing is said.
    pub schedule: Option<Schedule>,
    /// So many of the newest files.
    pub newest: u64,
    /// So many others.
    pub random: u64,
    /// So many databases.
    pub databases: Count,
    /// Where to restore to; on another file system than the repository's.
    pub scratch: Option<PathBuf>,
    /// When a person is reminded to restore everything on another machine.
    pub rehearse: Option<Schedule>,
}

impl Default for Drill {
    fn default() -> Self {
        Self { schedule: None, newest: 20, random: 50, databases: Count::All, scratch: None, rehearse: None }
    }
}

/// A configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// Where it was read from.
    pub file: PathBuf,
    /// Its text, as it is saved with every snapshot.
    pub text: String,
    /// Where the repository lies.
    pub repository: Option<PathBuf>,
    /// Where its password or key is.
    pub password: Option<Password>,
    /// The jobs, in the order of the file.
    pub jobs: Vec<Job>,
    /// When rules are applied and space is freed; after every run where nothing is said.
    pub prune: Option<Schedule>,
    /// What is read again every day.
    pub check: Check,
    /// What is restored for a proof; none where there is no such table.
    pub drill: Option<Drill>,
    /// Who is told, and when.
    pub notices: Vec<Notice>,
    /// Tables that are looked at, and that this version does nothing with.
    pub later_tables: Vec<String>,
    /// Whether something in it runs programs.
    pub has_commands: bool,
    /// The line that each value stands in, by its path: `job.shop.keep.daily`.
    pub lines: BTreeMap<String, usize>,
}

impl Config {
    /// The job `name`.
    pub fn job(&self, name: &str) -> Option<&Job> {
        self.jobs.iter().find(|job| job.name == name)
    }

    /// What it asks for and this version does not do, by its path in the file. Whoever relies on it must hear that.
    pub fn not_done(&self) -> Vec<String> {
        let mut found = self.later_tables.clone();
        for job in &self.jobs {
            for database in &job.databases {
                let asked = [
                    ("logical", database.logical.is_some()),
                    ("assert", !database.assertions.is_empty()),
                    ("user", database.user.is_some()),
                ];
                let name = |key: &str| format!("job.{}.database.{key} of `{}`", job.name, database.name);
                found.extend(asked.into_iter().filter(|(_, is_asked)| *is_asked).map(|(key, _)| name(key)));
            }
        }
        found.extend(self.drill.as_ref().and_then(|drill| drill.rehearse.as_ref()).map(|_| "drill.rehearse".to_owned()));
        found
    }
}
