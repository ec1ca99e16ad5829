//! Whatever programs print: a dump of a kind of database that has no profile of its own.
//!
//! We start every program of a chain ourselves, so the exit status of each is known: a shell tells only that of the last,
//! and an empty dump of a server that was down then looks like a good one. What is empty, or below its floor, does not
//! count either.

mod chain;
mod dump;

pub use chain::Chain;
pub use dump::Dump;
