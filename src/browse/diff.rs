//! The difference of two snapshots, or of two places in them, as lines sorted by path.
//!
//! Both trees are walked twice. The first walk keeps what could be one half of a rename; the second
//! hands out the lines. So memory holds a short note for each file that was added or removed, never
//! the nodes, and the lines come in order. Folders that are equal are read in neither walk.

use super::compare::{Difference, Entering, compare};
use super::place::Place;
use super::renames::{Candidates, Renames};
use crate::cancel::Cancel;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Change, ChangeKind};
use crate::progress::Progress;
use crate::repository::ChunkReader;

/// So many notes are kept for renames at most, about 100 MB.
const KEPT_MAX: usize = 1_000_000;

/// How many lines of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChangeCounts {
    /// Entries that were not there before.
    pub added: u64,
    /// Entries whose content, type or link target changed.
    pub modified: u64,
    /// Entries of which only owner, mode, mtime or attributes changed.
    pub metadata: u64,
    /// Entries that are gone.
    pub removed: u64,
    /// Files and folders that stand under another name; a folder counts once.
    pub renamed: u64,
}

impl ChangeCounts {
    pub(super) fn count(&mut self, kind: ChangeKind) {
        match kind {
            ChangeKind::Added => self.added += 1,
            ChangeKind::Modified => self.modified += 1,
            ChangeKind::Metadata => self.metadata += 1,
            ChangeKind::Removed => self.removed += 1,
            ChangeKind::Renamed => self.renamed += 1,
        }
    }
}

/// What a comparison found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiffOutcome {
    /// The lines that were handed out.
    pub counts: ChangeCounts,
    /// More than a million things were added or removed, so that renames were not looked for: they
    /// stand in the lines as removed and added.
    pub renames_left_out: bool,
    /// Folders that could not be compared to their end, each with a finding.
    pub unreadable: u64,
}

/// Hands out what differs between `old` and `new`, sorted by path, folder by folder: names compare as
/// bytes, a folder comes before its entries. Paths are those of `new`, for removed entries those of
/// `old`. The entries of a folder that was added or removed are lines of their own; those of a
/// renamed folder are not.
///
/// # Errors
/// `NotFound` when neither place is there; `Unsupported`, `Interrupted`, those of `each`.
pub fn diff(
    reader: &ChunkReader,
    old: &Place<'_>,
    new: &Place<'_>,
    each: &mut dyn FnMut(&Change) -> Result<()>,
    progress: &dyn Progress,
) -> Result<DiffOutcome> {
    diff_keeping(KEPT_MAX, reader, old, new, each, progress)
}

/// As [`diff`], keeping at most `kept_max` notes for renames.
pub(super) fn diff_keeping(
    kept_max: usize,
    reader: &ChunkReader,
    old: &Place<'_>,
    new: &Place<'_>,
    each: &mut dyn FnMut(&Change) -> Result<()>,
    progress: &dyn Progress,
) -> Result<DiffOutcome> {
    let renames = find_renames(kept_max, reader, old, new, progress)?;
    let mut outcome = DiffOutcome { renames_left_out: renames.is_none(), ..DiffOutcome::default() };
    let renames = renames.unwrap_or_default();
    let mut hand_out = |difference: Difference<'_>| {
        let Difference { kind, relative, old: old_node, new: new_node } = difference;
        let mut change = Change { kind, path: new.join(relative), from: None, old: old_node, new: new_node };
        let mut entering = Entering::Enter;
        match kind {
            ChangeKind::Removed if renames.gone.contains(relative) => return Ok(Entering::Skip),
            ChangeKind::Removed => change.path = old.join(relative),
            ChangeKind::Added => {
                if let Some(old_relative) = renames.old_paths.get(relative) {
                    let from = old.join(old_relative);
                    change.kind = ChangeKind::Renamed;
                    change.old = Place::at(old.manifest(), &from)?.find(reader)?;
                    change.from = Some(from);
                    entering = Entering::Skip;
                }
            }
            _ => {}
        }
        outcome.counts.count(change.kind);
        each(&change)?;
        Ok(entering)
    };
    let unreadable = compare(reader, old, new, &mut hand_out, progress)?;
    outcome.unreadable = unreadable;
    Ok(outcome)
}

/// The first walk; `None` when there is too much to keep.
fn find_renames(
    kept_max: usize,
    reader: &ChunkReader,
    old: &Place<'_>,
    new: &Place<'_>,
    progress: &dyn Progress,
) -> Result<Option<Renames>> {
    let mut candidates = Candidates::default();
    let mut is_full = false;
    let mut note = |difference: Difference<'_>| {
        candidates.add(&difference);
        is_full = candidates.len() > kept_max;
        // The only way to end a walk is an error; this one goes no further than the lines below.
        if is_full { Err(Error::new(ErrorKind::Other, "too many entries to look for renames")) } else { Ok(Entering::Enter) }
    };
    let walked = compare(reader, old, new, &mut note, &Quiet(progress));
    if is_full {
        return Ok(None);
    }
    walked?;
    Ok(Some(candidates.pair()))
}

/// A front that can still interrupt, but hears nothing: the second walk tells it everything.
struct Quiet<'p>(&'p dyn Progress);

impl Cancel for Quiet<'_> {
    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}

impl Progress for Quiet<'_> {}
