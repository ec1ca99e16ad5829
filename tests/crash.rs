//! Nothing is lost: schedules of power cuts, kills, failing disks and full disks, on a simulated disk.
//!
//! `docs/testing.md` says what the disk does and what is asserted after each schedule.

mod compare;
mod endings;
mod exhaustive;
mod model;
mod mutations;
mod operations;
mod pairs;
mod play;
mod random;
pub mod source;
mod verbs;
pub mod world;
