//! From the text of a configuration to what it means.

mod database;
mod defaults;
mod hook;
mod job;
mod top;

pub use top::{load, read};
