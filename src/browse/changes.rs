//! The change view of one snapshot: what its kind promises to be measured against.
//!
//! A full snapshot is measured against nothing, so its view is everything in it. When the base of
//! another was pruned the snapshot is as whole as ever, but its view has lost its reference.

use std::cmp::Ordering;

use super::diff::{ChangeCounts, diff};
use super::place::{Place, is_at_or_below, normalise};
use super::visit::{Descend, Visit, visit};
use crate::error::{Error, ErrorKind, Result};
use crate::id::SnapshotId;
use crate::manifest::{Change, ChangeKind, Manifest};
use crate::progress::Progress;
use crate::repository::ChunkReader;

/// What a change view was measured against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// Nothing: the view is everything in the snapshot.
    Everything,
    /// This snapshot.
    Snapshot(SnapshotId),
    /// This snapshot, which is no longer there: there is no view.
    Lost(SnapshotId),
}

/// What a change view handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangesOutcome {
    /// What it was measured against.
    pub reference: Reference,
    /// The lines.
    pub counts: ChangeCounts,
    /// As in [`super::DiffOutcome`].
    pub renames_left_out: bool,
    /// Folders or pages that could not be read, each with a finding.
    pub unreadable: u64,
}

/// Hands out the change view of the snapshot `manifest`, in the order of [`diff`]; nothing when its
/// reference is lost.
///
/// # Errors
/// `Damaged` when the manifest of the base is; `Unsupported`, `Interrupted`, those of `each`.
pub fn changes(
    reader: &ChunkReader,
    manifest: &Manifest,
    each: &mut dyn FnMut(&Change) -> Result<()>,
    progress: &dyn Progress,
) -> Result<ChangesOutcome> {
    let place = Place::whole(manifest);
    let empty = |reference| ChangesOutcome { reference, counts: ChangeCounts::default(), renames_left_out: false, unreadable: 0 };
    let Some(base_id) = manifest.base else {
        let mut outcome = empty(Reference::Everything);
        let mut take = |step: Visit<'_>| {
            match step {
                Visit::Entry(path, node) => {
                    let kind = ChangeKind::Added;
                    outcome.counts.count(kind);
                    each(&Change { kind, path: path.to_vec(), from: None, old: None, new: Some(node.clone()) })?;
                }
                Visit::Leave => {}
                Visit::Unreadable => outcome.unreadable += 1,
            }
            Ok(Descend::Enter)
        };
        visit(reader, &place, &mut take, progress)?;
        return Ok(outcome);
    };
    let base = match reader.objects().read_manifest(&base_id) {
        Err(error) if error.is_not_found() => return Ok(empty(Reference::Lost(base_id))),
        read => read?,
    };
    let found = diff(reader, &Place::whole(&base), &place, each, progress)?;
    Ok(ChangesOutcome {
        reference: Reference::Snapshot(base_id),
        counts: found.counts,
        renames_left_out: found.renames_left_out,
        unreadable: found.unreadable,
    })
}

/// Which paths of a snapshot belong to its change view.
#[derive(Clone, Debug)]
pub struct ChangedPaths {
    is_everything: bool,
    /// Sorted as [`compare_paths`] does.
    paths: Vec<Vec<u8>>,
    /// What the snapshot does not have any more, or has under another name; of a folder that was renamed also all
    /// that was in it. Sorted.
    gone: Vec<Vec<u8>>,
    /// Folders that were renamed: everything below them belongs to the view. Sorted.
    renamed_folders: Vec<Vec<u8>>,
}

impl ChangedPaths {
    /// Whether the entry at the absolute `path` is new, differs, or has another name than before.
    pub fn contains(&self, path: &[u8]) -> bool {
        let Ok(path) = normalise(path) else { return false };
        self.is_everything || find(&self.paths, &path).is_ok() || self.is_below_renamed(&path)
    }

    /// Whether the base had something at `path` that the snapshot does not have there any more. What no snapshot
    /// had is not gone, though it stands in a folder that is.
    pub fn is_gone(&self, path: &[u8]) -> bool {
        let Ok(path) = normalise(path) else { return false };
        find(&self.gone, &path).is_ok()
    }

    /// Whether something below the folder `path` belongs to the view, so that it must be entered.
    pub fn leads_to(&self, path: &[u8]) -> bool {
        let Ok(path) = normalise(path) else { return false };
        // What lies below a folder follows it at once in this order.
        let behind = self.paths.partition_point(|kept| compare_paths(kept, &path).is_le());
        self.is_everything || self.paths.get(behind).is_some_and(|next| is_at_or_below(next, &path)) || self.is_below_renamed(&path)
    }

    fn is_below_renamed(&self, path: &[u8]) -> bool {
        is_at_or_below_any(&self.renamed_folders, path)
    }
}

fn is_at_or_below_any(folders: &[Vec<u8>], path: &[u8]) -> bool {
    let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at).chain([path.len()]);
    !folders.is_empty() && ends.into_iter().any(|end| find(folders, &path[..end]).is_ok())
}

/// The paths that `restore --changed-only` restores: added, modified, with other metadata, or
/// renamed. Holds each of them in memory.
///
/// # Errors
/// `NotFound` when the base was pruned; those of [`changes`].
pub fn changed_paths(reader: &ChunkReader, manifest: &Manifest, progress: &dyn Progress) -> Result<ChangedPaths> {
    let mut changed =
        ChangedPaths { is_everything: manifest.base.is_none(), paths: Vec::new(), gone: Vec::new(), renamed_folders: Vec::new() };
    if changed.is_everything {
        return Ok(changed);
    }
    let mut left_folders = Vec::new();
    let mut take = |change: &Change| {
        if let Some(node) = &change.new {
            let path = normalise(&change.path)?;
            if change.kind == ChangeKind::Renamed && node.is_directory() {
                changed.renamed_folders.push(path.clone());
                left_folders.extend(change.from.clone());
            }
            changed.paths.push(path);
        }
        if let Some(gone) = change.from.as_ref().or_else(|| change.new.is_none().then_some(&change.path)) {
            changed.gone.push(normalise(gone)?);
        }
        Ok(())
    };
    let outcome = changes(reader, manifest, &mut take, progress)?;
    if let Reference::Lost(base) = outcome.reference {
        let message = format!("snapshot {}, which the changes were measured against, is no longer there", base.short());
        return Err(Error::new(ErrorKind::NotFound, message));
    }
    if let (Reference::Snapshot(base), false) = (outcome.reference, left_folders.is_empty()) {
        let base = reader.objects().read_manifest(&base)?;
        let mut take = |step: Visit<'_>| {
            if let Visit::Entry(path, _) = step {
                changed.gone.push(normalise(path)?);
            }
            Ok(Descend::Enter)
        };
        left_folders.iter().try_for_each(|folder| visit(reader, &Place::at(&base, folder)?, &mut take, progress))?;
    }
    // They came sorted, but the look-up should not rest on that.
    changed.paths.sort_unstable_by(|a, b| compare_paths(a, b));
    changed.gone.sort_unstable_by(|a, b| compare_paths(a, b));
    changed.renamed_folders.sort_unstable_by(|a, b| compare_paths(a, b));
    Ok(changed)
}

fn find(paths: &[Vec<u8>], path: &[u8]) -> std::result::Result<usize, usize> {
    paths.binary_search_by(|kept| compare_paths(kept, path))
}

/// The order of a walk: name by name, so that a folder stands right before what is in it.
fn compare_paths(a: &[u8], b: &[u8]) -> Ordering {
    a.split(|byte| *byte == b'/').cmp(b.split(|byte| *byte == b'/'))
}
