//! A snapshot as one tree from `/` down: the folders above the sources, the sources, and everything
//! below them.

use super::ahead::{Ahead, Key, key_below};
use super::nodes::NodeStream;
use super::pages::PagePlace;
use crate::error::Result;
use crate::manifest::{Content, Manifest, Node, RootEntry};
use crate::repository::ChunkReader;

/// One step of a walk.
// A step is looked at and dropped; boxing every node would cost more than the space.
#[allow(clippy::large_enum_variant)]
pub enum Step {
    /// An entry; its path is [`Walk::path`]. The entries of a folder follow, unless
    /// [`Walk::skip_entries`] is called before the next step.
    Entry(Node),
    /// The entries of the folder at [`Walk::path`] are done.
    Leave,
}

/// A snapshot as a tree.
pub struct SnapshotView<'r> {
    reader: &'r ChunkReader,
    entries: &'r [RootEntry],
    ahead: Option<&'r Ahead<'r>>,
}

impl<'r> SnapshotView<'r> {
    /// The tree of `manifest`.
    pub fn new(reader: &'r ChunkReader, manifest: &'r Manifest) -> Self {
        Self { reader, entries: &manifest.entries, ahead: None }
    }

    #[cfg(test)]
    pub(super) fn of_entries(reader: &'r ChunkReader, entries: &'r [RootEntry]) -> Self {
        Self { reader, entries, ahead: None }
    }

    /// The same, with walks whose pages are read `ahead`; one at a time.
    #[must_use]
    pub fn with_ahead(self, ahead: Option<&'r Ahead<'r>>) -> Self {
        Self { ahead, ..self }
    }

    fn begin(&self, path: Vec<u8>) -> Walk<'r> {
        Walk { reader: self.reader, entries: self.entries, ahead: self.ahead, path, levels: Vec::new(), descend: None }
    }

    /// The entry at the absolute `path`; `None` when the snapshot has none. `/` itself is there only
    /// when it is a source.
    ///
    /// # Errors
    /// `NotFound`, `Damaged` when a tree on the way cannot be read.
    pub fn lookup(&self, path: &[u8]) -> Result<Option<Node>> {
        // The longest top-level entry at or above the path leads to it: sources do not lie within
        // each other.
        let above = |entry: &&RootEntry| {
            entry.path == path || entry.path == b"/" || (path.starts_with(&entry.path) && path.get(entry.path.len()) == Some(&b'/'))
        };
        let Some(entry) = self.entries.iter().filter(above).max_by_key(|entry| entry.path.len()) else { return Ok(None) };
        let rest = path.get(entry.path.len()..).unwrap_or_default();
        let mut node = entry.node.clone();
        for name in rest.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
            let Content::Directory(tree) = &node.content else { return Ok(None) };
            match NodeStream::find(self.reader, tree, name)? {
                Some(found) => node = found,
                None => return Ok(None),
            }
        }
        Ok(Some(node))
    }

    /// Walks the whole snapshot, folders before their entries, names in order.
    pub fn walk(&self) -> Walk<'r> {
        let mut walk = self.begin(Vec::new());
        match self.entries.first() {
            Some(entry) if entry.path == b"/" => walk.enter_roots(vec![entry], Key::new()),
            _ => walk.enter(&Content::Ancestor, Key::new()),
        }
        walk
    }

    /// Walks what lies below the folder `node` at `path`, without the folder itself.
    pub fn walk_below(&self, path: &[u8], node: &Node) -> Walk<'r> {
        let path = if path == b"/" { Vec::new() } else { path.to_vec() };
        let mut walk = self.begin(path);
        walk.enter(&node.content, Key::new());
        // The folder itself is not a step, so neither is leaving it.
        walk
    }
}

