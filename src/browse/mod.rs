//! The verbs of looking: what is in a snapshot, what changed, which versions of a file there are, and
//! what all of it costs.
//!
//! Everything here reads and nothing prints. Lines are handed to a callback as they are found, so that
//! memory does not grow with what is looked at; a callback that fails ends the look with its error.
//! A tree page that cannot be read is a finding: what it would have shown is missing from the
//! outcome, which counts such pages, and nothing is claimed about it.

mod archive;
mod cat;
mod changes;
mod compare;
mod diff;
mod find;
mod history;
pub mod json;
mod list;
mod live;
mod live_entry;
mod locate;
mod pattern;
mod place;
mod problems;
mod renames;
mod snapshots;
mod stats;
mod visit;

#[cfg(test)]
mod tests;

pub use archive::{ArchiveFormat, archive};
pub use cat::{CatOutcome, cat};
pub use changes::{ChangedPaths, ChangesOutcome, Reference, changed_paths, changes};
pub use diff::{ChangeCounts, DiffOutcome, diff};
pub use find::{EachMatch, FindOutcome, find};
pub use history::{HistoryOutcome, Version, history, is_same_version};
pub use list::{ListOutcome, list, sources};
pub use live::diff_live;
pub use locate::{Located, locate, locate_first};
pub use pattern::Pattern;
pub use place::{Place, is_at_or_below};
pub use problems::problems;
pub use snapshots::{SnapshotFilter, complete_summary, filter_snapshots, newest_of_each_series};
pub use stats::{RepositoryStats, SnapshotStats, TypeStats, repository_stats, snapshot_stats};

use crate::error::Result;
use crate::id::SnapshotId;
use crate::repository::Objects;

/// Whether a snapshot that was listed is there no more: a prune has removed it meanwhile, and nothing is damaged.
fn is_gone(objects: &Objects, id: &SnapshotId) -> Result<bool> {
    Ok(!objects.list_snapshots()?.contains(id))
}
