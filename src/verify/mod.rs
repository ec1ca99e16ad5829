//! Looks at what is stored and says what is damaged: names, seals, directories, references, data.
//!
//! A check reports what is found here, a repair mends it. Nothing trusts what this machine remembers:
//! index segments, directories of packs and manifests are read anew. Damage is kept by object and
//! place, and then told by what it costs: which paths in which snapshots.

mod affected;
mod damage;
mod data;
mod frames;
mod names;
mod objects;
mod outcome;
mod packs;
mod trees;

pub use affected::Gathering;
pub use damage::{Damage, is_bad_pack};
pub use data::read_packs;
pub use names::{NamesOutcome, check_names, expected_hash};
pub use objects::{check_folder, check_keys_and_records, check_manifests, problem_of};
pub use outcome::{AFFECTED_MAX, Affected, DamagedObject, NoteAbout, Outcome};
pub use packs::{Looked, check_segments, check_told_pack};
pub use trees::{Trees, Walked};
