//! The ratchet: no command makes anything unrestorable that was restorable before.
//!
//! `docs/testing.md` says which commands meet which damage, and how to run more of them.

pub mod bench;
mod commands;
pub mod damage;
mod matrix;
mod program;
pub mod restorable;
