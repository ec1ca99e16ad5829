//! Whether what stands in the destination is, by the look of it, what a node would put there.

use super::existing::{EntryType, Existing};
use crate::manifest::{Content, Node};

/// The quick comparison of `--overwrite if-changed`: type, length and mtime, and the numbers of a
/// device. It reads nothing. A folder matches any folder: its entries are compared one by one. Of a
/// symbolic link only the length of the target is known; whoever must be sure reads it.
pub fn matches(existing: &Existing, node: &Node) -> bool {
    let same_time = existing.mtime == node.metadata.mtime;
    match (&existing.entry_type, &node.content) {
        (EntryType::File, Content::File(bytes, _)) => existing.bytes == *bytes && same_time,
        (EntryType::Symlink, Content::Symlink(target)) => existing.bytes == target.len() as u64 && same_time,
        (EntryType::Directory, Content::Directory(_) | Content::Ancestor) => true,
        (EntryType::Fifo, Content::Fifo) => true,
        (EntryType::CharDevice(major, minor), Content::CharDevice(a, b))
        | (EntryType::BlockDevice(major, minor), Content::BlockDevice(a, b)) => (major, minor) == (a, b),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{ContentList, Metadata};
    use crate::target::existing::Identity;
    use crate::units::Timestamp;
    use crate::wire::Extensions;

    fn existing(entry_type: EntryType) -> Existing {
        let identity = Identity { device: 1, inode: 2 };
        let mtime = Timestamp::new(5, 7);
        Existing { entry_type, identity, bytes: 3, mtime, mode: 0o644, uid: 0, gid: 0, links: 1 }
    }

    fn node(content: Content) -> Node {
        let metadata = Metadata { mtime: Timestamp::new(5, 7), ..Metadata::default() };
        Node { name: b"n".to_vec(), metadata, content, flags: 0, extensions: Extensions::default() }
    }

    #[test]
    fn a_file_matches_by_length_and_time_to_the_nanosecond() {
        let mut there = existing(EntryType::File);
        let wanted = node(Content::File(3, ContentList::default()));
        assert!(matches(&there, &wanted));
        there.mtime.nanoseconds = 8;
        assert!(!matches(&there, &wanted));
        there = Existing { bytes: 4, ..existing(EntryType::File) };
        assert!(!matches(&there, &wanted));
    }

    #[test]
    fn another_type_or_device_never_matches() {
        assert!(!matches(&existing(EntryType::Symlink), &node(Content::File(3, ContentList::default()))));
        assert!(matches(&existing(EntryType::Symlink), &node(Content::Symlink(b"abc".to_vec()))));
        assert!(matches(&existing(EntryType::Directory), &node(Content::Ancestor)));
        assert!(matches(&existing(EntryType::CharDevice(1, 3)), &node(Content::CharDevice(1, 3))));
        assert!(!matches(&existing(EntryType::CharDevice(1, 3)), &node(Content::CharDevice(1, 5))));
        assert!(!matches(&existing(EntryType::BlockDevice(1, 3)), &node(Content::CharDevice(1, 3))));
        assert!(!matches(&existing(EntryType::Other), &node(Content::Fifo)));
    }
}
