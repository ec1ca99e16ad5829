//! How one series stands.

use jiff::tz::TimeZone;
use serde::Serialize;

use crate::catalog::Summary;
use crate::config::Job;
use crate::error::Result;
use crate::jobs::due::{is_run, standing_of};
use crate::jobs::open_databases::OPEN_DATABASE;
use crate::ledger::Ledger;
use crate::manifest::{LedgerStep, ProblemKind, StepKind, StepState};
use crate::repository::{Catalogued, Repository};
use crate::schedule::Due;
use crate::units::{PathText, Timestamp};

/// So many files that cannot be read are named.
const UNREADABLE_MAX: usize = 20;
/// So many snapshots are looked back for since when that is.
const LOOK_BACK_MAX: usize = 100;

/// How a series stands; the gravest that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SeriesState {
    /// As it should be.
    Good,
    /// It would run, and what it needs is not here.
    Waiting,
    /// Saved, but some files could not be read.
    Incomplete,
    /// It was never saved.
    Never,
    /// A guard distrusts a snapshot, and nobody has accepted it.
    Suspect,
    /// The last run failed.
    Failed,
    /// It should have run long ago.
    Overdue,
}

impl SeriesState {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Waiting => "waiting",
            Self::Incomplete => "incomplete",
            Self::Never => "never saved",
            Self::Suspect => "suspect",
            Self::Failed => "failed",
            Self::Overdue => "overdue",
        }
    }
}

/// How a series stands.
#[derive(Clone, Debug)]
pub struct SeriesStatus {
    /// The job, which is the series.
    pub job: String,
    /// How it stands.
    pub state: SeriesState,
    /// What is the matter, one sentence each.
    pub reasons: Vec<String>,
    /// The newest snapshot that nobody distrusts.
    pub last_good: Option<Timestamp>,
    /// The last run.
    pub last_run: Option<Timestamp>,
    /// When a restore last showed that it works, and how that ended.
    pub proved: Option<(Timestamp, StepState)>,
    /// When stored data was last read again, and how that ended.
    pub checked: Option<(Timestamp, StepState)>,
    /// When it runs next.
    pub next: Option<Timestamp>,
    /// Since when it should have run.
    pub overdue_since: Option<Timestamp>,
    /// Files that cannot be read, each with since when.
    pub unreadable: Vec<(String, Timestamp)>,
    /// Databases that are open and have no profile.
    pub open_databases: Vec<String>,
}

