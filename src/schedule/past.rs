//! What the ledger says of a job.

use crate::units::Timestamp;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All that was planned was done.
    Good,
    /// Something failed.
    Failed,
    /// It began and never said how it ended: it was killed, or the machine went down.
    Unfinished,
}

/// A run of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastRun {
    /// When it began, by the clock of then.
    pub begun: Timestamp,
    /// The newest window that it answered, as [`super::Due`] named it; none for a run that somebody started by hand.
    pub window: Option<Timestamp>,
    /// How it ended.
    pub outcome: Outcome,
}

/// Runs that failed since the last good one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    /// How many, one after the other.
    pub count: u64,
    /// When the first of them began.
    pub first: Timestamp,
    /// When the last of them began.
    pub last: Timestamp,
    /// The newest window that the last of them was to answer.
    pub window: Timestamp,
}

/// What the ledger says of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// Up to here all windows were answered by the last good run.
    pub answered: Option<Timestamp>,
    /// When the last good run began.
    pub good: Option<Timestamp>,
    /// Failures that no good run has followed. They stay until one has.
    pub failures: Option<Failures>,
}

impl Past {
    /// What `runs` say, which stand in the order of the ledger, the oldest first. That order comes from its counter: the
    /// times of the runs may go back where the clock was set, and the last run is the last one all the same.
    pub fn of(runs: impl IntoIterator<Item = PastRun>) -> Self {
        let mut past = Self::default();
        for run in runs {
            past.add(run);
        }
        past
    }

    /// The same with one run more.
    pub fn add(&mut self, run: PastRun) {
        let window = run.window.unwrap_or(run.begun);
        if run.outcome == Outcome::Good {
            *self = Self { answered: Some(window), good: Some(run.begun), failures: None };
            return;
        }
        // A later run for an earlier window: the clock was wrong when the good one ran, and nobody knows what it answered.
        self.answered = self.answered.filter(|answered| *answered <= window);
        let failures = self.failures.unwrap_or(Failures { count: 0, first: run.begun, last: run.begun, window });
        self.failures = Some(Failures { count: failures.count + 1, last: run.begun, window, ..failures });
    }
}
