//! `ls`: the entries of a snapshot, or of one folder of it.

use super::place::Place;
use super::visit::{Descend, Visit, visit};
use crate::error::Result;
use crate::manifest::{Content, Manifest, Node, RootEntry};
use crate::progress::Progress;
use crate::repository::ChunkReader;

/// What a listing handed out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListOutcome {
    /// Lines.
    pub entries: u64,
    /// Pages that could not be read, each with a finding; their entries are missing.
    pub unreadable: u64,
}

/// What was saved in a snapshot: the sources, without the folders above them.
pub fn sources(manifest: &Manifest) -> impl Iterator<Item = &RootEntry> {
    manifest.entries.iter().filter(|entry| !matches!(entry.node.content, Content::Ancestor))
}

/// Hands out the entries at `place` with their absolute paths, folders before their entries, names in
/// order of their bytes. A folder gives what is in it, not itself; anything else gives itself.
/// Without `recursive`, folders are not entered.
///
/// # Errors
/// `NotFound` when nothing is there; `Damaged` when the way there cannot be read; `Unsupported`,
/// `Interrupted`, those of `each`.
pub fn list(
    reader: &ChunkReader,
    place: &Place<'_>,
    recursive: bool,
    each: &mut dyn FnMut(&[u8], &Node) -> Result<()>,
    progress: &dyn Progress,
) -> Result<ListOutcome> {
    let mut outcome = ListOutcome::default();
    let mut take = |step: Visit<'_>| {
        match step {
            Visit::Entry(path, node) => {
                outcome.entries += 1;
                each(path, node)?;
            }
            Visit::Leave => {}
            Visit::Unreadable => outcome.unreadable += 1,
        }
        Ok(if recursive { Descend::Enter } else { Descend::Skip })
    };
    visit(reader, place, &mut take, progress)?;
    Ok(outcome)
}
