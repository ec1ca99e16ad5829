//! Takes the results of the walk in order and builds trees from the bottom up.
//!
//! The walk says which entries it came to, and for those that it need not read their numbers in the base. What is the
//! same, what is gone and what became of the rest is found here, where all entries of a folder come together in the
//! order of their names, also those that workers have read.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::batch::Saved;
use super::building::Building;
use super::checkpoint::Checkpoints;
use super::cursor::InBase;
use super::deeds::Deeds;
use crate::crypto::Identify;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Content, Manifest, NODE_INCOMPLETE, Node, NotEntered, RootEntry, Unseen};
use crate::repository::{ChunkReader, Sink, SinkPages};

/// A node names what was left out in its folder while the names have at most so many bytes; every listing reads them.
const UNSEEN_BYTES_MAX: usize = 64 << 10;
/// While the builder waits for one large file it looks so often whether a checkpoint is due.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What the walk says, in the order of the walk.
pub(super) enum Event {
    /// The next source begins.
    Source(Vec<u8>),
    /// A folder begins; `node` has no content yet. Entries of one that `is_held` may come in any order.
    Enter { node: Box<Node>, base: Option<Box<InBase>>, is_held: bool },
    /// The entries of the base from one number to before another are taken over: they need not be looked at.
    Kept { begin: u64, end: u64 },
    /// An entry that was looked at; not a folder.
    Entry(Box<Node>),
    /// Files that a worker saves; the results come through here.
    Batch(Receiver<Result<Saved>>),
    /// The folder is done; `is_incomplete` when part of it could not be read. The entries `unseen` were
    /// not looked at.
    Leave { is_incomplete: bool, unseen: Vec<Vec<u8>> },
}

/// Several events, in order.
pub(super) type Events = Vec<Event>;

/// Builds trees for one run.
pub(super) struct Builder<'b, 's> {
    base: Option<(&'b Manifest, &'b ChunkReader)>,
    deeds: Deeds<'b>,
    checkpoints: Checkpoints<'s>,
    pages: SinkPages<'s>,
    levels: Vec<Building<'b>>,
    source: Vec<u8>,
    roots: Vec<RootEntry>,
}

impl<'b, 's> Builder<'b, 's> {
    pub(super) fn new(sink: &'s Sink, identify: &'s Identify, base: Option<(&'b Manifest, &'b ChunkReader)>, deeds: Deeds<'b>) -> Self {
        let pages = SinkPages { sink, identify };
        Self { base, deeds, checkpoints: Checkpoints::new(sink), pages, levels: Vec::new(), source: Vec::new(), roots: Vec::new() }
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
                self.deeds.tell(base.as_deref(), &node, || self.path_of(&node));
                let reader = self.base.map(|(_, reader)| reader);
                self.levels.push(Building::new(*node, base, reader, is_held));
            }
            Event::Kept { begin, end } => match self.levels.last_mut() {
                Some(level) => level.keep(begin..end, &mut self.pages)?,
                None => {
                    let kept = root_of_base(self.base, &self.source).map(|root| root.node.clone());
                    self.push(kept.ok_or_else(|| Error::damaged("the base", "it has no such source"))?, None)?;
                }
            },
            Event::Entry(node) => {
                let base = self.find(&node)?;
                self.deeds.tell(base.as_ref(), &node, || self.path_of(&node));
                self.push(*node, base.as_ref())?;
            }
            Event::Batch(results) => {
                let saved = self.wait_for(&results)?;
                self.take_saved(saved)?;
            }
            Event::Leave { is_incomplete, unseen } => self.leave(is_incomplete, unseen)?,
        }
        Ok(())
    }

    fn wait_for(&mut self, results: &Receiver<Result<Saved>>) -> Result<Saved> {
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
        for node in saved.files {
            let base = self.find(&node)?;
            self.take_file(node, base)?;
        }
        // They stand anywhere among the others, which may not have come yet: they are not searched in the base.
        saved.late.into_iter().try_for_each(|node| self.take_file(node, None))
    }

    fn take_file(&mut self, node: Node, base: Option<InBase>) -> Result<()> {
        self.deeds.count_file(base.as_ref(), &node);
        self.deeds.tell(base.as_ref(), &node, || self.path_of(&node));
        self.push(node, base.as_ref())
    }

    /// What the base has under the name and in the place of `node`.
    fn find(&mut self, node: &Node) -> Result<Option<InBase>> {
        match self.levels.last_mut() {
            Some(level) => level.find(&node.name),
            None => Ok(root_of_base(self.base, &self.source).map(|root| InBase { number: 0, node: root.node.clone() })),
        }
    }

    fn push(&mut self, node: Node, base: Option<&InBase>) -> Result<()> {
        match self.levels.last_mut() {
            None => {
                self.roots.push(RootEntry { path: std::mem::take(&mut self.source), node });
                Ok(())
            }
            Some(level) => level.push(node, base, &mut self.pages),
        }
    }

    /// The path of an entry of the folder that is built.
    fn path_of(&self, node: &Node) -> Vec<u8> {
        let mut path = self.source.clone();
        // The first level is the source itself.
        let names = self.levels.iter().skip(1).map(|level| &level.node.name).chain((!self.levels.is_empty()).then_some(&node.name));
        for name in names {
            if path != b"/" {
                path.push(b'/');
            }
            path.extend_from_slice(name);
        }
        path
    }

    fn leave(&mut self, is_incomplete: bool, unseen: Vec<Vec<u8>>) -> Result<()> {
        let Some(mut level) = self.levels.pop() else { return Ok(()) };
        let tree = level.finish(&mut self.pages)?;
        let Building { mut node, base, .. } = level;
        if is_incomplete {
            node.flags |= NODE_INCOMPLETE;
        }
        if !unseen.is_empty() {
            let is_long = unseen.iter().map(Vec::len).sum::<usize>() > UNSEEN_BYTES_MAX;
            let names = || Unseen::Names(unseen.into_iter().map(Into::into).collect());
            node.set_unseen(&if is_long { Unseen::Everything(NotEntered::TooMany) } else { names() });
        }
        node.content = Content::Directory(tree);
        self.push(node, base.as_deref())
    }
}

/// The source `path` in the base.
pub(super) fn root_of_base<'b>(base: Option<(&'b Manifest, &'b ChunkReader)>, path: &[u8]) -> Option<&'b RootEntry> {
    let entries = &base?.0.entries;
    entries.binary_search_by(|entry| entry.path.as_slice().cmp(path)).ok().map(|at| &entries[at])
}
