//! Applies the rules of a job to its series, and frees the space.

use super::context::Context;
use crate::config::Job;
use crate::error::Result;
use crate::manifest::LedgerStep;
use crate::progress::Progress;
use crate::prune::{self, Request, Rules};
use crate::units::ByteCount;

/// Prunes the series of `job`, and says in `step` what came of it.
///
/// # Errors
/// Those of a prune.
pub(super) fn run_prune(context: &Context<'_>, job: &Job, step: &mut LedgerStep, progress: &dyn Progress) -> Result<()> {
    // Records that came since the repository was opened count: marks, tombstones, the snapshot itself.
    let repository = context.repository.read_again()?;
    let rules = Rules { keep: job.keep.policy(), series: vec![job.name.clone()] };
    let request = Request { clock: context.clock, ..Request::by_rules(rules) };
    let plan = prune::plan(&repository, &request, progress)?;
    let outcome = prune::execute(&repository, &plan, progress)?;
    step.figures.push(("snapshots-removed".to_owned(), outcome.snapshots_removed));
    step.figures.push(("bytes-freed".to_owned(), outcome.bytes_freed));
    let plural = if outcome.snapshots_removed == 1 { "" } else { "s" };
    step.message = format!("{} snapshot{plural} removed, {} freed", outcome.snapshots_removed, ByteCount(outcome.bytes_freed));
    Ok(())
}
