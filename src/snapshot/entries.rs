//! The entries of one folder on their way into its tree.
//!
//! A tree is written in the order of names. Those of most folders are kept until the last is there, because
//! an entry that was renamed while the run went on comes late. The nodes of very large folders are not
//! kept; what comes late there is not put in its place.

use crate::error::Result;
use crate::manifest::{Node, PageStore, TreeRef, TreeWriter};

/// Takes the nodes of a folder.
pub(super) struct Entries {
    is_held: bool,
    held: Vec<Node>,
    writer: TreeWriter,
}

impl Entries {
    /// None yet; those that are `held` may come in any order.
    pub(super) fn new(is_held: bool) -> Self {
        Self { is_held, held: Vec::new(), writer: TreeWriter::default() }
    }

    /// Adds a node. Of two with one name the later one stays.
    ///
    /// # Errors
    /// Those of the store.
    pub(super) fn push(&mut self, node: Node, pages: &mut dyn PageStore) -> Result<()> {
        if self.is_held {
            self.held.push(node);
            return Ok(());
        }
        self.writer.push(node, pages)
    }

    /// Writes the tree.
    ///
    /// # Errors
    /// Those of the store.
    pub(super) fn finish(mut self, pages: &mut dyn PageStore) -> Result<TreeRef> {
        if !self.held.is_sorted_by(|a, b| a.name < b.name) {
            // The last comes first among those of one name, and stays.
            self.held.reverse();
            self.held.sort_by(|a, b| a.name.cmp(&b.name));
            self.held.dedup_by(|later, first| later.name == first.name);
        }
        for node in self.held {
            self.writer.push(node, pages)?;
        }
        self.writer.finish(pages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Result;
    use crate::id::ChunkId;
    use crate::manifest::{Content, Metadata};
    use crate::wire::Extensions;

    /// Keeps the last page.
    #[derive(Default)]
    struct Pages(Vec<u8>);

    impl PageStore for Pages {
        fn hash_name(&self, _: &[u8]) -> u32 {
            1
        }

        fn store_page(&mut self, encoded: &[u8]) -> Result<ChunkId> {
            self.0 = encoded.to_vec();
            Ok(ChunkId(*blake3::hash(encoded).as_bytes()))
        }
    }

    fn node(name: &str, mode: u32) -> Node {
        let metadata = Metadata { mode, ..Metadata::default() };
        Node { name: name.into(), metadata, content: Content::Fifo, flags: 0, extensions: Extensions::none() }
    }

    fn tree(nodes: &[(&str, u32)]) -> (TreeRef, Vec<u8>) {
        let (mut entries, mut pages) = (Entries::new(true), Pages::default());
        nodes.iter().for_each(|(name, mode)| entries.push(node(name, *mode), &mut pages).unwrap());
        (entries.finish(&mut pages).unwrap(), pages.0)
    }

    #[test]
    fn late_nodes_stand_where_they_belong_and_of_two_with_one_name_the_later_one_stays() {
        let expected = tree(&[("a", 1), ("b", 2), ("c", 3), ("d", 4)]);
        assert_eq!(tree(&[("b", 7), ("d", 4), ("a", 1), ("b", 8), ("c", 3), ("b", 2)]), expected);
        assert_eq!(expected.0.entries, 4);
    }
}
