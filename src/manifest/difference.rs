//! How one node differs from another: the words of every change view.

use serde::{Deserialize, Serialize};

use super::node::{Content, Node};

/// What happened to an entry between two snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// It was not there before.
    Added,
    /// Its content, its type or its link target changed.
    Modified,
    /// Only its owner, mode, mtime or attributes changed.
    Metadata,
    /// It is gone.
    Removed,
    /// The same content stands under another name.
    Renamed,
}

/// One line of a change view.
#[derive(Clone, Debug)]
pub struct Change {
    /// What happened.
    pub kind: ChangeKind,
    /// The full path; for a rename, the new one.
    pub path: Vec<u8>,
    /// The old path of a rename.
    pub from: Option<Vec<u8>>,
    /// The entry before, if there was one.
    pub old: Option<Node>,
    /// The entry now, if there is one.
    pub new: Option<Node>,
}

/// Compares two nodes of one path. Inode, ctime, birth and link count are not looked at: they say
/// how a change is found, not what a restore would give. A directory differs here only by its own
/// metadata; its entries are compared one by one. `None` when they are equal in this sense.
pub fn classify_change(old: &Node, new: &Node) -> Option<ChangeKind> {
    let same_content = match (&old.content, &new.content) {
        (Content::Directory(_) | Content::Ancestor, Content::Directory(_) | Content::Ancestor) => true,
        (old, new) => old == new,
    };
    if !same_content {
        return Some(ChangeKind::Modified);
    }
    let (a, b) = (&old.metadata, &new.metadata);
    let same_metadata = (a.mode, a.uid, a.gid, a.mtime, a.inode_flags) == (b.mode, b.uid, b.gid, b.mtime, b.inode_flags)
        && (&a.user, &a.group, &a.xattrs) == (&b.user, &b.group, &b.xattrs);
    if same_metadata { None } else { Some(ChangeKind::Metadata) }
}
