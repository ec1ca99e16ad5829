//! What a check did and found: what the steps gather that it shares with a repair.

pub use crate::verify::{AFFECTED_MAX, Affected, DamagedObject, NamesOutcome, NoteAbout, Outcome};
