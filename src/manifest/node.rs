//! One entry of a directory: its name, its metadata, and what it holds.
//!
//! Access times and device numbers of the file system are not kept, so that reading a file or moving
//! a disk to another port changes nothing. Hard links are found by (source, inode) among nodes whose
//! `links` is above one.

use serde::{Deserialize, Serialize};

use super::content::ContentList;
use crate::error::{Error, Result};
use crate::id::ChunkId;
use crate::units::Timestamp;
use crate::wire::Extensions;

/// Flag of a node: the file changed while it was read and did not hold still for another try.
pub const NODE_CHANGED_WHILE_READ: u32 = 1;
/// Flag of a node: part of it could not be read (a folder without some of its entries).
pub const NODE_INCOMPLETE: u32 = 2;

/// The longest name of one entry, in bytes (NAME_MAX of Linux).
const NAME_BYTES_MAX: usize = 255;

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// The name within its directory: 1 to 255 bytes, any but NUL and `/`, not `.` or `..`.
    #[serde(with = "serde_bytes")]
    pub name: Vec<u8>,
    /// Owner, mode, times and attributes.
    pub metadata: Metadata,
    /// What it is and what it holds.
    pub content: Content,
    /// [`NODE_CHANGED_WHILE_READ`], [`NODE_INCOMPLETE`].
    pub flags: u32,
    /// Room to grow.
    pub extensions: Extensions,
}

/// Owner, mode, times and attributes of an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// Permission bits with setuid, setgid and sticky: `0o7777` at most.
    pub mode: u32,
    /// Owner as a number.
    pub uid: u32,
    /// Group as a number.
    pub gid: u32,
    /// Owner by name, empty when the number has none.
    pub user: String,
    /// Group by name, empty when the number has none.
    pub group: String,
    /// Last change of the content.
    pub mtime: Timestamp,
    /// Last change of the inode. Compared, never restored.
    pub ctime: Timestamp,
    /// Creation, where the file system knows it. Recorded, never restored.
    pub birth: Option<Timestamp>,
    /// Inode number. Compared, and the group of hard links.
    pub inode: u64,
    /// How many names the inode has.
    pub links: u32,
    /// Inode flags as `FS_IOC_GETFLAGS` gives them (`chattr`), 0 where there are none.
    pub inode_flags: u32,
    /// Extended attributes, sorted by name: ACLs and `security.*` among them.
    pub xattrs: Vec<Xattr>,
}

/// One extended attribute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Xattr {
    /// The full name with its namespace.
    #[serde(with = "serde_bytes")]
    pub name: Vec<u8>,
    /// The value, any bytes.
    #[serde(with = "serde_bytes")]
    pub value: Vec<u8>,
}

/// Where a directory's tree begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeRef {
    /// The root page.
    pub id: ChunkId,
    /// Levels of inner pages above the leaves: 0 when the root page is a leaf.
    pub depth: u8,
    /// Direct entries of the directory.
    pub entries: u64,
}

/// What an entry is and what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// A regular file: its length in bytes and its content.
    File(u64, ContentList),
    /// A folder.
    Directory(TreeRef),
    /// A symbolic link and its target.
    Symlink(#[serde(with = "serde_bytes")] Vec<u8>),
    /// A named pipe.
    Fifo,
    /// A character device: major, minor.
    CharDevice(u32, u32),
    /// A block device: major, minor.
    BlockDevice(u32, u32),
    /// A folder above a source: name, mode and owner only; its entries stand in the manifest.
    Ancestor,
}

impl Node {
    /// True for a folder, an ancestor of a source included.
    pub fn is_directory(&self) -> bool {
        matches!(self.content, Content::Directory(_) | Content::Ancestor)
    }

    /// The length of a regular file, 0 for anything else.
    pub fn file_bytes(&self) -> u64 {
        match self.content {
            Content::File(bytes, _) => bytes,
            _ => 0,
        }
    }

    /// The word for what it is: `file`, `directory` …
    pub fn type_name(&self) -> &'static str {
        match self.content {
            Content::File(..) => "file",
            Content::Directory(_) | Content::Ancestor => "directory",
            Content::Symlink(_) => "symlink",
            Content::Fifo => "fifo",
            Content::CharDevice(..) => "chardev",
            Content::BlockDevice(..) => "blockdev",
        }
    }

    /// Checks what decoding cannot: name, mode, order of attributes, lengths.
    ///
    /// # Errors
    /// `Damaged`, or `Unsupported` for an unknown critical extension.
    pub fn check(&self) -> Result<()> {
        check_name(&self.name)?;
        let metadata = &self.metadata;
        if metadata.mode & !0o7777 != 0 {
            return Err(Error::damaged("a node", "its mode has unknown bits"));
        }
        let times = [Some(metadata.mtime), Some(metadata.ctime), metadata.birth];
        if times.iter().flatten().any(|time| time.nanoseconds >= 1_000_000_000) {
            return Err(Error::damaged("a node", "a time has too many nanoseconds"));
        }
        if !metadata.xattrs.windows(2).all(|pair| pair[0].name < pair[1].name) {
            return Err(Error::damaged("a node", "its attributes are not in order"));
        }
        if metadata.xattrs.iter().any(|xattr| xattr.name.is_empty() || xattr.name.contains(&0)) {
            return Err(Error::damaged("a node", "an attribute has an impossible name"));
        }
        match &self.content {
            Content::File(bytes, list) => list.check(*bytes)?,
            Content::Symlink(target) if target.is_empty() || target.contains(&0) => {
                return Err(Error::damaged("a node", "it is a link to an impossible name"));
            }
            _ => {}
        }
        self.extensions.check(&[], "a node")
    }
}

/// Checks the name of one entry: what a hostile repository could use to leave the destination is
/// refused when it is decoded, before anything is done with it.
///
/// # Errors
/// `Damaged`.
pub fn check_name(name: &[u8]) -> Result<()> {
    let bad = name.is_empty() || name.len() > NAME_BYTES_MAX || name == b"." || name == b".." || name.contains(&b'/') || name.contains(&0);
    if bad { Err(Error::damaged("a node", "its name is impossible")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_leave_a_folder_are_refused() {
        for name in [&b""[..], b".", b"..", b"a/b", b"a\0", &[b'x'; 256]] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        for name in [&b"a"[..], b"...", b"-", b"\xff\n", &[b'x'; 255]] {
            assert!(check_name(name).is_ok(), "{name:?}");
        }
    }
}
