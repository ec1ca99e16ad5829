//! Removes snapshots, and frees what no snapshot needs.
//!
//! What is needed is found by walking the trees of every snapshot that stays, beside running
//! snapshots. Then prune waits until it is alone, marks what came meanwhile, and sweeps: manifests
//! first, then the index that names dead packs, then the packs, each step durable before the next. A
//! crash between any two leaves something unneeded behind, never something missing. Whole dead packs
//! go first, because that needs no space; then packs with much waste are written again.

mod guard;
mod mark;
mod naming;
mod needed;
mod plan;
mod request;
mod rewrite;
mod rewriting;
mod run;
mod sweep;
#[cfg(test)]
mod tests;
mod unnamed;

pub use guard::refuse_unreadable;
pub use request::{Outcome, Request};
pub use run::run;
