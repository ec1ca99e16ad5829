//! The ledger of a repository: what runs did, on every machine, read and written as one.
//!
//! A run appends one entry when it ends. Entries are many small records after a while, and every command reads all records
//! when it opens a repository; so a prune [gathers](gather) them into few pages.

mod append;
mod gather;
mod read;

#[cfg(test)]
mod tests;

pub use append::append;
pub use gather::{GATHER_AT, gather};
pub use read::{Ledger, read};
