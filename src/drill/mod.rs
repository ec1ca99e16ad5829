//! Drills: restores that show that it works.
//!
//! ```text
//! a snapshot ── choose by a seed ── restore by the ordinary way, elsewhere ── compare with the live files ── open ── an outcome
//! ```
//!
//! That a backup was made shows nothing. A drill reads from the repository itself, without what this machine remembers of
//! it, restores a sample to another disk, compares what has not changed since, and opens every file as its program would.
//! Its seed repeats it.

mod choose;
mod compare;
mod execute;
mod outcome;
mod page;
mod request;

#[cfg(test)]
mod tests;

pub use execute::run;
pub use outcome::{Failure, FormCount, Outcome, Rung};
pub use page::page;
pub use request::{Request, Sample};
