//! The real program, ended or failed at its system calls, and the power cut under it: what was
//! reported restores, `check --read-data` finds nothing, and the next command needs no manual step.
//!
//! A [`Scene`] is a repository at the moment before a command. The command runs once to count its
//! calls; then the scene is set again and again, and each time another call is the one. About 40 of
//! them are tried; `KILLS=200` in the environment tries 200 more.

mod disk;
mod failed;
mod killed;
mod power_cut;
mod restored;
mod scene;
mod traced;

pub use self::disk::Disk;
use self::scene::Scene;
pub use self::traced::{Traced, trace};