/// Looks at one job.
///
/// # Errors
/// Those of the storage.
pub(super) fn look_at(
    repository: &Repository,
    job: &Job,
    catalogued: &Catalogued,
    ledger: &Ledger,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<SeriesStatus> {
    let mut snapshots: Vec<&Summary> = catalogued.listing.of_series(&job.name).collect();
    snapshots.sort_by_key(|summary| std::cmp::Reverse((summary.time, summary.order())));
    let suspects: Vec<&&Summary> = snapshots.iter().filter(|summary| catalogued.marks.suspicion(&summary.id).is_some()).collect();
    let good = snapshots.iter().find(|summary| catalogued.marks.suspicion(&summary.id).is_none());
    let last = ledger.of_job(&job.name).find(|entry| is_run(entry));
    let standing = standing_of(job, ledger, now, zone);
    let mut status = SeriesStatus {
        job: job.name.clone(),
        state: SeriesState::Good,
        reasons: Vec::new(),
        last_good: good.map(|summary| summary.time),
        last_run: last.map(|entry| entry.begun_at),
        // One that could not look takes nothing back of what an earlier one has shown.
        proved: last_step(ledger, Some(&job.name), StepKind::Drill, |state| matches!(state, StepState::Good | StepState::Failed)),
        checked: last_step(ledger, None, StepKind::Check, |state| !matches!(state, StepState::Skipped | StepState::Waiting)),
        next: None,
        overdue_since: None,
        unreadable: unreadable(repository, &snapshots)?,
        open_databases: last.map_or_else(Vec::new, open_databases),
    };
    if snapshots.is_empty() {
        status.add(SeriesState::Never, "nothing was ever saved".to_owned());
    }
    if let Some(entry) = last.filter(|entry| matches!(entry.state(), StepState::Failed | StepState::Unknown)) {
        let why = entry.steps.iter().find(|step| step.state() == StepState::Failed).map_or("", |step| step.message.as_str());
        status.add(SeriesState::Failed, format!("the last run failed: {why}"));
    }
    if let Some((_, StepState::Failed)) = status.proved {
        status.add(SeriesState::Failed, "the last drill failed".to_owned());
    }
    for suspect in suspects {
        let reasons = catalogued.marks.suspicion(&suspect.id).unwrap_or_default().join("; ");
        status.add(
            SeriesState::Suspect,
            format!("snapshot {} is suspect: {reasons}; `repo accept {0}` if that is right", suspect.id.short()),
        );
    }
    if !status.open_databases.is_empty() {
        let message = "a database that is open was saved as it lies, which may be torn; give it a profile".to_owned();
        status.add(SeriesState::Incomplete, message);
    }
    if !status.unreadable.is_empty() {
        status.add(SeriesState::Incomplete, format!("{} could not be read", files(status.unreadable.len())));
    }
    if let Some(standing) = standing {
        status.next = match &standing.due {
            Due::NotYet { next } => *next,
            Due::Retry { at, .. } => Some(*at),
            _ => None,
        };
        if let Due::Waiting { wants, .. } = &standing.due {
            status.add(SeriesState::Waiting, format!("it waits for {wants}"));
        }
        if let Some(owed) = standing.due.owed().filter(|_| standing.is_overdue && !snapshots.is_empty()) {
            status.overdue_since = Some(owed.since);
            let many = if owed.missed == 1 { "a run was".to_owned() } else { format!("{} runs were", owed.missed) };
            status.add(SeriesState::Overdue, format!("{many} missed"));
        }
    }
    Ok(status)
}

impl SeriesStatus {
    fn add(&mut self, state: SeriesState, reason: String) {
        self.state = self.state.max(state);
        self.reasons.push(reason);
    }
}

/// The open databases that a run has found without a profile.
fn open_databases(entry: &crate::manifest::LedgerEntry) -> Vec<String> {
    entry.steps_of(StepKind::Guard).filter(|step| step.figure(OPEN_DATABASE).is_some()).map(|step| step.name.clone()).collect()
}

fn files(count: usize) -> String {
    if count == 1 { "a file".to_owned() } else { format!("{count} files") }
}

/// When a step of a kind last ended in a state that counts, and in which; of one job, or of any.
fn last_step(ledger: &Ledger, job: Option<&str>, kind: StepKind, counts: fn(StepState) -> bool) -> Option<(Timestamp, StepState)> {
    let entries = ledger.entries.iter().filter(|entry| job.is_none_or(|job| entry.job == job));
    let is_done = |step: &&LedgerStep| step.kind() == kind && counts(step.state());
    entries.flat_map(|entry| entry.steps.iter().filter(is_done)).max_by_key(|step| step.begun_at).map(|step| (step.begun_at, step.state()))
}

/// Files that the newest snapshot could not read, and since when that is.
fn unreadable(repository: &Repository, snapshots: &[&Summary]) -> Result<Vec<(String, Timestamp)>> {
    let mut found: Vec<(Vec<u8>, Timestamp, bool)> = Vec::new();
    for (number, summary) in snapshots.iter().take(LOOK_BACK_MAX).enumerate() {
        if number > 0 && (summary.counts.problems == 0 || found.iter().all(|(.., is_open)| !is_open)) {
            break;
        }
        if summary.counts.problems == 0 {
            return Ok(Vec::new());
        }
        let problems = repository.objects().read_manifest(&summary.id)?.problems()?.unwrap_or_default();
        let paths: Vec<&[u8]> =
            problems.listed.iter().filter(|problem| problem.kind() == ProblemKind::Unreadable).map(|problem| &problem.path[..]).collect();
        if number == 0 {
            found.extend(paths.iter().take(UNREADABLE_MAX).map(|path| (path.to_vec(), summary.time, true)));
        }
        for (path, since, is_open) in found.iter_mut().filter(|(.., is_open)| *is_open) {
            *is_open = paths.contains(&&path[..]);
            if *is_open {
                *since = summary.time;
            }
        }
    }
    Ok(found.into_iter().map(|(path, since, _)| (PathText(&path).to_string(), since)).collect())
}
