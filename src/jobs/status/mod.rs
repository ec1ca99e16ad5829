//! Whether all is well: what is planned against what was done, for a person who knows nothing, and for programs.
//!
//! *Overdue* outranks what is good. *Waiting* for a disk, *could not look* and *failed* are three things, and none of
//! them is good.

mod found;
mod growth;
mod look;
mod page;
mod series;
mod surroundings;
mod words;

#[cfg(test)]
mod tests;

pub use found::Status;
pub use look::look;
pub use page::{html, prometheus};
pub use series::{SeriesState, SeriesStatus};
