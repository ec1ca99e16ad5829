//! Takes the results of the walk in order and builds trees from the bottom up.
//!
//! A folder whose entries are all as in the base keeps its tree: nothing is encoded or hashed for it.
//! At the first difference the entries before it are taken from the base again.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::batch::Saved;
use super::checkpoint::Checkpoints;
use super::entries::Entries;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Content, NODE_INCOMPLETE, Node, NotEntered, RootEntry, TreeRef, TreeWriter, Unseen};
use crate::repository::{ChunkReader, Sink, SinkPages};
use crate::trees::NodeStream;

/// A node names what was left out in its folder while the names have at most so many bytes; every listing reads them.
const UNSEEN_BYTES_MAX: usize = 64 << 10;
/// While the builder waits for one large file it looks so often whether a checkpoint is due.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What the walk says, in the order of the walk.
pub(super) enum Event {
    /// The next source begins.
    Source(Vec<u8>),
    /// A folder begins; `node` has no content yet. Entries of one that `is_held` may come in any order.
    Enter { node: Box<Node>, base: Option<Box<Node>>, is_held: bool },
    /// So many entries of a folder in which nothing differed before them are as in the base, which
    /// still has them: they need not be told one by one.
    StillSame(u64),
    /// An entry that is as in the base.
    Same(Box<Node>),
    /// An entry that was looked at; not a folder.
    Entry { node: Box<Node>, base: Option<Box<Node>> },
    /// Entries of the base are not there any more.
    Gap,
    /// Files that a worker saves; the results come through here.
    Batch(Receiver<Result<Vec<Saved>>>),
    /// The folder is done; `is_incomplete` when part of it could not be read. The entries `unseen` were
    /// not looked at.
    Leave { is_incomplete: bool, unseen: Vec<Vec<u8>> },
}

/// Several events, in order.
pub(super) type Events = Vec<Event>;

/// A folder that is being built.
struct Building {
    node: Node,
    base: Option<Node>,
    base_tree: Option<TreeRef>,
    /// So many entries of the base, from the first one on, are unchanged.
    same: u64,
    /// From the first difference on, all entries.
    entries: Option<Entries>,
    is_held: bool,
}

/// Builds trees for one run.
pub(super) struct Builder<'b, 's> {
    base: Option<&'b ChunkReader>,
    checkpoints: Checkpoints<'s>,
    pages: SinkPages<'s>,
    levels: Vec<Building>,
    source: Vec<u8>,
    roots: Vec<RootEntry>,
}

impl<'b, 's> Builder<'b, 's> {
    pub(super) fn new(sink: &'s Sink, identify: &'s crate::crypto::Identify, base: Option<&'b ChunkReader>) -> Self {
        let pages = SinkPages { sink, identify };
        Self { base, checkpoints: Checkpoints::new(sink), pages, levels: Vec::new(), source: Vec::new(), roots: Vec::new() }
    }

    /// Works until the walk ends and returns the sources as they were found.
    ///
    /// # Errors
    /// Those of the repository.
    pub(super) fn run(mut self, events: &Receiver<Events>) -> Result<Vec<RootEntry>> {
        for event in events.iter().flatten() {
            self.take(event)?;
            self.checkpoints.pass()?;
        }
        Ok(self.roots)
    }

