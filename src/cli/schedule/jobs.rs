//! The jobs of a configuration that have a schedule.

use std::path::Path;

use crate::config::{self, Config, Job, load};
use crate::error::{Error, ErrorKind, Result};
use crate::schedule::Condition;
use crate::schedule::units::{Priority, ScheduledJob};

/// Reads the jobs that have a schedule, in the order of the file.
///
/// # Errors
/// `Invalid` where the configuration is wrong, or no job has a schedule.
pub fn read(file: &Path) -> Result<Vec<ScheduledJob>> {
    let Config { jobs, .. } = load(file)?;
    let found: Vec<ScheduledJob> = jobs.iter().filter_map(scheduled).collect();
    if found.is_empty() {
        return Err(Error::new(ErrorKind::Invalid, format!("{file:?}: no job has a `schedule`")));
    }
    Ok(found)
}

fn scheduled(job: &Job) -> Option<ScheduledJob> {
    let calendar = job.schedule.as_ref()?.0.clone();
    let priority = if job.is_low { Priority::Low } else { Priority::Normal };
    Some(ScheduledJob { name: job.name.clone(), calendar, after: conditions(job), priority })
}

/// What must be there before `job` begins, as a schedule knows it. Which disk of a set is here says who copies to it.
pub fn conditions(job: &Job) -> Vec<Condition> {
    let condition = |condition: &config::Condition| match condition {
        config::Condition::Network => Some(Condition::Network),
        config::Condition::AcPower => Some(Condition::AcPower),
        config::Condition::Mounted(path) => Some(Condition::Medium(path.clone())),
        config::Condition::Medium(_) => None,
    };
    job.after.iter().filter_map(condition).collect()
}
