//! Removes snapshots, and frees what no snapshot needs.
//!
//! [`plan`] decides what becomes of each snapshot and why; a front shows that, and hands it to [`execute`], or to
//! [`foresee`] when it only wants to know what would be freed. What is needed is found by walking the trees of every
//! snapshot that stays, beside running snapshots. Then prune waits until it is alone, decides again by the same rules,
//! marks what came meanwhile, and sweeps: manifests
//! first, then the index that names dead packs, then the packs, each step durable before the next. A
//! crash between any two leaves something unneeded behind, never something missing. Whole dead packs
//! go first, because that needs no space; then packs with much waste are written again.

mod decide;
mod decision;
mod execute;
mod look;
mod mark;
mod naming;
mod needed;
mod outcome;
mod packs;
mod plan;
mod prepare;
mod refuse;
mod request;
mod rewrite;
mod rewriting;
mod sweep;
#[cfg(test)]
mod tests;
mod unnamed;

pub use decide::{Moment, decide};
pub use decision::{Cause, Decision, Decisions, Subject, Verdict};
pub use execute::execute;
pub use outcome::Outcome;
pub use plan::{Plan, plan};
pub use prepare::foresee;
pub use request::{Request, Rules};

use crate::error::Result;
use crate::progress::Progress;
use crate::repository::Repository;

/// Plans, and carries it out at once.
///
/// # Errors
/// As [`plan`] and [`execute`].
pub fn run(repository: &Repository, request: &Request, progress: &dyn Progress) -> Result<Outcome> {
    execute(repository, &plan(repository, request, progress)?, progress)
}
