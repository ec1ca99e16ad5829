//! How a job stands: what is planned, against what the ledger says was done.

use std::path::Path;

use jiff::tz::TimeZone;

use crate::config::{self, Job};
use crate::ledger::Ledger;
use crate::manifest::{LedgerEntry, StepKind, StepState};
use crate::schedule::{Condition, Outcome, Past, PastRun, Plan, Standing, standing};
use crate::units::Timestamp;

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

/// How `job` stands at `now`; none where it has no schedule.
pub fn standing_of(job: &Job, ledger: &Ledger, now: Timestamp, zone: &TimeZone) -> Option<Standing> {
    let plan = Plan { calendar: job.schedule.as_ref()?.0.clone(), after: conditions(job), since: None };
    let runs = ledger.entries.iter().filter(|entry| entry.job == job.name && is_run(entry)).map(past_run);
    Some(standing(&plan, &Past::of(runs), now, zone, |condition| condition.holds(Path::new("/"))))
}

/// Whether an entry is of a run that was to save something; a drill or a check by hand is none.
pub(super) fn is_run(entry: &LedgerEntry) -> bool {
    entry.steps.iter().any(|step| matches!(step.kind(), StepKind::Snapshot | StepKind::Hook | StepKind::Unknown))
}

fn past_run(entry: &LedgerEntry) -> PastRun {
    let has_died = entry.steps.iter().any(|step| step.kind() == StepKind::Unknown && step.state() == StepState::Failed);
    let outcome = match entry.state() {
        _ if has_died => Outcome::Unfinished,
        StepState::Failed | StepState::Unknown => Outcome::Failed,
        // What was saved answers its window, also where some files could not be read.
        _ => Outcome::Good,
    };
    PastRun { begun: entry.begun_at, window: entry.window(), outcome }
}
