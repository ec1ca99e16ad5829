//! The way out: a snapshot, or a part of it, becomes files and folders again.
//!
//! [`plan`] finds what is asked for, [`execute`] restores it, and [`foresee`] says what would become of each entry.
//!
//! The tree is walked once, in order. Folders are made at once, for their owner only; files gather in
//! a window of bounded size. A window is planned so that every frame that it needs is read, opened
//! and unpacked once, in the order of the packs, and its chunks are written wherever they belong. While
//! that is done the next window is planned.
//! Complete files wait under temporary names. When there are enough of them their content is synced, all
//! at once, and only then they get their names; hard links and the metadata of folders follow, deepest
//! first. Memory so depends on the window, not on the snapshot.
//!
//! Nothing is written that was not verified. A chunk that cannot be had costs the file that it
//! belongs to, which is kept as `NAME.damaged`, and nothing else. What the destination has already is
//! judged by [`Overwrite`]; no symbolic link in it is ever followed (see [`crate::target`]).

mod clear;
mod content;
mod databases;
mod delete;
mod dry_run;
mod entries;
mod execute;
mod executor;
mod files;
mod folders;
mod frames;
mod in_the_way;
mod inodes;
mod leftovers;
mod links;
mod matched;
mod missing;
mod named;
mod notes;
mod original;
mod outcome;
mod place;
mod plan;
mod plan_file;
mod planning;
mod records;
mod repositories;
mod request;
mod selection;
mod set_metadata;
mod sight;
mod specials;
mod staging;
mod start;
mod task;
mod verify;
mod window;
mod writer;

#[cfg(test)]
mod tests;

pub use execute::{execute, foresee, run};
pub use named::{Landing, land};
pub use original::check_original;
pub use outcome::{ACTIONS_MAX, Action, ActionKind, DELETIONS_MAX, Outcome};
pub use plan::{Plan, Snapshot, plan};
pub use request::{Overwrite, PathPredicate, Request, What, WindowLimits};
