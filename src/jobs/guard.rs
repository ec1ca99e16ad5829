//! Holds what was saved against the last good snapshot of the series, and has a suspect one wait for a person.

use super::book::Book;
use super::context::Context;
use crate::annotate::{self, Annotation};
use crate::catalog::Summary;
use crate::config::{Floor, Guard, Job};
use crate::error::Result;
use crate::guards::{Limits, Share, judge};
use crate::id::SnapshotId;
use crate::manifest::{Manifest, StepKind, StepState};
use crate::progress::Progress;

/// Looks at the snapshot `id`, and says in the repository that it is suspect where it is.
pub(super) fn run_guard(context: &Context<'_>, job: &Job, id: &SnapshotId, manifest: &Manifest, book: &mut Book, progress: &dyn Progress) {
    let mut step = book.begin(StepKind::Guard, "");
    step.snapshot = Some(*id);
    match look(context, job, id, manifest, progress) {
        Ok(reasons) if reasons.is_empty() => book.end(step),
        Ok(reasons) => book.end_as(step, StepState::Suspect, reasons.join("; ")),
        Err(error) => book.fail(step, &error),
    }
}

fn look(context: &Context<'_>, job: &Job, id: &SnapshotId, manifest: &Manifest, progress: &dyn Progress) -> Result<Vec<String>> {
    let catalogued = context.repository.catalogued()?;
    let is_good =
        |summary: &&Summary| summary.id != *id && catalogued.marks.suspicion(&summary.id).is_none() && summary.counter < manifest.counter;
    let good = catalogued.listing.of_series(&job.name).filter(is_good).max_by_key(|summary| summary.order()).map(|summary| summary.id);
    let mut reasons = floors(job, manifest)?;
    if let Some(good) = good {
        let before = context.repository.objects().read_manifest(&good)?;
        reasons.extend(judge(&context.repository.reader()?, &before, manifest, &limits(job), progress)?);
    }
    if !reasons.is_empty() {
        let annotation = Annotation::Distrust { snapshot: *id, reasons: reasons.clone(), last_good: good };
        annotate::run(context.repository, &annotate::Request { annotation, clock: context.clock }, progress)?;
    }
    Ok(reasons)
}

/// Databases below a size that was given in bytes.
fn floors(job: &Job, manifest: &Manifest) -> Result<Vec<String>> {
    let mut reasons = Vec::new();
    for saved in manifest.databases()? {
        let floor = job.databases.iter().find(|database| database.name == saved.account.name).and_then(|database| database.floor);
        if let Some(Floor::Bytes(floor)) = floor
            && saved.account.bytes < floor
        {
            let name = &saved.account.name;
            reasons.push(format!("database `{name}` has {} bytes, below its floor of {floor}", saved.account.bytes));
        }
    }
    Ok(reasons)
}

fn limits(job: &Job) -> Limits {
    let share = |hundredths: u8| (hundredths > 0).then_some(Share(hundredths));
    let Guard { lost_files, rewritten, database } = job.guard;
    let floors = job.databases.iter().filter_map(|database| match database.floor {
        Some(Floor::OfLast(hundredths)) => Some((database.name.clone(), Share(hundredths))),
        _ => None,
    });
    Limits {
        lost_files: share(lost_files),
        rewritten: share(rewritten),
        database_floors: floors.collect(),
        database_floor: share(database),
    }
}
