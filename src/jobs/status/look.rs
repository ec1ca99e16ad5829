//! Looks at everything once.

use jiff::tz::TimeZone;

use super::found::Status;
use super::growth::Growth;
use super::series::{SeriesState, SeriesStatus, look_at};
use super::surroundings::{on_one_disk, uncovered};
use crate::config::Config;
use crate::error::Result;
use crate::ledger::{self, Ledger};
use crate::manifest::{StepKind, StepState};
use crate::repository::Repository;
use crate::units::Timestamp;

/// Where a disk is so full that its owner should hear of it: days at the pace of now.
const DAYS_LEFT_FEW: u64 = 30;

/// Looks at the jobs of `config` in `repository`.
///
/// # Errors
/// Those of the storage.
pub fn look(repository: &Repository, config: &Config, location: &std::path::Path, now: Timestamp, zone: &TimeZone) -> Result<Status> {
    let (catalogued, ledger) = (repository.catalogued()?, ledger::read(repository)?);
    let series = config.jobs.iter().map(|job| look_at(repository, job, &catalogued, &ledger, now, zone));
    let mut series = series.collect::<Result<Vec<SeriesStatus>>>()?;
    series.sort_by_key(|status| std::cmp::Reverse(status.state));
    let growth = Growth::of(catalogued.listing.summaries(), repository.storage().free_bytes(), now);
    let mut warnings = warn(&ledger, &growth, catalogued.rollback.is_some());
    for job in on_one_disk(config, location) {
        warnings.push(format!("the repository lies on the disk of what job `{job}` saves: both are lost with it"));
    }
    let is_damaged = last_check_failed(&ledger);
    let is_well = series.iter().all(|status| status.state == SeriesState::Good) && !is_damaged && catalogued.rollback.is_none();
    let mut status = Status {
        looked_at: now,
        sentence: String::new(),
        is_well,
        is_damaged,
        series,
        growth,
        warnings,
        uncovered: uncovered(config, location),
    };
    status.sentence = super::words::sentence(&status, zone);
    Ok(status)
}

/// Whether the last check that looked found damage; a later one that is good takes that back.
fn last_check_failed(ledger: &Ledger) -> bool {
    let checks = ledger.entries.iter().flat_map(|entry| entry.steps_of(StepKind::Check)).filter(|step| step.state() != StepState::Skipped);
    checks.max_by_key(|step| step.begun_at).is_some_and(|step| step.figure("damaged").unwrap_or_default() > 0)
}

fn warn(ledger: &Ledger, growth: &Growth, has_rollback: bool) -> Vec<String> {
    let mut warnings = Vec::new();
    if has_rollback {
        warnings.push("snapshots are missing that nobody removed; `repo snapshots` names them".to_owned());
    }
    if let Some(days) = growth.days_left.filter(|days| *days <= DAYS_LEFT_FEW) {
        warnings.push(format!("the disk of the repository is full in about {days} days at the pace of now"));
    }
    if !ledger.unreadable.is_empty() {
        warnings.push(format!("{} records of the ledger cannot be read; `repo check` says more", ledger.unreadable.len()));
    }
    let notices = ledger.entries.iter().rev().find(|entry| entry.steps_of(StepKind::Notice).next().is_some());
    for step in notices.iter().flat_map(|entry| entry.steps_of(StepKind::Notice)).filter(|step| step.state() == StepState::Failed) {
        warnings.push(format!("nobody was told by {}: {}", step.name, step.message));
    }
    warnings
}
