//! The jobs of a configuration that have a schedule.

use std::path::Path;

use crate::config::{Config, Job, load};
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::conditions;
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
