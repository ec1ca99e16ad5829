//! What lies in a folder: one pass over its entries, one look at each file for its length.

use super::root::Root;
use crate::error::{Error, Result};
use crate::platform::listing::{Reader, Sort};
use crate::platform::{AsHandle, EntryType, Failure, content, failure, look, open};
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
    pub sort: Sort,
    inode: u64,
}

/// The entries of one folder, and its handle; no handle when the folder is not there.
pub(super) struct Entries {
    pub entries: Vec<Entry>,
    folder: Option<Reader>,
}

/// Reads the entries of a folder, in no order; those with other names are passed over.
pub(super) fn read_folder(root: &Root, folder: &str) -> Result<Entries> {
    let failed = |failure| Error::io("cannot list the folder", root.describe(folder), failure);
    let handle = match root.open_folder(folder) {
        Ok(handle) => handle,
        Err(Failure::NOT_FOUND) => return Ok(Entries { entries: Vec::new(), folder: None }),
        Err(Failure::NO_FOLDER) => return Err(Error::damaged(root.describe(folder), "it is not a folder")),
        Err(failure) => return Err(failed(failure)),
    };
    let mut entries = Vec::new();
    // By the handle itself: nothing else reads from it.
    let mut reader = Reader::of(handle).map_err(failed)?;
    for entry in &mut reader {
        let entry = entry.map_err(failed)?;
        if let (true, Ok(name)) = (name::is_part(entry.name()), std::str::from_utf8(entry.name())) {
            entries.push(Entry { name: name.to_owned(), sort: entry.sort(), inode: entry.inode() });
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
        let handle = reader.handle().map_err(|failure| Error::io("cannot list the folder", root.describe(&folder), failure))?;
        // Inodes lie on the disk in this order: a cold listing reads each of their blocks once.
        entries.sort_unstable_by_key(|entry| entry.inode);
        for entry in entries {
            let path = name::join(&folder, &entry.name);
            if name::is_hidden(&path) {
                continue;
            }
            let (found, bytes) = match entry.sort {
                Sort::File | Sort::Link | Sort::Unknown => {
                    look_at(handle, &entry.name).map_err(|failure| Error::io("cannot look at", root.describe(&path), failure))?
                }
                other => (other, 0),
            };
            match found {
                Sort::File => listed.push(Listed { name: path, bytes }),
                Sort::Folder if depth < name::FOLDERS_DEEP_MAX => waiting.push((path, depth + 1)),
                // Its files only: nobody knows where else it leads.
                Sort::Link if depth < name::FOLDERS_DEEP_MAX && name::may_be_linked(&entry.name) && is_folder(handle, &entry.name) => {
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
    match look_at(root.handle.as_handle(), name) {
        Ok((Sort::File, bytes)) => Ok(Some(bytes)),
        // A file or a link that leads nowhere in place of its folder: nothing lies in that.
        Ok(_) | Err(Failure::NO_FOLDER | Failure::IS_LINK) => Ok(None),
        Err(failure) => Err(Error::io("cannot look at", root.describe(name), failure)),
    }
}

/// What lies under a name, and of a file its length.
fn look_at(folder: impl AsHandle, name: &str) -> failure::Result<(Sort, u64)> {
    match look::at_entry(folder, name) {
        Ok(found) => Ok((found.entry_type.into(), found.bytes)),
        // Removed between the two looks.
        Err(Failure::NOT_FOUND) => Ok((Sort::Unknown, 0)),
        Err(failure) => Err(failure),
    }
}

/// Whether a link leads to a folder that is there: what cannot be looked at is not read either.
fn is_folder(folder: impl AsHandle, name: &str) -> bool {
    look::behind_entry(folder, name).is_ok_and(|found| found.is_directory())
}

/// Shows every entry below the top to `judge`, until that fails. Folders are entered when it has passed
/// them. `lost+found`, which the root of a fresh file system has, is nobody's and not shown.
pub(super) fn look_at_all(root: &Root, judge: &mut dyn FnMut(&[u8], &Found) -> Result<()>) -> Result<()> {
    let mut waiting = vec![Vec::new()];
    while let Some(folder) = waiting.pop() {
        let shown = || root.describe_bytes(&folder);
        let failed = |failure| Error::io("cannot list the folder", shown(), failure);
        let path: &[u8] = if folder.is_empty() { b"." } else { &folder };
        let handle = open::folder_itself(&root.handle, path).map_err(failed)?;
        for entry in Reader::beside(&handle).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let part = entry.name();
            let name = if folder.is_empty() { part.to_vec() } else { [&folder, &b"/"[..], part].concat() };
            let found = match find(&handle, part) {
                Ok(found) => found,
                // Somebody gave it another name since.
                Err(Failure::NOT_FOUND) => continue,
                Err(failure) => return Err(Error::io("cannot look at", root.describe_bytes(&name), failure)),
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
fn find(folder: impl AsHandle, name: &[u8]) -> failure::Result<Found> {
    let found = look::at_entry(&folder, name)?;
    match found.entry_type {
        EntryType::Directory => return Ok(Found::Folder),
        EntryType::File => {}
        _ => return Ok(Found::Other),
    }
    let file = match open::file_itself(folder, name) {
        Ok(file) => file,
        Err(Failure::NOT_FOUND) => return Err(Failure::NOT_FOUND),
        // What cannot be read cannot be known.
        Err(_) => return Ok(Found::Other),
    };
    let mut head = [0; HEAD_BYTES];
    let mut filled = 0;
    while filled < head.len() {
        match content::read_at(&file, &mut head[filled..], filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(_) => return Ok(Found::Other),
        }
    }
    Ok(Found::File { bytes: found.bytes, head: head[..filled].to_vec() })
}