enum Source<'r> {
    Roots(std::iter::Enumerate<std::vec::IntoIter<&'r RootEntry>>),
    Nodes(NodeStream<'r>),
}

struct Level<'r> {
    source: Source<'r>,
    path_bytes: usize,
    /// Where the walk came to it, for who reads ahead; else empty.
    key: Key,
}

/// A walk through a snapshot; holds one page for each level.
pub struct Walk<'r> {
    reader: &'r ChunkReader,
    entries: &'r [RootEntry],
    ahead: Option<&'r Ahead<'r>>,
    path: Vec<u8>,
    levels: Vec<Level<'r>>,
    /// The folder that is entered next, and where the walk comes to it.
    descend: Option<(Content, Key)>,
}

impl<'r> Walk<'r> {
    /// The absolute path of the last step.
    pub fn path(&self) -> &[u8] {
        if self.path.is_empty() { b"/" } else { &self.path }
    }

    /// Leaves out the entries of the folder that the last step gave; no [`Step::Leave`] follows.
    pub fn skip_entries(&mut self) {
        self.descend = None;
    }

    /// The next step, `None` at the end.
    ///
    /// # Errors
    /// `NotFound`, `Damaged` when a page cannot be read; asking again goes on behind it.
    /// [`Walk::path`] is then the folder that the page belongs to.
    pub fn next_step(&mut self) -> Result<Option<Step>> {
        if let Some((content, key)) = self.descend.take() {
            self.enter(&content, key);
        } else if let Some(level) = self.levels.last() {
            self.path.truncate(level.path_bytes);
        }
        let Some(level) = self.levels.last_mut() else { return Ok(None) };
        self.path.truncate(level.path_bytes);
        let (node, number) = match &mut level.source {
            Source::Nodes(nodes) => (nodes.next_node()?, 0),
            Source::Roots(roots) => roots.next().map_or((None, 0), |(number, entry)| (Some(entry.node.clone()), number)),
        };
        let Some(node) = node else {
            self.levels.pop();
            // Leaving the level where the walk began is its end.
            return Ok(if self.levels.is_empty() { None } else { Some(Step::Leave) });
        };
        if node.name != b"/" {
            self.path.push(b'/');
            self.path.extend_from_slice(&node.name);
        }
        if node.is_directory() {
            let key = match &level.source {
                _ if self.ahead.is_none() => Key::new(),
                Source::Nodes(nodes) => nodes.key_of_last(),
                Source::Roots(_) => key_below(&level.key, number),
            };
            self.descend = Some((node.content.clone(), key));
        }
        Ok(Some(Step::Entry(node)))
    }

    fn enter(&mut self, content: &Content, key: Key) {
        let nodes = match (content, self.ahead) {
            (Content::Directory(tree), Some(ahead)) => NodeStream::ahead(self.reader, tree, ahead, key),
            (Content::Directory(tree), None) => NodeStream::new(self.reader, tree),
            _ => return self.enter_roots(roots_below(self.entries, &self.path).collect(), key),
        };
        self.levels.push(Level { source: Source::Nodes(nodes), path_bytes: self.path.len(), key: Key::new() });
    }

    fn enter_roots(&mut self, roots: Vec<&'r RootEntry>, key: Key) {
        if let Some(ahead) = self.ahead {
            for (number, entry) in roots.iter().enumerate() {
                if let Content::Directory(tree) = &entry.node.content {
                    ahead.expect(key_below(&key, number), PagePlace::root(tree));
                }
            }
        }
        self.levels.push(Level { source: Source::Roots(roots.into_iter().enumerate()), path_bytes: self.path.len(), key });
    }
}

/// The top-level entries directly below `folder`, which has no slash at its end.
pub fn roots_below<'m>(entries: &'m [RootEntry], folder: &[u8]) -> impl Iterator<Item = &'m RootEntry> {
    entries.iter().filter(move |entry| {
        let rest = entry.path.strip_prefix(folder).and_then(|rest| rest.strip_prefix(b"/"));
        rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(&b'/'))
    })
}
