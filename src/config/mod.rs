//! The configuration: what is to be saved every evening, and what is to come of it, in one file, `repo.toml`.
//!
//! It is flat: a job has all that belongs to it, `[defaults]` stands in for what a job does not say, a list replaces and
//! never merges. A key that is not known is a mistake, with its line and column and the nearest key that is: a rule that is
//! not read because of a typing error costs somebody his snapshots. All mistakes of a file are told at once.

mod database;
mod find;
mod hook;
mod job;
mod keys;
mod mistakes;
mod nearest;
mod password;
mod plan;
mod read;
mod section;
mod trust;
mod values;

#[cfg(test)]
mod tests;

pub use database::{Assertion, Database, DatabaseKind, Login};
pub use find::{Found, find};
pub use hook::{Hook, Notice, OnFailure, Way, When};
pub use job::{Condition, Guard, Job, Keep};
pub use keys::{KEYS, Key};
pub use mistakes::Mistakes;
pub use password::Password;
pub use plan::{Check, Config, Drill};
pub use read::{load, read};
pub use trust::check_trust;
pub use values::{Count, Floor, Length, Schedule};
