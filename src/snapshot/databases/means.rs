//! What a run has for saving what does not come from its walk, and what it knows of the run before.

use std::collections::HashMap;

use crate::databases::{Entry, EntryKind, Held};
use crate::error::{Error, ErrorKind, Result};
use crate::id::ChunkId;
use crate::manifest::{Content, ContentList, Metadata, Node, TreeRef, check_name};
use crate::platform::process;
use crate::repository::SinkPages;
use crate::snapshot::checkpoint::Checkpoints;
use crate::snapshot::content::{ContentWriter, SaveError};
use crate::snapshot::surroundings::Surroundings;
use crate::snapshot::tally::add;
use crate::trees::{SnapshotView, Step};
use crate::units::Timestamp;
use crate::wire::Extensions;

/// What a run has for saving databases.
pub(in crate::snapshot) struct Means<'m, 's, 'x> {
    pub with: &'m Surroundings<'s, 'x>,
    pub pages: SinkPages<'m>,
    /// The start of the run.
    pub now: Timestamp,
}

impl Means<'_, '_, '_> {
    /// An empty folder of ours.
    pub(super) fn node(&self, name: &[u8], mode: u32, mtime: Timestamp) -> Node {
        let tree = TreeRef { id: ChunkId([0; 32]), depth: 0, entries: 0 };
        Node {
            name: name.to_vec(),
            metadata: self.metadata(mode, mtime),
            content: Content::Directory(tree),
            flags: 0,
            extensions: Extensions::none(),
        }
    }

    fn metadata(&self, mode: u32, mtime: Timestamp) -> Metadata {
        let (uid, gid) = (process::user(), process::group());
        let (user, group) = (self.with.owners.user(uid), self.with.owners.group(gid));
        Metadata { mode: mode & 0o7777, uid, gid, user, group, mtime, ctime: mtime, links: 1, ..Metadata::default() }
    }

    /// Saves one entry.
    pub(super) fn save(&self, held: &mut dyn Held, entry: &Entry) -> Result<Node> {
        let name = entry.path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        check_name(name)?;
        let mut node = self.node(name, entry.mode, entry.mtime);
        match &entry.kind {
            EntryKind::Folder => {}
            EntryKind::Link(target) => node.content = Content::Symlink(target.clone()),
            EntryKind::File(expected) => {
                let (bytes, list) = self.save_content(held, *expected).map_err(SaveError::into_error)?;
                if expected.is_some_and(|expected| expected != bytes) {
                    let message =
                        format!("file `{}` has {bytes} bytes, and should have another length", String::from_utf8_lossy(&entry.path));
                    return Err(Error::new(ErrorKind::Changed, message));
                }
                add(&self.with.tally.bytes_read, bytes);
                add(&self.with.tally.bytes_total, bytes);
                node.content = Content::File(bytes, list);
            }
        }
        Ok(node)
    }

    fn save_content(&self, held: &mut dyn Held, expected: Option<u64>) -> std::result::Result<(u64, ContentList), SaveError> {
        let mut content = ContentWriter::new(self.with.saver);
        let mut checkpoints = Checkpoints::new(self.with.saver.sink);
        // One byte more than expected, so that a file that is too long is noticed.
        let end = expected.map_or(u64::MAX, |bytes| bytes.saturating_add(1));
        self.with.saver.progress.add_total(1, expected.unwrap_or_default());
        self.with.saver.with_gatherer(|gatherer| {
            content.push_data(gatherer, 0, end, &mut |_, buffer| {
                checkpoints.pass()?;
                held.read(buffer)
            })
        })?;
        content.finish()
    }

    /// Counts a file by what the base has of it.
    pub(super) fn count(&self, before: Option<&Content>, node: &Node) {
        let counter = match before {
            None => &self.with.tally.files_new,
            Some(before) if *before == node.content => &self.with.tally.files_unchanged,
            Some(_) => &self.with.tally.files_changed,
        };
        add(counter, 1);
    }

    /// The regular files that the base has below `folder`, by their path there; none where it cannot be read.
    pub(super) fn base_nodes(&self, folder: &[u8]) -> HashMap<Vec<u8>, Node> {
        let mut nodes = HashMap::new();
        let Some((manifest, reader)) = self.with.base else { return nodes };
        let view = SnapshotView::new(reader, manifest);
        let Ok(Some(node)) = view.lookup(folder) else { return nodes };
        let mut walk = view.walk_below(folder, &node);
        while let Ok(Some(step)) = walk.next_step() {
            if let Step::Entry(node) = step
                && matches!(node.content, Content::File(..))
                && let Some(path) = walk.path().strip_prefix(folder).and_then(|path| path.strip_prefix(b"/"))
            {
                nodes.insert(path.to_vec(), node);
            }
        }
        nodes
    }

    /// The folder `node` as the base has it at `path`, where it holds the same.
    pub(super) fn as_before(&self, path: &[u8], node: Node) -> Node {
        let of_base = self.with.base.and_then(|(manifest, _)| manifest.entries.iter().find(|entry| entry.path == path));
        of_base.filter(|entry| entry.node.content == node.content).map_or(node, |entry| entry.node.clone())
    }
}
