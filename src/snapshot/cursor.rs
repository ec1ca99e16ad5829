//! The entries of one folder of the base, read beside the same folder of the source.
//!
//! There are two of these for a folder at most. The walk has one, by which it finds what must be read. The builder
//! has its own, which it opens only in a folder in which something was looked at: of all others it needs to know no
//! more than the numbers of the entries that stay.

use crate::error::{Error, Result};
use crate::manifest::{Node, TreeRef};
use crate::repository::ChunkReader;
use crate::trees::{Ahead, NodeStream};

/// An entry of a folder of the base.
pub(super) struct InBase {
    /// Its number: so many entries of the folder have smaller names.
    pub number: u64,
    pub node: Node,
}

/// Reads the entries of one folder of the base, in order of their names. It reads no page before it must: the walk
/// goes into a folder before it comes to what follows that folder.
pub(super) struct BaseCursor<'r> {
    stream: Option<NodeStream<'r>>,
    next: Option<Node>,
    /// So many entries are passed.
    passed: u64,
    /// Why it can be read no further.
    pub failure: Option<Error>,
}

impl<'r> BaseCursor<'r> {
    fn of(stream: Option<NodeStream<'r>>) -> Self {
        Self { stream, next: None, passed: 0, failure: None }
    }

    /// A folder that has no base.
    pub(super) fn none() -> Self {
        Self::of(None)
    }

    /// The folder `tree`.
    pub(super) fn new(reader: &'r ChunkReader, tree: &TreeRef) -> Self {
        Self::of(Some(NodeStream::new(reader, tree)))
    }

    /// The folder `tree`, which is the source of this number, for a walk whose pages are read `ahead`.
    pub(super) fn of_source(reader: &'r ChunkReader, tree: &TreeRef, ahead: Option<&'r Ahead<'r>>, number: usize) -> Self {
        Self::of(Some(NodeStream::of_root(reader, tree, ahead, number)))
    }

    /// The folder `tree`, which is the entry that was taken last.
    pub(super) fn below(&self, tree: &TreeRef) -> Self {
        Self::of(self.stream.as_ref().map(|stream| stream.below_last(tree)))
    }

    /// So many entries are passed.
    pub(super) fn passed(&self) -> u64 {
        self.passed
    }

    fn peek(&mut self) -> Option<&Node> {
        if self.next.is_none() {
            self.next = match self.stream.as_mut().map(NodeStream::next_node) {
                Some(Ok(node)) => node,
                Some(Err(error)) => {
                    self.failure = Some(error);
                    self.stream = None;
                    None
                }
                None => None,
            };
        }
        self.next.as_ref()
    }

    fn pass(&mut self) -> Option<Node> {
        self.peek()?;
        self.passed += 1;
        self.next.take()
    }

    /// The entry of this name; passes all before it.
    pub(super) fn take(&mut self, name: &[u8]) -> Option<InBase> {
        while self.peek().is_some_and(|node| node.name.as_slice() < name) {
            self.pass();
        }
        if self.peek().is_some_and(|node| node.name == name) {
            let number = self.passed;
            return self.pass().map(|node| InBase { number, node });
        }
        None
    }

    /// Passes entries until `number` are passed, and gives them to `each`.
    ///
    /// # Errors
    /// Those of `each`; those of the repository; `Damaged` when there are not so many.
    pub(super) fn pass_to(&mut self, number: u64, each: &mut dyn FnMut(Node) -> Result<()>) -> Result<()> {
        while self.passed < number {
            match self.pass() {
                Some(node) => each(node)?,
                None => return Err(self.failure.take().unwrap_or_else(|| Error::damaged("the tree of the base", "it ends early"))),
            }
        }
        Ok(())
    }
}
