//! Several programs at once, in every order of their calls that is tried: nothing is lost, and what was
//! reported restores.
//!
//! `docs/testing.md` says which orders are tried, and how to try more of them.

mod exhaustive;
mod judge;
mod play;
mod random;
mod scenes;
mod unlocked;
