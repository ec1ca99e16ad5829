//! Whether what stands in the destination is what a node would put there: by its looks its content,
//! and beside that its metadata.
//!
//! What this user cannot set, and what the file system cannot hold, is no difference: it would be the
//! same after another restore.

use std::fmt;
use std::fs::File;

use super::attributes;
use super::disk::{Disk, NO_MODES, NO_OWNERS, NO_XATTRS, TRUSTED_LEFT};
use super::folder::Folder;
use super::inode_flags::has_inode_flags;
use super::metadata::{ApplyOptions, permitted_mode};
use crate::manifest::{Content, Metadata, Node};
use crate::platform::failure::{self, Failure};
use crate::platform::{EntryType, Existing, look, open};

/// The quick comparison of `--overwrite if-changed`: type, length and mtime, and the numbers of a
/// device. It reads nothing. A folder matches any folder: its entries are compared one by one. Of a
/// symbolic link only the length of the target is known; whoever must be sure reads it. Times are
/// compared as the file system of `folder`, in which it lies, keeps them.
pub fn matches(folder: &Folder, existing: &Existing, node: &Node) -> bool {
    let same_time = || folder.keeps_time(existing.mtime, node.metadata.mtime);
    match (&existing.entry_type, &node.content) {
        (EntryType::File, Content::File(bytes, _)) => existing.bytes == *bytes && same_time(),
        (EntryType::Symlink, Content::Symlink(target)) => existing.bytes == target.len() as u64 && same_time(),
        (EntryType::Directory, Content::Directory(_) | Content::Ancestor) => true,
        (EntryType::Fifo, Content::Fifo) => true,
        (EntryType::CharDevice(major, minor), Content::CharDevice(a, b))
        | (EntryType::BlockDevice(major, minor), Content::BlockDevice(a, b)) => (major, minor) == (a, b),
        _ => false,
    }
}

/// What of the metadata is not as a node says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// Owner or group.
    pub owner: bool,
    /// Permission bits.
    pub mode: bool,
    /// Extended attributes, ACLs among them.
    pub attributes: bool,
    /// Inode flags, where they are restored.
    pub flags: bool,
    /// The time of a pipe or device, which is not compared before.
    pub time: bool,
}

impl Differences {
    /// True when there is one.
    pub fn is_any(self) -> bool {
        self != Self::default()
    }
}

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all =
            [(self.owner, "owner"), (self.mode, "mode"), (self.attributes, "attributes"), (self.flags, "inode flags"), (self.time, "time")];
        let words: Vec<_> = all.into_iter().filter(|(differs, _)| *differs).map(|(_, word)| word).collect();
        match words.split_last() {
            Some((last, [])) => f.write_str(last),
            Some((last, others)) => write!(f, "{} and {last}", others.join(", ")),
            None => f.write_str("nothing"),
        }
    }
}

/// Compares the metadata of the entry `name` of `folder` (of the folder itself with an empty name), and
/// tells what of it the file system cannot hold (see [`super::is_limit`]). The time of a file, link or
/// folder is not compared here.
pub fn metadata_differences(
    folder: &Folder,
    name: &[u8],
    existing: &Existing,
    metadata: &Metadata,
    options: &ApplyOptions,
) -> (Differences, Vec<&'static str>) {
    let (mut differences, mut limits) = (Differences::default(), Vec::new());
    let disk = folder.disk();
    let wanted = options.names.owner(metadata, options.numeric_owner);
    let found = (existing.uid, existing.gid);
    if !disk.holds().owners {
        limits.extend((found != wanted).then_some(NO_OWNERS));
    } else {
        differences.owner = !options.rights.owner_is_best(found, wanted);
    }
    let is_link = existing.entry_type == EntryType::Symlink;
    let acl = compare_attributes(folder, name, is_link, existing, metadata, options, &mut differences, &mut limits);
    if !is_link {
        let (mode, _) = permitted_mode(metadata, found == wanted, options.set_id, acl == Acl::Impossible);
        let is_same = existing.mode == mode;
        if disk.holds().modes {
            differences.mode = !is_same;
        } else {
            limits.extend((!is_same).then_some(NO_MODES));
        }
    }
    let is_special = matches!(existing.entry_type, EntryType::Fifo | EntryType::CharDevice(..) | EntryType::BlockDevice(..));
    differences.time = is_special && !folder.keeps_time(existing.mtime, metadata.mtime);
    if options.inode_flags && matches!(existing.entry_type, EntryType::File | EntryType::Directory) {
        let has_flags = if name.is_empty() {
            has_inode_flags(folder.handle(), metadata)
        } else {
            folder.open_to_look(name).map_or(metadata.inode_flags == 0, |handle| has_inode_flags(handle, metadata))
        };
        differences.flags = !has_flags;
    }
    (differences, limits)
}

