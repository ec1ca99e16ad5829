//! The drill of a job, as a step.

use std::path::Path;

use super::context::Context;
use crate::config::{Count, Drill, Job};
use crate::drill::{self, Outcome, Request, Sample};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{LedgerStep, StepState};
use crate::progress::Progress;
use crate::repository::Repository;
use crate::units::{ByteCount, PathText};

/// Has the newest snapshot of `job` drilled from `fresh`, the repository opened without what this machine remembers, and
/// says in `step` what came of it.
///
/// # Errors
/// As [`drill::run`]; `NotFound` where there is no snapshot.
pub fn run_drill(
    context: &Context<'_>,
    fresh: &Repository,
    location: &Path,
    job: &Job,
    request: &Request,
    step: &mut LedgerStep,
    progress: &dyn Progress,
) -> Result<Outcome> {
    let catalogued = context.repository.catalogued()?;
    let good = catalogued.listing.of_series(&job.name).filter(|summary| catalogued.marks.suspicion(&summary.id).is_none());
    let newest = good.max_by_key(|summary| (summary.time, summary.order()));
    let newest = newest.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("job `{}` has no snapshot to restore from", job.name)))?;
    step.snapshot = Some(newest.id);
    let outcome = drill::run(fresh, location, &newest.id, request, progress)?;
    step.figures = vec![
        ("files".to_owned(), outcome.files),
        ("opened".to_owned(), outcome.opened()),
        ("bytes".to_owned(), outcome.bytes),
        ("bytes-total".to_owned(), outcome.bytes_total),
        ("databases".to_owned(), outcome.databases),
        ("compared".to_owned(), outcome.compared),
        ("failures".to_owned(), outcome.failures.len() as u64),
        ("rot-suspects".to_owned(), outcome.rot_suspects.len() as u64),
        ("restore-ms".to_owned(), outcome.restore_ms),
        ("seed".to_owned(), outcome.seed),
    ];
    step.figures.extend(outcome.full_seconds().map(|seconds| ("full-seconds".to_owned(), seconds)));
    step.message = words(&outcome);
    if !outcome.is_proved() {
        step.set_state(StepState::Failed);
    }
    Ok(outcome)
}

/// What came of a drill, in a sentence or a few.
pub fn words(outcome: &Outcome) -> String {
    let mut text = format!(
        "{}: {} of {} files restored ({}), {} opened",
        outcome.rung.word(),
        outcome.files,
        outcome.files_total,
        ByteCount(outcome.bytes),
        outcome.opened()
    );
    for failure in &outcome.failures {
        text.push_str(&format!("; {}: {}", PathText(&failure.path), failure.reason));
        if let Some(earlier) = failure.earlier {
            text.push_str(&format!(" (snapshot {} has another version)", earlier.short()));
        }
    }
    for path in &outcome.rot_suspects {
        text.push_str(&format!("; {}: the live file has other bytes, though nobody changed it", PathText(path)));
    }
    if outcome.shared_disk {
        text.push_str("; it was restored to the disk of the repository, and a restore elsewhere was not shown");
    }
    text
}

/// The request that a configuration makes; `seed` is by chance where nobody gave one.
///
/// # Errors
/// When the system has no random numbers.
pub fn drill_request(config: Option<&Drill>, seed: Option<u64>) -> Result<Request> {
    let usual = Drill::default();
    let drill = config.unwrap_or(&usual);
    let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let databases = match drill.databases {
        Count::All => usize::MAX,
        Count::Number(number) => usize::try_from(number).unwrap_or(usize::MAX),
    };
    let sample = Sample { newest: number(drill.newest), random: number(drill.random), databases };
    let by_chance = || crate::crypto::random_bytes::<4>().map(|bytes| u64::from(u32::from_le_bytes(bytes)));
    let seed = seed.map_or_else(by_chance, Ok)?;
    let scratch = drill.scratch.clone().unwrap_or_else(|| "/var/tmp".into());
    Ok(Request { sample, scratch, seed })
}
