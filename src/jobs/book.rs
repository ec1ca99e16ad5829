//! The book of a run: its steps as they are done.

use crate::error::{Error, ErrorKind};
use crate::manifest::{LedgerEntry, LedgerStep, StepKind, StepState};
use crate::units::Timestamp;

/// The steps of a run, and the gravest that went wrong.
pub(super) struct Book {
    pub entry: LedgerEntry,
    clock: fn() -> Timestamp,
    failure: Option<ErrorKind>,
}

impl Book {
    pub(super) fn new(entry: LedgerEntry, clock: fn() -> Timestamp) -> Self {
        Self { entry, clock, failure: None }
    }

    /// Begins a step.
    pub(super) fn begin(&self, kind: StepKind, name: &str) -> LedgerStep {
        LedgerStep::new(kind, name, (self.clock)())
    }

    /// Writes a step down that ended as it says of itself.
    pub(super) fn end(&mut self, mut step: LedgerStep) {
        step.ended_at = (self.clock)();
        self.entry.steps.push(step);
    }

    /// Writes a step down that did not end well.
    pub(super) fn end_as(&mut self, mut step: LedgerStep, state: StepState, message: impl Into<String>) {
        step.set_state(state);
        step.message = message.into();
        self.end(step);
    }

    /// Writes a step down that failed.
    pub(super) fn fail(&mut self, step: LedgerStep, error: &Error) {
        self.failure = self.failure.or(Some(error.kind()));
        self.end_as(step, StepState::Failed, with_causes(error));
    }

    /// Writes a step down that was left out, and why.
    pub(super) fn skip(&mut self, kind: StepKind, why: &str) {
        let step = self.begin(kind, "");
        self.end_as(step, StepState::Skipped, why);
    }

    /// What of the first step that failed went wrong.
    pub(super) fn failure(&self) -> Option<ErrorKind> {
        self.failure
    }

    /// How the run stands by now.
    pub(super) fn state(&self) -> StepState {
        self.entry.state()
    }

    /// Whether it was stopped.
    pub(super) fn is_interrupted(&self) -> bool {
        self.failure == Some(ErrorKind::Interrupted)
    }
}

/// An error with what is behind it.
pub(super) fn with_causes(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(behind) = cause {
        text.push_str(": ");
        text.push_str(&behind.to_string());
        cause = behind.source();
    }
    text
}
