//! Looks for names in many snapshots.
//!
//! Snapshots of one source share most of their trees, so a folder in which nothing was found is
//! remembered by its tree and not read again in the next snapshot.

use crate::cancel::check_cancelled;
use std::collections::HashSet;

use super::is_gone;
use super::pattern::Pattern;
use super::place::Place;
use super::visit::{Descend, Visit, visit};
use crate::catalog::Summary;
use crate::error::Result;
use crate::manifest::{Content, Node};
use crate::progress::{Finding, FindingKind, Progress};
use crate::repository::ChunkReader;

/// So many folders without a match are remembered, about 40 MB.
const REMEMBERED_MAX: usize = 1_000_000;

/// Takes one match: the snapshot, the absolute path, the entry.
pub type EachMatch<'e> = dyn FnMut(&Summary, &[u8], &Node) -> Result<()> + 'e;

/// What a search found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FindOutcome {
    /// Snapshots that were looked at.
    pub snapshots: u64,
    /// Lines that were handed out.
    pub matches: u64,
    /// Manifests and pages that could not be read, each with a finding.
    pub unreadable: u64,
}

/// Hands out the entries that fit `pattern` in each of `snapshots`, with their absolute paths, in the
/// order in which the snapshots are given. Callers give the newest first.
///
/// # Errors
/// `Unsupported`, `Interrupted`, those of `each`.
pub fn find<'s>(
    reader: &ChunkReader,
    snapshots: impl IntoIterator<Item = &'s Summary>,
    pattern: &Pattern,
    each: &mut EachMatch<'_>,
    progress: &dyn Progress,
) -> Result<FindOutcome> {
    let mut outcome = FindOutcome::default();
    let mut barren = Barren { pattern, keys: HashSet::new() };
    for summary in snapshots {
        check_cancelled(progress)?;
        match reader.objects().read_manifest(&summary.id) {
            Ok(manifest) => {
                let mut each = |path: &[u8], node: &Node| each(summary, path, node);
                find_in(reader, &Place::whole(&manifest), &mut barren, &mut outcome, &mut each, progress)?;
                outcome.snapshots += 1;
            }
            Err(error) if error.is_damage() => {
                if is_gone(reader.objects(), &summary.id)? {
                    continue;
                }
                outcome.unreadable += 1;
                let message = format!("cannot look into snapshot {}: {error}", summary.id.short());
                progress.report(Finding::new(FindingKind::Damaged, Vec::new(), message));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(outcome)
}

/// A folder that the search is in.
struct Inside {
    key: Option<[u8; 16]>,
    matches_before: u64,
    unreadable_before: u64,
}

fn find_in(
    reader: &ChunkReader,
    place: &Place<'_>,
    barren: &mut Barren<'_>,
    outcome: &mut FindOutcome,
    each: &mut dyn FnMut(&[u8], &Node) -> Result<()>,
    progress: &dyn Progress,
) -> Result<()> {
    let mut inside: Vec<Inside> = Vec::new();
    let mut take = |step: Visit<'_>| {
        match step {
            Visit::Entry(path, node) => {
                if barren.pattern.fits(path) {
                    outcome.matches += 1;
                    each(path, node)?;
                }
                let key = barren.key(path, node);
                if key.is_some_and(|key| barren.keys.contains(&key)) {
                    return Ok(Descend::Skip);
                }
                if node.is_directory() {
                    inside.push(Inside { key, matches_before: outcome.matches, unreadable_before: outcome.unreadable });
                }
            }
            Visit::Leave => {
                if let Some(Inside { key: Some(key), matches_before, unreadable_before }) = inside.pop()
                    && (matches_before, unreadable_before) == (outcome.matches, outcome.unreadable)
                    && barren.keys.len() < REMEMBERED_MAX
                {
                    barren.keys.insert(key);
                }
            }
            Visit::Unreadable => outcome.unreadable += 1,
        }
        Ok(Descend::Enter)
    };
    visit(reader, place, &mut take, progress)
}

/// Folders that were read to their end without a match.
struct Barren<'p> {
    pattern: &'p Pattern,
    keys: HashSet<[u8; 16]>,
}

impl Barren<'_> {
    /// What decides whether anything below `node` fits: its tree, and for a pattern of paths also
    /// where it lies.
    fn key(&self, path: &[u8], node: &Node) -> Option<[u8; 16]> {
        let Content::Directory(tree) = &node.content else { return None };
        let mut hasher = blake3::Hasher::new();
        hasher.update(&tree.id.0);
        if self.pattern.is_on_paths() {
            hasher.update(path);
        }
        let hash = hasher.finalize();
        Some(std::array::from_fn(|at| hash.as_bytes()[at]))
    }
}
