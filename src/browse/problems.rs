//! What a run could not save as it was: from the list in the manifest, and where an early version made none,
//! from the marks in the trees.

use super::place::Place;
use super::visit::{Descend, Visit, visit};
use crate::error::Result;
use crate::manifest::{Manifest, NODE_CHANGED_WHILE_READ, NODE_INCOMPLETE, Problem, ProblemKind, Problems};
use crate::progress::Progress;
use crate::repository::ChunkReader;

/// What a list of problems says of a file that has the mark.
const CHANGED: &str = "it changed while it was read; what was read is saved and marked";
/// What it says of a folder that has the mark.
const INCOMPLETE: &str = "some of its entries could not be read, or came while it was read, and are not in the snapshot";

/// The problems of the run that made the snapshot `manifest`, sorted by path.
///
/// # Errors
/// `Damaged` when the list cannot be understood; those of reading the trees where there is none.
pub fn problems(reader: &ChunkReader, manifest: &Manifest, progress: &dyn Progress) -> Result<Problems> {
    if let Some(told) = manifest.problems()? {
        return Ok(told);
    }
    let mut found = Problems::default();
    if manifest.counts.problems > 0 {
        let mut take = |step: Visit<'_>| {
            if let Visit::Entry(path, node) = step {
                if node.flags & NODE_CHANGED_WHILE_READ != 0 {
                    found.add(Problem::new(ProblemKind::Changed, path.to_vec(), CHANGED.to_owned()));
                }
                if node.flags & NODE_INCOMPLETE != 0 {
                    found.add(Problem::new(ProblemKind::Unreadable, path.to_vec(), INCOMPLETE.to_owned()));
                }
            }
            Ok(Descend::Enter)
        };
        visit(reader, &Place::whole(manifest), &mut take, progress)?;
    }
    Ok(found)
}
