//! A folder that is built in memory, entry by entry in any order, and written as trees at the end.
//!
//! What a database gives has some thousand files at most, and comes in the order in which its tool sends it.

use std::collections::BTreeMap;

use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Content, Node, PageStore, TreeWriter, check_name};
use crate::units::PathText;

/// A folder with what is in it, by name.
pub(super) struct Folder {
    node: Node,
    entries: BTreeMap<Vec<u8>, Inside>,
}

enum Inside {
    Folder(Folder),
    Other(Node),
}

impl Folder {
    /// An empty folder; what `node` says of its content is set by [`Folder::write`].
    pub(super) fn new(node: Node) -> Self {
        Self { node, entries: BTreeMap::new() }
    }

    /// Adds the entry at `path` below this folder. The folders on the way must be there.
    ///
    /// # Errors
    /// `Invalid` where the path leads nowhere, has a part that is no name, or is taken.
    pub(super) fn add(&mut self, path: &[u8], node: Node) -> Result<()> {
        let invalid = |why: &str| Err(Error::new(ErrorKind::Invalid, format!("a database gives a file {}, {why}", PathText(path))));
        let (above, name) = match path.iter().rposition(|byte| *byte == b'/') {
            Some(at) => (Some(&path[..at]), &path[at + 1..]),
            None => (None, path),
        };
        if check_name(name).is_err() {
            return invalid("which is no name");
        }
        let mut folder = self;
        for part in above.into_iter().flat_map(|above| above.split(|byte| *byte == b'/')) {
            match folder.entries.get_mut(part) {
                Some(Inside::Folder(below)) => folder = below,
                _ => return invalid("whose folder it did not give before"),
            }
        }
        if folder.entries.contains_key(name) {
            return invalid("twice");
        }
        let inside = if matches!(node.content, Content::Directory(_)) { Inside::Folder(Self::new(node)) } else { Inside::Other(node) };
        folder.entries.insert(name.to_vec(), inside);
        Ok(())
    }

    /// Writes the pages of the folder and of those below it, and returns its node.
    ///
    /// # Errors
    /// Those of the store.
    pub(super) fn write(mut self, pages: &mut dyn PageStore) -> Result<Node> {
        let mut writer = TreeWriter::default();
        for inside in std::mem::take(&mut self.entries).into_values() {
            let node = match inside {
                Inside::Folder(folder) => folder.write(pages)?,
                Inside::Other(node) => node,
            };
            writer.push(node, pages)?;
        }
        self.node.content = Content::Directory(writer.finish(pages)?);
        Ok(self.node)
    }
}
