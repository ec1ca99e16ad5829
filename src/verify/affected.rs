//! What damage costs: the paths, and the snapshots that hold them.
//!
//! Only done when there is damage. Every snapshot is walked, but a folder that was found clean once
//! is clean in every snapshot that shares it.

use crate::cancel::check_cancelled;
use std::collections::{BTreeMap, HashSet};

use super::damage::Damage;
use super::outcome::{AFFECTED_MAX, Affected, Outcome};
use super::trees::is_lost;
use crate::error::Result;
use crate::id::{ChunkId, SnapshotId};
use crate::manifest::{Content, ContentList, Manifest};
use crate::progress::Progress;
use crate::repository::ChunkReader;
use crate::trees::{Piece, SnapshotView, Step, visit_content};

/// A folder on the way down.
struct Folder {
    /// Its tree; none for a folder above the sources.
    tree: Option<(ChunkId, u8, u64)>,
    is_clean: bool,
}

/// Gathers the paths that damage touches.
pub struct Gathering<'a> {
    reader: &'a ChunkReader,
    damage: &'a Damage,
    progress: &'a dyn Progress,
    clean: HashSet<(ChunkId, u8, u64)>,
    lost: HashSet<ChunkId>,
    paths: BTreeMap<Vec<u8>, (Vec<SnapshotId>, String)>,
    more: u64,
}

impl<'a> Gathering<'a> {
    /// A gathering that looks chunks up in the index of `reader`.
    pub fn new(reader: &'a ChunkReader, damage: &'a Damage, progress: &'a dyn Progress) -> Self {
        Self { reader, damage, progress, clean: HashSet::new(), lost: HashSet::new(), paths: BTreeMap::new(), more: 0 }
    }

    /// Looks at one snapshot.
    ///
    /// # Errors
    /// Those of the storage that are no damage; `Interrupted`.
    pub fn look_at(&mut self, id: &SnapshotId, manifest: &Manifest) -> Result<()> {
        let view = SnapshotView::new(self.reader, manifest);
        let mut walk = view.walk();
        let mut folders: Vec<Folder> = Vec::new();
        loop {
            check_cancelled(self.progress)?;
            let problem = match walk.next_step() {
                Ok(None) => return Ok(()),
                Ok(Some(Step::Leave)) => {
                    if let Some(left) = folders.pop() {
                        match (left.is_clean, folders.last_mut()) {
                            (true, _) => self.clean.extend(left.tree),
                            (false, Some(above)) => above.is_clean = false,
                            (false, None) => {}
                        }
                    }
                    None
                }
                Ok(Some(Step::Entry(node))) => match &node.content {
                    Content::Directory(tree) if self.clean.contains(&(tree.id, tree.depth, tree.entries)) => {
                        walk.skip_entries();
                        None
                    }
                    Content::Directory(tree) => {
                        folders.push(Folder { tree: Some((tree.id, tree.depth, tree.entries)), is_clean: true });
                        None
                    }
                    Content::Ancestor => {
                        folders.push(Folder { tree: None, is_clean: true });
                        None
                    }
                    Content::File(bytes, list) => self.problem_of_file(*bytes, list)?,
                    _ => None,
                },
                Err(error) if error.is_damage() => Some(format!("some of its entries cannot be read: {error}")),
                Err(error) => return Err(error),
            };
            if let Some(problem) = problem {
                if let Some(folder) = folders.last_mut() {
                    folder.is_clean = false;
                }
                self.add(walk.path(), id, problem);
            }
        }
    }

    fn problem_of_file(&mut self, file_bytes: u64, list: &ContentList) -> Result<Option<String>> {
        let (mut places, mut lost_bytes) = (Vec::new(), 0);
        let index = self.reader.index();
        let (damage, lost) = (self.damage, &mut self.lost);
        let read = visit_content(self.reader, list, &mut |piece: Piece| {
            if let Piece::Chunk { id, bytes, .. } = piece
                && is_lost(&index, damage, &id, bytes, &mut places)?
            {
                lost_bytes += bytes;
                lost.insert(id);
            }
            Ok(())
        });
        match read {
            Ok(()) if lost_bytes == 0 => Ok(None),
            Ok(()) => Ok(Some(format!("{lost_bytes} of {file_bytes} bytes are lost"))),
            Err(error) if error.is_damage() => Ok(Some(format!("where its content lies cannot be read: {error}"))),
            Err(error) => Err(error),
        }
    }

    fn add(&mut self, path: &[u8], id: &SnapshotId, problem: String) {
        if let Some((snapshots, _)) = self.paths.get_mut(path) {
            // Several pages of one folder may be damaged.
            if snapshots.last() != Some(id) {
                snapshots.push(*id);
            }
        } else if self.paths.len() < AFFECTED_MAX {
            self.paths.insert(path.to_vec(), (vec![*id], problem));
        } else {
            self.more += 1;
        }
    }

    /// What was gathered.
    pub fn finish(self, outcome: &mut Outcome) {
        outcome.lost_chunks = self.lost.len() as u64;
        outcome.affected_more = self.more;
        let affected = |(path, (mut snapshots, problem)): (Vec<u8>, (Vec<SnapshotId>, String))| {
            snapshots.sort_unstable();
            Affected { path, snapshots, problem }
        };
        outcome.affected = self.paths.into_iter().map(affected).collect();
    }
}
