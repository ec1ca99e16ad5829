//! What the walk of a run, and what it calls, need to know of the run.

use super::content::Saver;
use super::sources::InnerSources;
use super::tally::Tally;
use crate::manifest::{Manifest, SnapshotOptions, Unwanted};
use crate::repository::ChunkReader;
use crate::source::{Filter, Owners};

/// What a walk needs to know. Nothing in it changes while it goes on but the counts.
pub(super) struct Surroundings<'w, 's> {
    pub saver: &'w Saver<'s>,
    pub owners: &'w Owners,
    pub tally: &'w Tally,
    pub filter: &'w Filter,
    pub options: &'w SnapshotOptions,
    pub unwanted: &'w Unwanted,
    /// Folders to leave out, as (device, inode).
    pub skip: &'w [(u64, u64)],
    /// Sources within others.
    pub inner: &'w InnerSources,
    pub base: Option<(&'w Manifest, &'w ChunkReader)>,
    /// The content of the base need not be looked up.
    pub base_is_whole: bool,
}