#[derive(PartialEq, Eq)]
enum Acl {
    AsItIs,
    /// The node has one, and the file system has no such thing.
    Impossible,
}

#[allow(clippy::too_many_arguments)]
fn compare_attributes(
    folder: &Folder,
    name: &[u8],
    is_link: bool,
    existing: &Existing,
    metadata: &Metadata,
    options: &ApplyOptions,
    differences: &mut Differences,
    limits: &mut Vec<&'static str>,
) -> Acl {
    let mut acl = Acl::AsItIs;
    let is_ours = existing.uid == options.rights.user();
    let may_set = |name: &[u8]| attributes::is_set_by(name, options, is_ours);
    let (found, is_known) = match folder.xattr_names(name, existing) {
        Ok(found) => (found, true),
        // Asking for each will tell.
        Err(Failure::UNSUPPORTED | Failure::NO_CALL) => (Vec::new(), true),
        // Whoever is not root sets none on a link.
        Err(_) => (Vec::new(), is_link && !options.rights.is_root()),
    };
    let is_wanted = |found: &[u8]| metadata.xattrs.iter().any(|xattr| xattr.name == found);
    // What cannot be looked at is not known to be as it was.
    differences.attributes =
        !is_known || found.iter().any(|found| !is_wanted(found) && attributes::is_ours_to_remove(found, options) && may_set(found));
    if found.iter().any(|found| !is_wanted(found) && attributes::is_left(found, options)) {
        limits.push(TRUSTED_LEFT);
    }
    for xattr in metadata.xattrs.iter().filter(|xattr| may_set(&xattr.name)) {
        match folder.xattr(name, existing, &xattr.name, xattr.value.len()) {
            Ok(value) if value == xattr.value => {}
            Err(Failure::UNSUPPORTED | Failure::NO_CALL) => {
                limits.push(NO_XATTRS);
                if xattr.name == attributes::ACCESS_ACL {
                    acl = Acl::Impossible;
                }
            }
            // User attributes belong to files and folders only; a link has none to compare.
            Err(Failure::NOT_PERMITTED) if is_link => {}
            _ => differences.attributes = true,
        }
    }
    limits.dedup();
    acl
}

impl Folder {
    /// Whether a file in it with the time `found` may be one that was given the time `wanted`.
    fn keeps_time(&self, found: crate::units::Timestamp, wanted: crate::units::Timestamp) -> bool {
        found == wanted || self.disk().clock(self.handle()).is_same(found, wanted)
    }

    pub(super) fn open_to_look(&self, name: &[u8]) -> failure::Result<File> {
        open::file_itself(self.handle(), name)
    }

    /// What the folder itself is.
    ///
    /// # Errors
    /// Those of looking.
    pub fn stat_self(&self) -> crate::error::Result<Existing> {
        look::at_handle(self.handle()).map_err(|failure| super::system_error("cannot look at", &self.path_of(b""), failure))
    }

    /// The file system that it is on.
    pub fn disk(&self) -> &Disk {
        &self.disk
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;
    use crate::manifest::ContentList;
    use crate::platform::Identity;
    use crate::target::Destination;
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

    fn matches(existing: &Existing, node: &Node) -> bool {
        let top = tempfile::tempdir().unwrap();
        let destination = Destination::open(top.path().as_os_str().as_bytes(), true).unwrap();
        super::matches(&destination.folder(b"").unwrap(), existing, node)
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

    #[test]
    fn differences_are_named() {
        let differences = Differences { owner: true, mode: true, flags: true, ..Differences::default() };
        assert_eq!(differences.to_string(), "owner, mode and inode flags");
        assert!(differences.is_any() && !Differences::default().is_any());
    }
}
