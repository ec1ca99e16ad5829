//! Mends a repository, and never deletes: what is damaged is set aside under `damaged/`.
//!
//! The index is made again from the packs. Of a pack that is damaged in part, what can be read moves
//! to a new pack. What is needed and lies in no place whole is recorded as lost, so that the next
//! snapshot of a source that still has it stores it again, and every older snapshot is whole once
//! more. What can only be healed that way is listed by path.
//!
//! A repair is alone, for its whole life. Each step is durable before the next, and leaves a
//! repository that the next command can use: loss is recorded before the index stops naming what is
//! lost, and a pack is out of the way before the index stops naming it, so that at no moment a chunk
//! is taken for stored that is not.

mod description;
mod index;
mod outcome;
mod request;
mod run;
mod salvage;
mod small;
#[cfg(test)]
mod tests;

pub use description::{RestoredDescription, restore_description};
pub use outcome::Outcome;
pub use request::Request;
pub use run::run;
