//! What a run did not look at in a folder: unknown to the snapshot, which is something else than absent.
//!
//! It stands in an extension of the folder's node, so that who makes a folder again as it was leaves
//! alone what nobody saved. What the filters of the run left out is not told here: its patterns stand in
//! the manifest. Entries that could not be read are told by [`super::NODE_INCOMPLETE`].

use serde::{Deserialize, Serialize};

use super::node::{NODE_INCOMPLETE, Node};
use super::run::Manifest;
use crate::error::Result;
use crate::wire;

/// The extension of a folder's node.
const NODE_UNSEEN: u16 = 1;
/// The extension of a manifest whose folders have that of theirs wherever there is need of one. Older
/// manifests say nothing.
const MANIFEST_TELLS_UNSEEN: u16 = 16;

/// The extension of a manifest whose patterns led through links: for each what it meant with those followed.
const MANIFEST_FOLLOWED: u16 = 17;

/// What a run did not look at in a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unseen {
    /// The entries of these names, sorted.
    Names(Vec<serde_bytes::ByteBuf>),
    /// All entries, and why.
    Everything(NotEntered),
}

/// Why a run did not look into a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NotEntered {
    /// Another file system is mounted there, and the run was to stay in its own.
    OtherFileSystem,
    /// The folder says of itself that it is a cache.
    Cache,
    /// It shows the state of the system, not files.
    Pseudo,
    /// It is mounted within itself.
    Loop,
    /// A filter leaves it out, and only sources within it were saved.
    Excluded,
    /// It holds an entry that marks it as one to leave out, which alone is saved of it.
    Marked,
    /// More of its entries were left out by what they are than a node should name.
    TooMany,
}

impl Node {
    /// Says of a folder what of it was not looked at.
    pub fn set_unseen(&mut self, unseen: &Unseen) {
        self.extensions.set(NODE_UNSEEN, wire::encode(unseen));
    }

    /// Whether the run that saved this folder says that it did not look at the entry `name` in it.
    pub fn is_unseen(&self, name: &[u8]) -> bool {
        self.flags & NODE_INCOMPLETE != 0 || self.leaves_out(name)
    }

    /// Whether the run that saved this folder says that it was not to look at the entry `name` in it.
    pub fn leaves_out(&self, name: &[u8]) -> bool {
        match self.extensions.get(NODE_UNSEEN).map(|bytes| wire::decode(bytes, "a node")) {
            None => false,
            Some(Ok(Unseen::Names(names))) => names.iter().any(|unseen| unseen.as_slice() == name),
            // What a later version may say is taken for everything.
            Some(Ok(Unseen::Everything(_)) | Err(_)) => true,
        }
    }
}

impl Manifest {
    /// Says that the folders of this snapshot tell what was not looked at in them.
    pub fn set_tells_unseen(&mut self) {
        self.extensions.set(MANIFEST_TELLS_UNSEEN, Vec::new());
    }

    /// Says for each pattern what it meant with the links of that day followed, if that was something else.
    pub fn set_followed(&mut self, followed: &[Option<String>]) {
        if followed.iter().any(Option::is_some) {
            self.extensions.set(MANIFEST_FOLLOWED, wire::encode(&followed));
        }
    }

    /// For each pattern what it meant with the links of that day followed, if that was something else.
    ///
    /// # Errors
    /// `Damaged` when it cannot be understood.
    pub fn followed(&self) -> Result<Vec<Option<String>>> {
        let Some(bytes) = self.extensions.get(MANIFEST_FOLLOWED) else { return Ok(vec![None; self.options.excludes.len()]) };
        wire::decode(bytes, "what patterns meant")
    }

    /// Whether the folders of this snapshot tell what was not looked at in them.
    pub fn tells_unseen(&self) -> bool {
        self.extensions.get(MANIFEST_TELLS_UNSEEN).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Content, Metadata};
    use crate::wire::Extensions;

    fn folder() -> Node {
        let content = Content::Ancestor;
        Node { name: b"d".to_vec(), metadata: Metadata::default(), content, flags: 0, extensions: Extensions::none() }
    }

    #[test]
    fn a_folder_says_which_of_its_entries_were_not_looked_at() {
        let mut node = folder();
        assert!(!node.is_unseen(b"a"));
        node.set_unseen(&Unseen::Names(vec![serde_bytes::ByteBuf::from("a")]));
        assert!(node.is_unseen(b"a") && !node.is_unseen(b"b"));
        node.set_unseen(&Unseen::Everything(NotEntered::Cache));
        assert!(node.is_unseen(b"b") && node.check().is_ok());
        let incomplete = Node { flags: NODE_INCOMPLETE, ..folder() };
        assert!(incomplete.is_unseen(b"a"));
    }

    #[test]
    fn what_a_later_version_says_is_taken_for_everything() {
        let mut node = folder();
        node.extensions.set(NODE_UNSEEN, vec![9, 0, 0, 0]);
        assert!(node.is_unseen(b"a"));
    }
}
