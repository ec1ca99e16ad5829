//! Which snapshots to keep: a pure function of what there is, the rules, and now.
//!
//! Nothing here reads storage or a clock, so that what a rule does can be tried on any calendar and
//! printed before anything is removed. Rules go series by series, and in
//! each machine by machine, in the local calendar that the
//! caller names: the newest snapshot of each of the most recent hours, days, weeks … that have any is
//! kept. Some snapshots no rule can remove, because losing them is never what somebody meant: the
//! newest of a series, the last one before most files were gone, pinned ones, what a kept differential is
//! measured against, and what was committed too recently.

mod decide;
mod once;
mod period;
mod policy;
mod reason;

#[cfg(test)]
mod tests;

pub use decide::{CLOCK_SKEW_SECONDS_MAX, Decision, check_clock, decide, is_loss, protected_until};
pub use once::saved_once;
pub use policy::{Candidate, KeepPolicy};
pub use reason::{Reason, Rule};
