//! Files that were saved as they lie and are databases that somebody has open: such a copy is torn, and nobody notices
//! before it is needed.

use std::collections::HashSet;
use std::path::PathBuf;

use super::book::Book;
use crate::browse;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{ChangeKind, Content, DATABASES_FOLDER, Manifest, Node, StepKind};
use crate::platform::{names, open_elsewhere};
use crate::progress::Progress;
use crate::repository::ChunkReader;
use crate::trees::{Piece, visit_content};

/// What pieces of a database are long: its files are cut by this, and those of no other class.
const PIECE_BYTES: u64 = 16 << 10;
/// So many are named.
const NAMED_MAX: usize = 20;
/// What lies beside a database of SQLite that is open.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Writes down each file that the snapshot has as new or changed, that is a database by its content, and that is open now.
pub(super) fn tell_open_databases(reader: &ChunkReader, manifest: &Manifest, book: &mut Book, progress: &dyn Progress) {
    let found = find(reader, manifest, progress);
    for path in found.unwrap_or_default() {
        let mut step = book.begin(StepKind::Guard, &path.display().to_string());
        step.message = "it is a database that is open, and was saved as it lies; give it a profile (`[[job.NAME.database]]`)".to_owned();
        step.figures.push((OPEN_DATABASE.to_owned(), 1));
        book.end(step);
    }
}

/// The figure by which such a step is known.
pub(super) const OPEN_DATABASE: &str = "open-database";

fn find(reader: &ChunkReader, manifest: &Manifest, progress: &dyn Progress) -> Result<Vec<PathBuf>> {
    let mut candidates = HashSet::new();
    let mut each = |change: &crate::manifest::Change| {
        let is_there = matches!(change.kind, ChangeKind::Added | ChangeKind::Modified);
        if is_there && change.new.as_ref().is_some_and(|node| is_database(reader, node)) && !change.path.starts_with(DATABASES_FOLDER) {
            candidates.insert(names::to_path(&change.path).to_path_buf());
        }
        Ok(())
    };
    browse::changes(reader, manifest, &mut each, progress)?;
    if candidates.is_empty() {
        return Ok(Vec::new());
    }
    let open = open_elsewhere(&candidates);
    let has_company = |path: &PathBuf| {
        BESIDE.iter().any(|end| {
            let mut beside = path.clone().into_os_string();
            beside.push(end);
            std::fs::symlink_metadata(beside).is_ok()
        })
    };
    let mut found: Vec<PathBuf> = candidates.into_iter().filter(|path| open.contains(path) || has_company(path)).collect();
    found.sort();
    found.truncate(NAMED_MAX);
    Ok(found)
}

/// Whether a file was cut as databases are, which its content alone decides: its first two pieces are of one length. Of a
/// long file one page of its list is read.
fn is_database(reader: &ChunkReader, node: &Node) -> bool {
    let Content::File(bytes, list) = &node.content else { return false };
    if *bytes < 2 * PIECE_BYTES {
        return false;
    }
    let mut first = Vec::new();
    let mut take = |piece: Piece| {
        first.push(matches!(piece, Piece::Chunk { bytes: PIECE_BYTES, .. }));
        // Two are enough.
        if first.len() < 2 { Ok(()) } else { Err(Error::new(ErrorKind::Interrupted, "enough")) }
    };
    let _ = visit_content(reader, list, &mut take);
    first == [true, true]
}
