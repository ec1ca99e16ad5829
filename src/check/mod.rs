//! Checks a repository: that every object is what was written, that every reference of every
//! snapshot leads to data that is there, and, as much as is asked for, that the data opens.
//!
//! Nothing here trusts what this machine remembers: index segments, directories of packs and
//! manifests are read anew. Damage is told by object, and then by what it costs: which paths in which
//! snapshots. A check takes no lock. What seems to be missing is looked for once more before it
//! counts, because a prune may have moved it meanwhile.

mod outcome;
mod request;
mod run;
mod sample;
#[cfg(test)]
pub(crate) mod tests;

pub use crate::verify::check_names;
pub use outcome::{AFFECTED_MAX, Affected, DamagedObject, NamesOutcome, NoteAbout, Outcome};
pub use request::{Data, Request};
pub use run::run;
