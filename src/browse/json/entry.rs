//! Lines about entries: `ls` and `find`.

use serde::Serialize;

use super::{hex_where_needed, time_text};
use crate::catalog::Summary;
use crate::manifest::{Content, NODE_CHANGED_WHILE_READ, NODE_INCOMPLETE, Node};
use crate::units::lossy_text;

/// One entry: a line of `ls`, and a part of other lines.
#[derive(Clone, Debug, Serialize)]
pub struct EntryLine {
    /// The absolute path.
    pub path: String,
    /// Its exact bytes, when it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_hex: Option<String>,
    /// What it is and who owns it.
    #[serde(flatten)]
    pub attributes: Attributes,
}

impl EntryLine {
    /// The entry `node` at `path`.
    pub fn new(path: &[u8], node: &Node) -> Self {
        Self { path: lossy_text(path).into_owned(), path_hex: hex_where_needed(path), attributes: Attributes::from(node) }
    }
}

/// What is known of an entry, without its path.
#[derive(Clone, Debug, Serialize)]
pub struct Attributes {
    /// `file`, `directory`, `symlink`, `fifo`, `chardev` or `blockdev`.
    #[serde(rename = "type")]
    pub type_name: &'static str,
    /// The length of a regular file in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Four octal digits.
    pub mode: String,
    /// Owner as a number.
    pub uid: u32,
    /// Group as a number.
    pub gid: u32,
    /// Owner by name; empty when the number has none.
    pub user: String,
    /// Group by name; empty when the number has none.
    pub group: String,
    /// Last change of the content.
    pub mtime: String,
    /// Creation, where the file system knew it; it cannot be restored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birth: Option<String>,
    /// Inode flags as `FS_IOC_GETFLAGS` gives them (`chattr`), where there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inode_flags: Option<u32>,
    /// The file changed while it was read; left out when it did not.
    #[serde(skip_serializing_if = "is_false")]
    pub changed_while_read: bool,
    /// The folder could not be read whole; left out when it could.
    #[serde(skip_serializing_if = "is_false")]
    pub incomplete: bool,
    /// What a symbolic link points to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Its exact bytes, when it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_hex: Option<String>,
}

impl From<&Node> for Attributes {
    fn from(node: &Node) -> Self {
        let target = match &node.content {
            Content::Symlink(target) => Some(&target[..]),
            _ => None,
        };
        Self {
            type_name: node.type_name(),
            size: matches!(node.content, Content::File(..)).then(|| node.file_bytes()),
            mode: format!("{:04o}", node.metadata.mode),
            uid: node.metadata.uid,
            gid: node.metadata.gid,
            user: node.metadata.user.clone(),
            group: node.metadata.group.clone(),
            mtime: time_text(node.metadata.mtime),
            birth: node.metadata.birth.map(time_text),
            inode_flags: Some(node.metadata.inode_flags).filter(|flags| *flags != 0),
            changed_while_read: node.flags & NODE_CHANGED_WHILE_READ != 0,
            incomplete: node.flags & NODE_INCOMPLETE != 0,
            target: target.map(|target| lossy_text(target).into_owned()),
            target_hex: target.and_then(hex_where_needed),
        }
    }
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// One line of `find`: an entry and the snapshot that has it.
#[derive(Clone, Debug, Serialize)]
pub struct FoundLine {
    /// The snapshot.
    pub snapshot: String,
    /// Its time.
    pub time: String,
    /// The entry.
    #[serde(flatten)]
    pub entry: EntryLine,
}

impl FoundLine {
    /// The entry `node` at `path` of a snapshot.
    pub fn new(summary: &Summary, path: &[u8], node: &Node) -> Self {
        Self { snapshot: summary.id.to_string(), time: time_text(summary.time), entry: EntryLine::new(path, node) }
    }
}
