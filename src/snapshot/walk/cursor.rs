//! The base beside the walk: the entries of the same folder, read as the walk comes to them.

use crate::error::Error;
use crate::manifest::{Node, TreeRef};
use crate::repository::ChunkReader;
use crate::trees::NodeStream;

/// The entries of the same folder in the base, read beside it.
pub(super) struct BaseCursor<'w> {
    stream: Option<NodeStream<'w>>,
    next: Option<Node>,
    /// Why it can be read no further.
    pub(super) failure: Option<Error>,
}

impl<'w> BaseCursor<'w> {
    pub(super) fn new(reader: Option<&'w ChunkReader>, tree: Option<&TreeRef>) -> Self {
        let stream = reader.zip(tree).map(|(reader, tree)| NodeStream::new(reader, tree));
        let mut cursor = Self { stream, next: None, failure: None };
        cursor.advance();
        cursor
    }

    fn advance(&mut self) {
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

    /// The base's entry of this name, and whether entries before it are not there any more.
    pub(super) fn take(&mut self, name: &[u8]) -> (Option<Node>, bool) {
        let mut has_gap = false;
        while self.next.as_ref().is_some_and(|node| node.name.as_slice() < name) {
            has_gap = true;
            self.advance();
        }
        if self.next.as_ref().is_some_and(|node| node.name == name) {
            let node = self.next.take();
            self.advance();
            return (node, has_gap);
        }
        (None, has_gap)
    }

    pub(super) fn has_more(&mut self) -> bool {
        self.next.is_some()
    }
}