    fn take(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Source(path) => self.source = path,
            Event::Enter { node, base, is_held } => {
                let base_tree = base.as_deref().and_then(|base| match &base.content {
                    Content::Directory(tree) => Some(*tree),
                    _ => None,
                });
                self.levels.push(Building { node: *node, base: base.map(|base| *base), base_tree, same: 0, entries: None, is_held });
            }
            Event::StillSame(entries) => {
                if let Some(level) = self.levels.last_mut() {
                    debug_assert!(level.entries.is_none() && level.base_tree.is_some());
                    level.same += entries;
                }
            }
            Event::Same(node) => self.push_same(*node)?,
            Event::Entry { node, base } => self.push(*node, base.as_deref())?,
            Event::Gap => self.differ()?,
            Event::Batch(results) => {
                for saved in self.wait_for(&results)? {
                    self.take_saved(saved)?;
                }
            }
            Event::Leave { is_incomplete, unseen } => self.leave(is_incomplete, unseen)?,
        }
        Ok(())
    }

    fn wait_for(&mut self, results: &Receiver<Result<Vec<Saved>>>) -> Result<Vec<Saved>> {
        loop {
            match results.recv_timeout(LOOK_EVERY) {
                Ok(saved) => return saved,
                // One file of a terabyte is millions of chunks, which must not wait for its end.
                Err(RecvTimeoutError::Timeout) => self.checkpoints.pass()?,
                Err(RecvTimeoutError::Disconnected) => return Err(Error::new(ErrorKind::Other, "a worker ended early")),
            }
        }
    }

    fn take_saved(&mut self, saved: Saved) -> Result<()> {
        if let Some(level) = self.levels.last_mut().filter(|_| saved.is_lost) {
            level.node.flags |= NODE_INCOMPLETE;
        }
        match saved.node {
            Some(node) => self.push(node, saved.base.as_ref()),
            None if saved.base.is_some() => self.differ(),
            None => Ok(()),
        }
    }

    fn push(&mut self, node: Node, base: Option<&Node>) -> Result<()> {
        if base == Some(&node) {
            return self.push_same(node);
        }
        self.differ()?;
        self.push_new(node)
    }

    fn push_same(&mut self, node: Node) -> Result<()> {
        match self.levels.last_mut() {
            Some(level) if level.entries.is_none() && level.base_tree.is_some() => {
                level.same += 1;
                Ok(())
            }
            _ => self.push_new(node),
        }
    }

    fn push_new(&mut self, node: Node) -> Result<()> {
        match self.levels.last_mut() {
            None => {
                self.roots.push(RootEntry { path: std::mem::take(&mut self.source), node });
                Ok(())
            }
            Some(level) => level.entries.get_or_insert_with(|| Entries::new(level.is_held)).push(node, &mut self.pages),
        }
    }

    /// From here on the folder differs from the base: takes what was the same so far from there.
    fn differ(&mut self) -> Result<()> {
        let Some(level) = self.levels.last_mut().filter(|level| level.entries.is_none()) else { return Ok(()) };
        let mut entries = Entries::new(level.is_held);
        if let (Some(reader), Some(tree)) = (self.base, &level.base_tree) {
            let mut nodes = NodeStream::new(reader, tree);
            for _ in 0..level.same {
                let node = nodes.next_node()?.ok_or_else(|| Error::damaged("the tree of the base", "it ends early"))?;
                entries.push(node, &mut self.pages)?;
            }
        }
        level.entries = Some(entries);
        Ok(())
    }

    fn leave(&mut self, is_incomplete: bool, unseen: Vec<Vec<u8>>) -> Result<()> {
        // The page of an empty folder was not read: it is made again, and stored where it is missing.
        let keeps_tree = |level: &Building| {
            level.entries.is_none() && level.base_tree.is_some_and(|tree| tree.entries == level.same && tree.entries > 0)
        };
        if !self.levels.last().is_some_and(keeps_tree) {
            self.differ()?;
        }
        let Some(mut level) = self.levels.pop() else { return Ok(()) };
        if is_incomplete {
            level.node.flags |= NODE_INCOMPLETE;
        }
        if !unseen.is_empty() {
            let is_long = unseen.iter().map(Vec::len).sum::<usize>() > UNSEEN_BYTES_MAX;
            let names = || Unseen::Names(unseen.into_iter().map(Into::into).collect());
            level.node.set_unseen(&if is_long { Unseen::Everything(NotEntered::TooMany) } else { names() });
        }
        let tree = match (level.entries.take(), level.base_tree) {
            (Some(entries), _) => entries.finish(&mut self.pages)?,
            (None, Some(tree)) => tree,
            (None, None) => TreeWriter::default().finish(&mut self.pages)?,
        };
        level.node.content = Content::Directory(tree);
        self.push(level.node, level.base.as_ref())
    }
}
