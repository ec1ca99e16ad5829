//! Everything about an entry but its content, as a node keeps it.
//!
//! An attribute that cannot be read does not keep a file out of a snapshot: it is left out, and the
//! error comes back as a note for the caller to report under the path it knows.

use super::file::SourceFile;
use super::folder::Folder;
use super::inode_flags::{kept_flags, read_inode_flags};
use super::owners::Owners;
use super::xattrs::read_xattrs;
use crate::error::Error;
use crate::manifest::Metadata;
use crate::platform::attributes::Place;
use crate::platform::{AsHandle, FileType, HandleRef, Stat};

/// The metadata of an open file, from its handle. `stat` is the state that goes with the content
/// that was read. The second value tells what could not be read.
pub fn metadata_of_file(file: &SourceFile, stat: &Stat, owners: &Owners) -> (Metadata, Vec<Error>) {
    read_from_handle(file.as_handle(), file.name(), stat, owners)
}

/// The metadata of an open folder, from its handle. The second value tells what could not be read.
pub fn metadata_of_folder(folder: &Folder, stat: &Stat, owners: &Owners) -> (Metadata, Vec<Error>) {
    if folder.is_place_only() {
        // Such a handle answers no question but that for its stat.
        let mut notes = Vec::new();
        let mut metadata = metadata_of_stat(stat, owners);
        metadata.inode_flags = kept_flags(stat.attributes);
        metadata.xattrs = read_xattrs(&Place::entry(folder, b"."), folder.shown(), &mut notes);
        return (metadata, notes);
    }
    read_from_handle(folder.as_handle(), folder.shown(), stat, owners)
}

/// The metadata of an entry that is not open: links, pipes, devices, and whatever cannot be opened.
/// A file or folder is opened for its inode flags where that is possible, so whoever has the handle
/// already should use [`metadata_of_file`] or [`metadata_of_folder`]. The second value tells what
/// could not be read.
pub fn read_metadata(folder: &Folder, name: &[u8], stat: &Stat, owners: &Owners) -> (Metadata, Vec<Error>) {
    match stat.file_type {
        FileType::File => {
            if let Ok(file) = SourceFile::open(folder, name, stat) {
                return metadata_of_file(&file, stat, owners);
            }
        }
        FileType::Directory => {
            if let Ok(below) = folder.open_below(name)
                && below.stat_self().is_ok_and(|now| now.identity() == stat.identity())
            {
                return metadata_of_folder(&below, stat, owners);
            }
        }
        _ => {}
    }
    let mut notes = Vec::new();
    let mut metadata = metadata_of_stat(stat, owners);
    metadata.inode_flags = kept_flags(stat.attributes);
    metadata.xattrs = read_xattrs(&Place::entry(folder, name), name, &mut notes);
    (metadata, notes)
}

fn read_from_handle(handle: HandleRef<'_>, shown: &[u8], stat: &Stat, owners: &Owners) -> (Metadata, Vec<Error>) {
    let mut notes = Vec::new();
    let mut metadata = metadata_of_stat(stat, owners);
    metadata.inode_flags = read_inode_flags(handle, stat.attributes, shown, &mut notes);
    metadata.xattrs = read_xattrs(&Place::Handle(handle), shown, &mut notes);
    (metadata, notes)
}

fn metadata_of_stat(stat: &Stat, owners: &Owners) -> Metadata {
    Metadata {
        mode: stat.mode,
        uid: stat.uid,
        gid: stat.gid,
        user: owners.user(stat.uid),
        group: owners.group(stat.gid),
        mtime: stat.mtime,
        ctime: stat.ctime,
        birth: stat.birth,
        inode: stat.inode,
        links: stat.links,
        inode_flags: 0,
        xattrs: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use rustix::fs::{CWD, IFlags, Mode, XattrFlags, mkfifoat};

    use super::*;
    use crate::manifest::{Content, ContentList, Node};
    use crate::wire::Extensions;

    #[test]
    fn handles_and_names_give_the_same_metadata_and_a_node_takes_it() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), b"").unwrap();
        std::fs::set_permissions(at("file"), std::fs::Permissions::from_mode(0o4711)).unwrap();
        std::fs::create_dir(at("folder")).unwrap();
        for name in ["file", "folder"] {
            for xattr in ["user.b", "user.a"] {
                let _ = rustix::fs::lsetxattr(at(name), xattr, b"v", XattrFlags::empty());
            }
            let handle = std::fs::File::open(at(name)).unwrap();
            if let Ok(flags) = rustix::fs::ioctl_getflags(&handle) {
                rustix::fs::ioctl_setflags(&handle, flags | IFlags::NODUMP).unwrap();
            }
        }
        let (owners, opened) = (Owners::default(), Folder::open(folder.path().as_os_str().as_bytes()).unwrap());

        let stat = opened.stat(b"file").unwrap();
        let file = SourceFile::open(&opened, b"file", &stat).unwrap();
        let of_file = metadata_of_file(&file, &stat, &owners);
        let stat = opened.stat(b"folder").unwrap();
        let of_folder = metadata_of_folder(&opened.open_below(b"folder").unwrap(), &stat, &owners);
        for (name, (metadata, notes)) in [("file", of_file), ("folder", of_folder)] {
            assert!(notes.is_empty(), "{notes:?}");
            let stat = opened.stat(name.as_bytes()).unwrap();
            let by_name = read_metadata(&opened, name.as_bytes(), &stat, &owners);
            assert_eq!(metadata, by_name.0);
            assert_eq!((metadata.mode, metadata.inode, metadata.links), (stat.mode, stat.inode, stat.links));
            assert_eq!((metadata.mtime, metadata.ctime, metadata.birth), (stat.mtime, stat.ctime, stat.birth));
            let content = Content::File(0, ContentList::default());
            let node = Node { name: name.into(), metadata, content, flags: 0, extensions: Extensions::default() };
            node.check().unwrap();
        }
    }

    #[test]
    fn what_cannot_be_opened_has_metadata_too() {
        let folder = tempfile::tempdir().unwrap();
        symlink("nowhere", folder.path().join("link")).unwrap();
        mkfifoat(CWD, folder.path().join("fifo"), Mode::from_raw_mode(0o640)).unwrap();
        let (owners, opened) = (Owners::default(), Folder::open(folder.path().as_os_str().as_bytes()).unwrap());
        for name in [&b"link"[..], b"fifo"] {
            let stat = opened.stat(name).unwrap();
            let (metadata, notes) = read_metadata(&opened, name, &stat, &owners);
            assert!(notes.is_empty(), "{notes:?}");
            assert_eq!((metadata.inode, metadata.uid, metadata.inode_flags), (stat.inode, stat.uid, 0));
        }
    }

    #[test]
    fn an_entry_that_is_gone_gives_what_was_seen_and_a_note() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), b"").unwrap();
        let opened = Folder::open(folder.path().as_os_str().as_bytes()).unwrap();
        let stat = opened.stat(b"file").unwrap();
        std::fs::remove_file(folder.path().join("file")).unwrap();
        let (metadata, notes) = read_metadata(&opened, b"file", &stat, &Owners::default());
        assert_eq!(metadata.inode, stat.inode);
        assert_eq!(notes.len(), 1);
    }
}
