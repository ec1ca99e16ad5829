//! An open regular file of a source.
//!
//! Between the look at an entry and its opening anything may happen to it. It is opened without
//! following a link and without waiting, and then compared with what was seen; what is not the same
//! regular file is `Changed`, and a file swapped for a pipe hangs nobody.

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{Advice, Mode, OFlags, SeekFrom};
use rustix::io::{Errno, retry_on_intr};

use super::file_system::is_written_back_here;
use super::folder::{Folder, open_without_touching};
use super::stat::Stat;
use crate::error::{Error, ErrorKind, Result};
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
    handle: OwnedFd,
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
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let open = |flags| retry_on_intr(|| rustix::fs::openat(folder, name, flags, Mode::empty()));
        let handle = match open_without_touching(flags, open) {
            Ok(handle) => handle,
            // A file server holds a lease on it and must be waited for.
            Err(Errno::AGAIN) => open_waiting(folder, name, expected)?,
            // A link, or a socket.
            Err(errno @ (Errno::LOOP | Errno::NXIO)) => return Err(changed(name).with_source(std::io::Error::from(errno))),
            Err(errno) => return Err(Error::io("cannot open", PathText(name), errno)),
        };
        let opened = Stat::read(handle.as_fd(), b"", name)?;
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
        Stat::read(self.handle.as_fd(), b"", &self.name)
    }

    /// Reads bytes from `offset` on into `buffer` and says how many; 0 means the end of the file.
    /// Fewer than asked for is usually, but not always, the end.
    ///
    /// # Errors
    /// Whatever the file system fails with, as it is: nothing is ever made up for what cannot be read.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        loop {
            match rustix::io::pread(&self.handle, &mut *buffer, offset) {
                Ok(bytes) => return Ok(bytes),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(Error::io("cannot read", PathText(&self.name), errno)),
            }
        }
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
        let start = match self.seek(SeekFrom::Data(offset)) {
            Ok(start) => start.max(offset),
            // No data from here to the end.
            Err(Errno::NXIO) => return Ok(Extent::Hole { start: offset, end }),
            Err(Errno::INVAL | Errno::OPNOTSUPP) => return Ok(Extent::Data { start: offset, end }),
            Err(errno) => return Err(Error::io("cannot find the holes of", PathText(&self.name), errno)),
        };
        if start > offset {
            return Ok(Extent::Hole { start: offset, end: start.min(end) });
        }
        match self.seek(SeekFrom::Hole(offset)) {
            Ok(hole) if hole > offset => Ok(Extent::Data { start: offset, end: hole.min(end) }),
            // The file changed between the two questions. Calling it data is always right.
            Ok(_) | Err(Errno::NXIO | Errno::INVAL | Errno::OPNOTSUPP) => Ok(Extent::Data { start: offset, end }),
            Err(errno) => Err(Error::io("cannot find the holes of", PathText(&self.name), errno)),
        }
    }

    fn seek(&self, to: SeekFrom) -> rustix::io::Result<u64> {
        retry_on_intr(|| rustix::fs::seek(&self.handle, to))
    }

    /// Whether this machine keeps changed pages of the file in memory and writes them out later. What it
    /// is not known of counts as such.
    pub fn is_written_back_here(&self) -> bool {
        retry_on_intr(|| rustix::fs::fstatfs(&self.handle)).is_ok_and(|found| is_written_back_here(found.f_type as u32))
    }

    /// Writes out everything that was changed on the file system of the file, and waits for it.
    ///
    /// # Errors
    /// Whatever the file system fails with, for any of its files.
    pub fn sync_file_system(&self) -> Result<()> {
        let failed = |errno| Error::io("cannot sync the file system of", PathText(&self.name), errno);
        retry_on_intr(|| rustix::fs::syncfs(&self.handle)).map_err(failed)
    }

    /// Tells the kernel that the file will be read from front to back, so that it reads ahead more.
    /// Worth a call for long files only; a refusal means nothing.
    pub fn advise_sequential(&self) {
        let _ = rustix::fs::fadvise(&self.handle, 0, None, Advice::Sequential);
    }

    /// The name it was opened by, for messages.
    pub(super) fn name(&self) -> &[u8] {
        &self.name
    }
}

impl AsFd for SourceFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }
}

fn changed(name: &[u8]) -> Error {
    Error::new(ErrorKind::Changed, format!("{} was replaced while it was looked at", PathText(name)))
}

/// Opens a file and waits for whoever holds a lease on it (the kernel limits that). Only a regular
/// file may be waited for, so the inode is pinned first, checked, and then opened through its handle.
fn open_waiting(folder: &Folder, name: &[u8], expected: &Stat) -> Result<OwnedFd> {
    let failed = |errno| Error::io("cannot open", PathText(name), errno);
    let pin = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let pinned = retry_on_intr(|| rustix::fs::openat(folder, name, pin, Mode::empty())).map_err(failed)?;
    let seen = Stat::read(pinned.as_fd(), b"", name)?;
    if !seen.is_file() || seen.identity() != expected.identity() {
        return Err(changed(name));
    }
    let path = super::xattrs::handle_path(pinned.as_fd(), None);
    let open = |flags| retry_on_intr(|| rustix::fs::open(&path, flags, Mode::empty()));
    open_without_touching(OFlags::RDONLY | OFlags::CLOEXEC, open).map_err(failed)
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
