//! Guards: whether a new snapshot looks like a source that lost what it had, or that an intruder has written over.
//!
//! A backup that goes on as if nothing had happened lets the rules remove the last good snapshots, one evening after the
//! other. So what comes of a run is held against the last snapshot of the series that nobody distrusts. What a guard says
//! is a reason to ask a person, never a proof.

mod judge;
mod limits;
mod noise;
mod renamed;

#[cfg(test)]
mod tests;

pub use judge::judge;
pub use limits::{Limits, Share};
