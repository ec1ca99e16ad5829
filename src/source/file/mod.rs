//! An open regular file of a source.
//!
//! Between the look at an entry and its opening anything may happen to it. It is opened without
//! following a link and without waiting, and then compared with what was seen; what is not the same
//! regular file is `Changed`, and a file swapped for a pipe hangs nobody.

use std::fs::File;

use super::folder::Folder;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::{AsHandle, Failure, HandleRef, Kind, Stat, content, durability, open, untouched};
use crate::units::PathText;

/// A run of bytes of a file: with data, or a hole that reads as zeros and takes no space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Bytes `start` to before `end` have data.
    Data {
        /// The first byte.
        start: u64,
        /// The byte after the last.
        end: u64,
    },
    /// Bytes `start` to before `end` are zeros that take no space.
    Hole {
        /// The first byte.
        start: u64,
        /// The byte after the last.
        end: u64,
    },
}

/// An open regular file.
#[derive(Debug)]
pub struct SourceFile {
    handle: File,
    name: Vec<u8>,
    opened: Stat,
}

impl SourceFile {
    /// Opens the entry `name` of `folder`, which was seen as the regular file `expected`.
    ///
    /// # Errors
    /// `Changed` when it is another inode or no regular file any more; `NotFound`, `Denied`.
    pub fn open(folder: &Folder, name: &[u8], expected: &Stat) -> Result<Self> {
        debug_assert!(!name.is_empty() && !name.contains(&b'/'), "an entry is one component");
        if !expected.is_file() {
            return Err(changed(name));
        }
        let handle = match untouched::open_file(folder, name) {
            Ok(handle) => handle,
            // A file server holds a lease on it and must be waited for.
            Err(Failure::WOULD_WAIT) => open_waiting(folder, name, expected)?,
            // A link, or a socket.
            Err(failure @ (Failure::IS_LINK | Failure::NOTHING)) => {
                return Err(changed(name).with_source(std::io::Error::from(failure)));
            }
            Err(failure) => return Err(Error::io("cannot open", PathText(name), failure)),
        };
        let opened = Stat::read(&handle, b"", name)?;
        if opened.file_type != expected.file_type || opened.identity() != expected.identity() {
            return Err(changed(name));
        }
        Ok(Self { handle, name: name.to_vec(), opened })
    }

    /// What the handle said when it was opened: the state that the bytes read are compared with.
    pub fn opened(&self) -> &Stat {
        &self.opened
    }

    /// What the handle says now, whatever became of the name.
    ///
    /// # Errors
    /// Whatever the file system fails with.
    pub fn stat(&self) -> Result<Stat> {
        Stat::read(&self.handle, b"", &self.name)
    }

    /// Reads bytes from `offset` on into `buffer` and says how many; 0 means the end of the file.
    /// Fewer than asked for is usually, but not always, the end.
    ///
    /// # Errors
    /// Whatever the file system fails with, as it is: nothing is ever made up for what cannot be read.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        content::read_at(&self.handle, buffer, offset).map_err(|failure| Error::io("cannot read", PathText(&self.name), failure))
    }

    /// The extent that begins at `offset`, cut at `end`, which is at most the length of the file.
    /// A file that was opened with space for all its bytes is data throughout, without a system call.
    ///
    /// # Errors
    /// Whatever the file system fails with; one that knows no holes answers data.
    pub fn next_extent(&self, offset: u64, end: u64) -> Result<Extent> {
        if offset >= end || !self.opened.may_have_holes() {
            return Ok(Extent::Data { start: offset, end });
        }
        let start = match content::next_data(&self.handle, offset) {
            Ok(start) => start.max(offset),
            // No data from here to the end.
            Err(Failure::NOTHING) => return Ok(Extent::Hole { start: offset, end }),
            Err(Failure::INVALID | Failure::UNSUPPORTED) => return Ok(Extent::Data { start: offset, end }),
            Err(failure) => return Err(Error::io("cannot find the holes of", PathText(&self.name), failure)),
        };
        if start > offset {
            return Ok(Extent::Hole { start: offset, end: start.min(end) });
        }
        match content::next_hole(&self.handle, offset) {
            Ok(hole) if hole > offset => Ok(Extent::Data { start: offset, end: hole.min(end) }),
            // The file changed between the two questions. Calling it data is always right.
            Ok(_) | Err(Failure::NOTHING | Failure::INVALID | Failure::UNSUPPORTED) => Ok(Extent::Data { start: offset, end }),
            Err(failure) => Err(Error::io("cannot find the holes of", PathText(&self.name), failure)),
        }
    }

    /// Whether this machine keeps changed pages of the file in memory and writes them out later. What it
    /// is not known of counts as such.
    pub fn is_written_back_here(&self) -> bool {
        Kind::of(&self.handle).is_ok_and(Kind::is_written_back_here)
    }

    /// Writes out everything that was changed on the file system of the file, and waits for it.
    ///
    /// # Errors
    /// Whatever the file system fails with, for any of its files.
    pub fn sync_file_system(&self) -> Result<()> {
        let failed = |failure| Error::io("cannot sync the file system of", PathText(&self.name), failure);
        durability::sync_file_system(&self.handle).map_err(failed)
    }

    /// Tells the kernel that the file will be read from front to back, so that it reads ahead more.
    /// Worth a call for long files only; a refusal means nothing.
    pub fn advise_sequential(&self) {
        durability::advise_sequential(&self.handle);
    }

    /// The name it was opened by, for messages.
    pub(super) fn name(&self) -> &[u8] {
        &self.name
    }
}

impl AsHandle for SourceFile {
    fn as_handle(&self) -> HandleRef<'_> {
        self.handle.as_handle()
    }
}

fn changed(name: &[u8]) -> Error {
    Error::new(ErrorKind::Changed, format!("{} was replaced while it was looked at", PathText(name)))
}

/// Opens a file and waits for whoever holds a lease on it (the kernel limits that). Only a regular
/// file may be waited for, so the inode is pinned first, checked, and then opened through its handle.
fn open_waiting(folder: &Folder, name: &[u8], expected: &Stat) -> Result<File> {
    let failed = |failure| Error::io("cannot open", PathText(name), failure);
    let pinned = open::pinned_itself(folder, name).map_err(failed)?;
    let seen = Stat::read(&pinned, b"", name)?;
    if !seen.is_file() || seen.identity() != expected.identity() {
        return Err(changed(name));
    }
    untouched::open_pinned(&pinned).map_err(failed)
}

#[cfg(test)]
mod tests;
