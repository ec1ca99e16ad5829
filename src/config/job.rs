//! A job: what is saved together, and what becomes of it.

use std::path::PathBuf;

use super::database::Database;
use super::hook::Hook;
use super::values::{Count, Length, Schedule};
use crate::manifest::{SnapshotOptions, Unwanted};
use crate::retention::KeepPolicy;

/// What is saved together, into one series.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Its name, which is that of its series.
    pub name: String,
    /// Folders and files, as absolute paths.
    pub source: Vec<PathBuf>,
    /// Patterns of what is left out.
    pub exclude: Vec<String>,
    /// Leave out folders that say that they are caches.
    pub exclude_caches: bool,
    /// Leave out files of more bytes.
    pub exclude_larger_than: Option<u64>,
    /// Leave out folders that hold an entry of one of these names.
    pub exclude_if_present: Vec<String>,
    /// Do not enter other file systems.
    pub one_file_system: bool,
    /// What must be there and not be empty, or nothing is committed.
    pub require: Vec<PathBuf>,
    /// When it runs.
    pub schedule: Option<Schedule>,
    /// When a run reads everything again.
    pub full: Option<Schedule>,
    /// When a run is measured against the last full one.
    pub differential: Option<Schedule>,
    /// What is kept.
    pub keep: Keep,
    /// For how long nothing of it is removed, by rule or by hand.
    pub protect: Option<Length>,
    /// Take the processor and the disk only where nobody else wants them.
    pub is_low: bool,
    /// What must be there before it begins.
    pub after: Vec<Condition>,
    /// From where on a change makes a snapshot suspect.
    pub guard: Guard,
    /// Databases that are saved with it.
    pub databases: Vec<Database>,
    /// Programs that run around it.
    pub hooks: Vec<Hook>,
    /// Words for its snapshots.
    pub tags: Vec<String>,
    /// The name of the machine; its own where nothing is said.
    pub host: Option<String>,
}

/// What is kept of a series. All at zero keeps everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Keep {
    /// So many of the newest.
    pub last: Option<Count>,
    /// So many hours.
    pub hourly: Option<Count>,
    /// So many days.
    pub daily: Option<Count>,
    /// So many weeks.
    pub weekly: Option<Count>,
    /// So many months.
    pub monthly: Option<Count>,
    /// So many years.
    pub yearly: Option<Count>,
    /// All within this time before the newest.
    pub within: Option<Length>,
    /// All with one of these tags.
    pub tags: Vec<String>,
}

impl Keep {
    /// As the rules have it.
    pub fn policy(&self) -> KeepPolicy {
        let number = |count: Option<Count>| count.map_or(0, Count::number);
        KeepPolicy {
            last: number(self.last),
            hourly: number(self.hourly),
            daily: number(self.daily),
            weekly: number(self.weekly),
            monthly: number(self.monthly),
            yearly: number(self.yearly),
            within: self
                .within
                .filter(|within| within.0 > 0)
                .and_then(|within| jiff::Span::new().try_seconds(i64::try_from(within.0).ok()?).ok()),
            tags: self.tags.clone(),
        }
    }
}

/// What must be there before a job begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// A way into a network.
    Network,
    /// Power from the wall.
    AcPower,
    /// A disk of this set.
    Medium(String),
    /// Something is mounted at this path.
    Mounted(PathBuf),
}

/// From where on a change makes a snapshot suspect, in hundredths; 0 looks at nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// So many of the files of a source are gone.
    pub lost_files: u8,
    /// So many of the files are written anew.
    pub rewritten: u8,
    /// A database has less than this of its last size.
    pub database: u8,
}

impl Default for Guard {
    /// Half of everything.
    fn default() -> Self {
        Self { lost_files: 50, rewritten: 50, database: 50 }
    }
}

impl Job {
    /// What a snapshot of it leaves out by pattern, and how it looks.
    pub fn snapshot_options(&self) -> SnapshotOptions {
        SnapshotOptions {
            excludes: self.exclude.clone(),
            exclude_caches: self.exclude_caches,
            one_file_system: self.one_file_system,
            ..SnapshotOptions::default()
        }
    }

    /// What a snapshot of it leaves out by what it is.
    pub fn unwanted(&self) -> Unwanted {
        let mut marks: Vec<_> = self.exclude_if_present.iter().map(|name| serde_bytes::ByteBuf::from(name.as_bytes())).collect();
        marks.sort();
        marks.dedup();
        Unwanted { larger_than_bytes: self.exclude_larger_than, marks }
    }
}
