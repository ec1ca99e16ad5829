//! What lies in a folder: one pass over its entries, one look at each file for its length.

use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Dir, FileType};
use rustix::io::Errno;

use super::root::Root;
use crate::error::{Error, Result};
use crate::storage::{Listed, name};

/// One entry with a name of allowed characters.
#[derive(Debug)]
pub(super) struct Entry {
    pub name: String,
    pub file_type: FileType,
    inode: u64,
}

/// The entries of one folder, and its handle; no handle when the folder is not there.
pub(super) struct Entries {
    pub entries: Vec<Entry>,
    folder: Option<OwnedFd>,
}

/// Reads the entries of a folder, in no order; those with other names are passed over.
pub(super) fn read_folder(root: &Root, folder: &str) -> Result<Entries> {
    let failed = |errno| Error::io("cannot list the folder", root.describe(folder), errno);
    let fd = match root.open_folder(folder) {
        Ok(fd) => fd,
        Err(Errno::NOENT) => return Ok(Entries { entries: Vec::new(), folder: None }),
        Err(Errno::NOTDIR) => return Err(Error::damaged(root.describe(folder), "it is not a folder")),
        Err(errno) => return Err(failed(errno)),
    };
    let mut entries = Vec::new();
    for entry in rustix::io::retry_on_intr(|| Dir::read_from(&fd)).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if let (true, Ok(name)) = (name::is_part(entry.file_name().to_bytes()), entry.file_name().to_str()) {
            entries.push(Entry { name: name.to_owned(), file_type: entry.file_type(), inode: entry.ino() });
        }
    }
    Ok(Entries { entries, folder: Some(fd) })
}

/// All objects below `folder`, sorted by name.
///
/// An error of any folder or file ends it: a listing that silently lacks a snapshot would let a
/// prune remove what that snapshot needs.
pub(super) fn list(root: &Root, folder: &str) -> Result<Vec<Listed>> {
    let mut listed = Vec::new();
    let mut waiting = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = waiting.pop() {
        let Entries { mut entries, folder: Some(fd) } = read_folder(root, &folder)? else { continue };
        // Inodes lie on the disk in this order: a cold listing reads each of their blocks once.
        entries.sort_unstable_by_key(|entry| entry.inode);
        for entry in entries {
            let path = name::join(&folder, &entry.name);
            if name::is_hidden(&path) || !matches!(entry.file_type, FileType::RegularFile | FileType::Directory | FileType::Unknown) {
                continue;
            }
            let mut is_folder = entry.file_type == FileType::Directory;
            if !is_folder {
                match rustix::fs::statat(&fd, &entry.name, AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(stat) => match FileType::from_raw_mode(stat.st_mode) {
                        FileType::RegularFile => {
                            listed.push(Listed { name: path.clone(), bytes: u64::try_from(stat.st_size).unwrap_or(0) });
                        }
                        FileType::Directory => is_folder = true,
                        _ => {}
                    },
                    // Removed between the two looks.
                    Err(Errno::NOENT) => {}
                    Err(errno) => return Err(Error::io("cannot look at", root.describe(&path), errno)),
                }
            }
            if is_folder && depth < name::FOLDERS_DEEP_MAX {
                waiting.push((path, depth + 1));
            }
        }
    }
    listed.sort_unstable();
    Ok(listed)
}

/// True when the folder holds no file of anybody: what an interrupted start leaves does not count,
/// nor does `lost+found`, which the root of a fresh file system has.
pub(super) fn is_empty(root: &Root) -> Result<bool> {
    let mut waiting = vec![String::new()];
    while let Some(folder) = waiting.pop() {
        let failed = |errno| Error::io("cannot list the folder", root.describe(&folder), errno);
        let fd = root.open_folder(&folder).map_err(failed)?;
        for entry in Dir::new(fd).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let bytes = entry.file_name().to_bytes();
            if matches!(bytes, b"." | b"..") || (folder.is_empty() && bytes == b"lost+found") {
                continue;
            }
            let Some(part) = entry.file_name().to_str().ok().filter(|_| name::is_part(bytes)) else { return Ok(false) };
            let path = name::join(&folder, part);
            if entry.file_type() == FileType::Directory && folder.split('/').count() < name::FOLDERS_DEEP_MAX {
                waiting.push(path);
            } else if !name::is_hidden(&path) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}
