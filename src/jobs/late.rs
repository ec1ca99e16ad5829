//! Tells of a job that is late and does not run: its disk is away, or it fails again and again.

use super::book::Book;
use super::context::Context;
use super::notices::tell_of;
use crate::config::Job;
use crate::crypto::random_bytes;
use crate::error::Result;
use crate::id::RunId;
use crate::ledger::{self, Ledger};
use crate::manifest::{LedgerEntry, LedgerStep, Occasion, StepKind, StepState};
use crate::progress::Silent;
use crate::schedule::Standing;

/// Tells those who want to know that `job` is late, once for each of its windows, and writes that down. Says whether
/// somebody was told.
///
/// # Errors
/// When the ledger cannot be written.
pub fn tell_late(context: &Context<'_>, job: &Job, ledger: &Ledger, standing: &Standing) -> Result<bool> {
    let Some(owed) = standing.due.owed().filter(|_| standing.is_overdue) else { return Ok(false) };
    let is_told = |entry: &LedgerEntry| entry.window() == Some(owed.window) && entry.steps_of(StepKind::Notice).next().is_some();
    if ledger.of_job(&job.name).any(is_told) {
        return Ok(false);
    }
    let machine = context.repository.keys().identify.machine(context.machine.as_deref());
    let now = (context.clock)();
    let mut entry = LedgerEntry::new(RunId(random_bytes()?), machine, context.host.clone(), job.name.clone(), Occasion::Schedule, now);
    entry.set_window(owed.window);
    let mut book = Book::new(entry, context.clock);
    tell_of(context, job, "late", &mut book);
    if book.entry.steps.is_empty() {
        return Ok(false);
    }
    let is_reached = book.entry.steps.iter().map(LedgerStep::state).any(|state| state == StepState::Good);
    ledger::append(context.repository, book.entry, now, &Silent)?;
    Ok(is_reached)
}
