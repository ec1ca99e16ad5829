//! Runs the programs around a job.

use std::time::Duration;

use super::book::{Book, with_causes};
use crate::cancel::Cancel;
use crate::children::Program;
use crate::config::{Hook, Job, OnFailure, When};
use crate::error::Result;
use crate::manifest::{StepKind, StepState};

/// Nobody stops what must run in any case.
struct Unstopped;

impl Cancel for Unstopped {}

/// Runs the hooks of one moment in their order; false when one failed that must not. What comes before a run ends at the
/// first of those, the others all run.
pub(super) fn run_hooks(job: &Job, when: When, values: &[(&'static str, String)], book: &mut Book, cancel: &dyn Cancel) -> bool {
    let mut is_well = true;
    // Who presses ^C wants the run to stop, and not the import to stay paused.
    let cancel: &dyn Cancel = if when == When::Before { cancel } else { &Unstopped };
    for hook in job.hooks.iter().filter(|hook| hook.when == when) {
        let mut step = book.begin(StepKind::Hook, &format!("{}: {}", when.name(), hook.run.first().map_or("", String::as_str)));
        match run_hook(job, hook, values, cancel) {
            Ok(()) => book.end(step),
            Err(error) => match hook.on_failure {
                OnFailure::Error => {
                    book.fail(step, &error);
                    is_well = false;
                    if when == When::Before {
                        return false;
                    }
                }
                OnFailure::Warn => book.end_as(step, StepState::Incomplete, with_causes(&error)),
                OnFailure::Ignore => {
                    step.message = with_causes(&error);
                    book.end(step);
                }
            },
        }
    }
    is_well
}

/// Values reach a program through its environment alone: in a line for a shell they would be commands.
fn run_hook(job: &Job, hook: &Hook, values: &[(&'static str, String)], cancel: &dyn Cancel) -> Result<()> {
    let mut program = Program::of_list(&hook.run)?.variable("REPO_JOB", &job.name).variable("REPO_WHEN", hook.when.name());
    if hook.timeout.0 > 0 {
        program = program.time_limit(Duration::from_secs(hook.timeout.0));
    }
    for (name, value) in values {
        program = program.variable(name, value);
    }
    program.run(cancel)?.check().map(drop)
}
