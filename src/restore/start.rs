//! Where in the snapshot a restore begins.

use super::folders::split_last;
use super::request::{Request, What};
use super::task::Task;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Manifest, Node};
use crate::progress::{FindingKind, Topic};
use crate::repository::ChunkReader;
use crate::trees::SnapshotView;
use crate::units::PathText;

/// What one walk begins with: the same for every walk of a restore.
pub(super) struct Start {
    /// Its absolute path in the snapshot; empty for everything.
    pub path: Vec<u8>,
    pub node: Option<Node>,
    /// The folders above it, where it is restored in its place.
    pub above: Option<Vec<Node>>,
    pub root: usize,
}

impl Start {
    /// The folder of the snapshot that comes into the destination itself; empty for everything.
    pub fn origin(&self) -> &[u8] {
        match &self.node {
            _ if self.above.is_some() => b"",
            Some(node) if !node.is_directory() => split_last(&self.path).0,
            _ => &self.path,
        }
    }

    /// Says so when the filters leave out all that is asked for: nothing is made or touched then.
    pub fn is_left_out(&self, task: &Task<'_>) -> bool {
        let is_directory = self.node.as_ref().is_none_or(Node::is_directory);
        // The patterns may mean what was asked for by its path, or a folder above it.
        for end in (1..=self.path.len()).filter(|end| matches!(self.path.get(*end), None | Some(b'/'))) {
            task.matched.look_at(task.request.include.as_ref(), &self.path[..end], is_directory || end < self.path.len());
        }
        let Some(reason) = task.selection.leaves_out(&self.path, is_directory) else { return false };
        let message = format!("nothing is restored of {}: {reason}", PathText(&self.path));
        task.report_whole(FindingKind::Note(Topic::LeftOut), message);
        true
    }

    /// Finds what is asked for.
    ///
    /// # Errors
    /// `NotFound` when the snapshot does not have it; `Damaged` when a tree on the way cannot be read.
    pub fn find(reader: &ChunkReader, manifest: &Manifest, request: &Request<'_>) -> Result<Self> {
        let mut path = Vec::new();
        if let What::Path(asked) | What::InPlace(asked) = &request.what {
            for name in asked.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
                path.push(b'/');
                path.extend_from_slice(name);
            }
        }
        if path.is_empty() {
            // A snapshot of `/` itself: its metadata is the destination's.
            let node = manifest.entries.first().filter(|entry| entry.path == b"/").map(|entry| entry.node.clone());
            return Ok(Self { path, node, above: None, root: 0 });
        }
        let view = SnapshotView::new(reader, manifest);
        let find = |path: &[u8]| {
            let missing = || Error::new(ErrorKind::NotFound, format!("the snapshot has no {}", PathText(path)));
            view.lookup(path)?.ok_or_else(missing)
        };
        let mut node = find(&path)?;
        let is_in_place = matches!(request.what, What::InPlace(_));
        let above = if is_in_place { Some(ends_above(&path).map(|end| find(&path[..end])).collect::<Result<_>>()?) } else { None };
        if let Some(name) = request.name.as_ref().filter(|_| !is_in_place && !node.is_directory()) {
            node.name.clone_from(name);
        }
        let root = manifest.root_of(&path);
        Ok(Self { path, node: Some(node), above, root })
    }
}

/// Where the folders above `path` end in it, from the top.
pub(super) fn ends_above(path: &[u8]) -> impl Iterator<Item = usize> {
    (1..path.len()).filter(|at| path[*at] == b'/')
}
