//! Carries a plan out: walks and plans, while what was planned is executed window by window, and winds up.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use super::databases::finish_databases;
use super::dry_run::DryRun;
use super::entries::visit;
use super::executor::Executor;
use super::links::apply_flags;
use super::matched::report_unmatched;
use super::outcome::{Count, Outcome};
use super::place;
use super::plan::{Plan, Snapshot, plan};
use super::planning::Planning;
use super::records::{Record, clear_after_killed};
use super::request::Request;
use super::task::{Task, first_cause};
use super::verify::Verify;
use super::writer::Writer;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::names;
use crate::platform::times::file_clock;
use crate::progress::{Progress, Stage};
use crate::target::Destination;

/// Restores what `request` asks for of `snapshot`.
///
/// # Errors
/// As [`plan`] and [`execute`].
pub fn run(snapshot: &Snapshot<'_>, request: &Request<'_>, progress: &dyn Progress) -> Result<Outcome> {
    execute(&plan(snapshot, request, progress)?, progress)
}

/// What would come of the plan now: every entry is looked at and nothing is changed.
///
/// # Errors
/// As [`execute`].
pub fn foresee(plan: &Plan<'_>, progress: &dyn Progress) -> Result<Outcome> {
    let task = begin(plan, true, progress)?;
    if plan.start.is_left_out(&task) {
        return Ok(finish(&task));
    }
    let destination = match open(plan.request, false) {
        Ok(destination) => Some(destination),
        Err(error) if error.is_not_found() => None,
        Err(error) => return Err(error),
    };
    if let (Some(destination), Some((records, path))) = (&destination, records_of(&task)) {
        clear_after_killed(&task, records, destination, &path)?;
    }
    visit(&task, plan.snapshot.manifest, &plan.start, &mut DryRun::new(&task, destination)?)?;
    Ok(finish(&task))
}

/// Restores what was planned. What concerns one entry only is
/// reported to `progress` and counted; the rest goes on. It is durable when this returns.
///
/// # Errors
/// `Full`; `Interrupted`; those of opening the
/// destination, and of the last sync. Files that were complete stay, those in work are removed.
pub fn execute(plan: &Plan<'_>, progress: &dyn Progress) -> Result<Outcome> {
    let begun = file_clock();
    let task = begin(plan, false, progress)?;
    if plan.start.is_left_out(&task) {
        return Ok(finish(&task));
    }
    let writer = Writer::new(&task, open(plan.request, true)?);
    let _record = write_down(&task, &writer.destination)?;
    let blocked = plan_and_execute(&writer, plan)?;
    apply_flags(&writer);
    writer.destination.folder(b"")?.end_unfinished()?;
    writer.destination.sync()?;
    if plan.request.verify {
        progress.stage(Stage::ReadBack);
        let mut verify = Verify::new(&writer, &blocked);
        visit(&task, plan.snapshot.manifest, &plan.start, &mut verify)?;
        verify.flush()?;
    }
    // What is done to a copy changes its bytes, so all that compares them comes before.
    task.tally.add_many(Count::Damaged, finish_databases(plan, begun, progress)?);
    Ok(finish(&task))
}

fn begin<'a>(plan: &'a Plan<'a>, is_dry: bool, progress: &'a dyn Progress) -> Result<Task<'a>> {
    // Again: what lies there may be another folder since it was planned, and nothing may be made in a repository.
    place::check(&plan.request.destination, &plan.request.protected)?;
    progress.stage(Stage::Restore);
    let task = Task::new(&plan.snapshot, plan.request, is_dry, progress);
    task.set_origin(plan.start.origin());
    Ok(task)
}

fn open(request: &Request<'_>, create: bool) -> Result<Arc<Destination>> {
    Destination::open_beside(&request.destination, create, Arc::clone(&request.protected))
}

fn finish(task: &Task<'_>) -> Outcome {
    report_unmatched(task);
    task.notes.sum_up(task.progress);
    task.tally.outcome()
}

/// Writes down that this restore runs, after it has removed what killed ones have left.
fn write_down(task: &Task<'_>, destination: &Arc<Destination>) -> Result<Option<Record>> {
    let Some((folder, path)) = records_of(task) else { return Ok(None) };
    clear_after_killed(task, folder, destination, &path)?;
    Ok(Record::begin(folder, &path))
}

/// Where it is written down which restores run, and the destination as it is written there.
fn records_of<'t>(task: &Task<'t>) -> Option<(&'t Path, PathBuf)> {
    let folder = task.request.records.as_deref()?;
    let path = std::fs::canonicalize(names::to_path(&task.request.destination)).ok()?;
    Some((folder, path))
}

/// Walks on this thread, and writes what was planned with all others. Returns the folders that could not
/// be made.
fn plan_and_execute(writer: &Writer<'_>, plan: &Plan<'_>) -> Result<HashSet<Vec<u8>>> {
    // No window waits in it: one is executed while another is planned, and no third is in memory.
    let (sender, receiver) = sync_channel(0);
    std::thread::scope(|threads| {
        let executing = std::thread::Builder::new()
            .spawn_scoped(threads, move || Executor::new(writer).run(&receiver))
            .map_err(|error| Error::new(ErrorKind::Other, "cannot start a thread").with_source(error))?;
        let mut planning = Planning::new(writer, sender);
        let planned = visit(writer.task, plan.snapshot.manifest, &plan.start, &mut planning).and_then(|()| {
            writer.task.progress.end_total();
            planning.send_window()
        });
        let blocked = std::mem::take(&mut planning.blocked);
        // The channel ends with it, and so does the thread.
        drop(planning);
        let executed = executing.join().unwrap_or_else(|_| Err(Error::new(ErrorKind::Other, "the thread that writes files has ended")));
        first_cause(planned, executed).map(|()| blocked)
    })
}
