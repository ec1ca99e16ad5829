//! Jobs: what `repo.toml` plans, done step by step, and written into the ledger.
//!
//! ```text
//! lock, what an earlier run left ── hooks before ── databases and files, one snapshot ── hooks after or failed
//!      ── guards ── prune ── check ── hooks finally ── notices ── ledger
//! ```
//!
//! A step that failed stays failed: later steps run and know it, a prune does not run after anything that is not well, and
//! the run ends as the worst of its steps. `finally` runs whatever happened.

mod book;
mod context;
mod doctor;
mod drill;
mod due;
mod evening;
mod facts;
mod guard;
mod hooks;
mod late;
mod notices;
mod open_databases;
mod profiles;
mod prune;
mod request;
mod require;
mod state;
pub mod status;

pub use context::{Context, RunRequest};
pub use doctor::{Symptom, examine};
pub use drill::{drill_request, run_drill, words as drill_words};
pub use due::{conditions, standing_of};
pub use evening::{Outcome, run};
pub use late::tell_late;
pub use request::request;
pub use require::check_required;
pub use state::StateFolder;
