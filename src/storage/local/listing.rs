//! What lies in a folder: one pass over its entries, one look at each file for its length.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::root::Root;
use crate::error::{Error, Result};
use crate::storage::{Listed, name};

/// Of a file so many bytes are shown: as many as a magic has.
const HEAD_BYTES: usize = 8;

/// What lies under a name, for somebody who has to know whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A folder.
    Folder,
    /// A regular file that can be read.
    File {
        /// Its length.
        bytes: u64,
        /// Its first bytes, eight of them where it has as many.
        head: Vec<u8>,
    },
    /// Anything else: a link, a pipe, a file that this user may not read.
    Other,
}

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
    folder: Option<Dir>,
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
    // By the handle itself: nothing else reads from it.
    let mut reader = Dir::new(fd).map_err(failed)?;
    while let Some(entry) = reader.read() {
        let entry = entry.map_err(failed)?;
        if let (true, Ok(name)) = (name::is_part(entry.file_name().to_bytes()), entry.file_name().to_str()) {
            entries.push(Entry { name: name.to_owned(), file_type: entry.file_type(), inode: entry.ino() });
        }
    }
    Ok(Entries { entries, folder: Some(reader) })
}

/// All objects below `folder`, sorted by name.
///
/// An error of any folder or file ends it: a listing that silently lacks a snapshot would let a
/// prune remove what that snapshot needs.
pub(super) fn list(root: &Root, folder: &str) -> Result<Vec<Listed>> {
    let mut listed = Vec::new();
    let mut waiting = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = waiting.pop() {
        let Entries { mut entries, folder: Some(reader) } = read_folder(root, &folder)? else { continue };
        let fd = reader.fd().map_err(|errno| Error::io("cannot list the folder", root.describe(&folder), errno))?;
        // Inodes lie on the disk in this order: a cold listing reads each of their blocks once.
        entries.sort_unstable_by_key(|entry| entry.inode);
        for entry in entries {
            let path = name::join(&folder, &entry.name);
            if name::is_hidden(&path) {
                continue;
            }
            let (found, bytes) = match entry.file_type {
                FileType::Directory => (FileType::Directory, 0),
                FileType::RegularFile | FileType::Symlink | FileType::Unknown => {
                    look(fd, &entry.name).map_err(|errno| Error::io("cannot look at", root.describe(&path), errno))?
                }
                other => (other, 0),
            };
            match found {
                FileType::RegularFile => listed.push(Listed { name: path, bytes }),
                FileType::Directory if depth < name::FOLDERS_DEEP_MAX => waiting.push((path, depth + 1)),
                // Its files only: nobody knows where else it leads.
                FileType::Symlink if depth < name::FOLDERS_DEEP_MAX && name::may_be_linked(&entry.name) && is_folder(fd, &entry.name) => {
                    waiting.push((path, name::FOLDERS_DEEP_MAX));
                }
                _ => {}
            }
        }
    }
    listed.sort_unstable();
    Ok(listed)
}

/// The length of the file of this name; none when it is not there, or is no file.
pub(super) fn stat(root: &Root, name: &str) -> Result<Option<u64>> {
    match look(root.fd.as_fd(), name) {
        Ok((FileType::RegularFile, bytes)) => Ok(Some(bytes)),
        // A file or a link that leads nowhere in place of its folder: nothing lies in that.
        Ok(_) | Err(Errno::NOTDIR | Errno::LOOP) => Ok(None),
        Err(errno) => Err(Error::io("cannot look at", root.describe(name), errno)),
    }
}

/// What lies under a name, and of a file its length.
fn look(folder: BorrowedFd<'_>, name: &str) -> rustix::io::Result<(FileType, u64)> {
    match rustix::io::retry_on_intr(|| rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)) {
        Ok(stat) => Ok((FileType::from_raw_mode(stat.st_mode), u64::try_from(stat.st_size).unwrap_or(0))),
        // Removed between the two looks.
        Err(Errno::NOENT) => Ok((FileType::Unknown, 0)),
        Err(errno) => Err(errno),
    }
}

/// Whether a link leads to a folder that is there: what cannot be looked at is not read either.
fn is_folder(folder: BorrowedFd<'_>, name: &str) -> bool {
    let found = rustix::io::retry_on_intr(|| rustix::fs::statat(folder, name, AtFlags::empty()));
    found.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
}

/// Shows every entry below the top to `judge`, until that fails. Folders are entered when it has passed
/// them. `lost+found`, which the root of a fresh file system has, is nobody's and not shown.
pub(super) fn look_at_all(root: &Root, judge: &mut dyn FnMut(&[u8], &Found) -> Result<()>) -> Result<()> {
    let mut waiting = vec![Vec::new()];
    while let Some(folder) = waiting.pop() {
        let shown = || root.describe_bytes(&folder);
        let failed = |errno| Error::io("cannot list the folder", shown(), errno);
        let path: &[u8] = if folder.is_empty() { b"." } else { &folder };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let fd = rustix::io::retry_on_intr(|| rustix::fs::openat(&root.fd, path, flags, Mode::empty())).map_err(failed)?;
        for entry in rustix::io::retry_on_intr(|| Dir::read_from(&fd)).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let part = entry.file_name().to_bytes();
            if matches!(part, b"." | b"..") {
                continue;
            }
            let name = if folder.is_empty() { part.to_vec() } else { [&folder, &b"/"[..], part].concat() };
            let found = match look_at(&fd, entry.file_name()) {
                Ok(found) => found,
                // Somebody gave it another name since.
                Err(Errno::NOENT) => continue,
                Err(errno) => return Err(Error::io("cannot look at", root.describe_bytes(&name), errno)),
            };
            if found == Found::Folder && name == b"lost+found" {
                continue;
            }
            judge(&name, &found)?;
            if found == Found::Folder {
                waiting.push(name);
            }
        }
    }
    Ok(())
}

/// What lies under this name. A link is not followed, and a pipe not waited for.
fn look_at(folder: &OwnedFd, name: &CStr) -> rustix::io::Result<Found> {
    let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => return Ok(Found::Folder),
        FileType::RegularFile => {}
        _ => return Ok(Found::Other),
    }
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = match rustix::io::retry_on_intr(|| rustix::fs::openat(folder, name, flags, Mode::empty())) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Err(Errno::NOENT),
        // What cannot be read cannot be known.
        Err(_) => return Ok(Found::Other),
    };
    let mut head = [0; HEAD_BYTES];
    let mut filled = 0;
    while filled < head.len() {
        match rustix::io::retry_on_intr(|| rustix::io::pread(&file, &mut head[filled..], filled as u64)) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(_) => return Ok(Found::Other),
        }
    }
    Ok(Found::File { bytes: u64::try_from(stat.st_size).unwrap_or(0), head: head[..filled].to_vec() })
}
