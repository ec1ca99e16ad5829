//! Cuts content into chunks. Knows nothing of hashes, files or storage.
//!
//! The class of a file follows from its first bytes, never from its name, and says how it is cut.
//! The gear table that decides the cuts is secret, one per repository: with a public table the
//! lengths of chunks would tell which known files a repository holds.

mod class;
mod cut;

pub use class::{Class, HEAD_BYTES, MEDIA, recognise};
pub use cut::{ClassTable, Cut, Cutter, GearTable, Method};
