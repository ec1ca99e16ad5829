//! The way in: from files to a snapshot.
//!
//! One thread walks the source in order and decides what must be read; batches of files are read,
//! cut, hashed, gathered and sealed by the workers of the rayon pool; a second thread takes the
//! results in the order of the walk and builds the trees from the bottom up. Queues between them are
//! bounded, so memory does not grow with the source. The manifest comes last: before it is published
//! nothing has happened, after it the snapshot is whole.

mod account;
mod ahead;
mod base;
mod batch;
mod build;
mod building;
mod checkpoint;
mod compare;
mod content;
mod cursor;
mod deeds;
mod entries;
mod failures;
mod file;
mod known;
mod lengths;
mod listed;
mod listing;
mod loss;
mod outcome;
mod paths;
mod problems;
mod repeat;
mod request;
mod roots;
mod rules;
mod run;
mod sources;
mod stream;
mod surroundings;
mod tally;
#[cfg(test)]
pub(crate) mod tests;
mod walk;
mod warnings;
mod writeback;

pub use loss::name_sources;
pub use outcome::{LeftOut, OTHER_FILE_SYSTEMS_MAX, Outcome};
pub use problems::ProblemCounts;
pub use repeat::{Repeated, repeat};
pub use request::{Request, Stream};
pub use run::run;
