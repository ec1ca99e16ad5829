//! When jobs are due, and the files that tell a system's scheduler of them.
//!
//! Whether a job is due follows from its plan and from what the ledger says that was done, never from when a process
//! started: a laptop that slept, a machine that was off, a disk that was away and a clock that was set are all the same
//! question. Nothing here reads a clock or the ledger, so that a year can be tried in a second; whether a
//! condition holds is asked for by whoever wants to know.

mod condition;
mod due;
mod past;
mod plan;
mod retry;
pub mod units;

#[cfg(test)]
mod tests;

pub use condition::Condition;
pub use due::{Due, Owed, Standing, standing};
pub use past::{Failures, Outcome, Past, PastRun};
pub use plan::Plan;
pub use retry::{RETRY_SECONDS_FIRST, RETRY_SECONDS_MAX, retry_seconds};
