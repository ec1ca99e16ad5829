//! What lies in an open folder, without `.` and `..`.

use std::cell::RefCell;
use std::mem::MaybeUninit;

use rustix::fs::{Dir, FileType, RawDir, SeekFrom};
use rustix::io::{Errno, retry_on_intr};

use super::existing::EntryType;
use super::failure::{Failure, Result};
use super::handle::{AsHandle, Handle, HandleRef};
use super::open;

/// As much of a folder is read with one call: about a thousand entries.
const LISTING_BYTES: usize = 32 * 1024;

/// An entry as a listing of its folder has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListedEntry {
    /// Its name.
    pub name: Vec<u8>,
    /// The number that the listing gives for its inode: to be compared with other listings only, since
    /// what is mounted on the entry has another.
    pub inode: u64,
}

/// All entries from the position of `folder` on, sorted by the bytes of their names, each once. The time it takes
/// grows with their number, not its square; all names are held at once.
///
/// # Errors
/// Those of the disk; a part of a listing is never given as the whole.
pub fn sorted_entries(folder: impl AsHandle) -> Result<Vec<ListedEntry>> {
    thread_local! {
        // To give so much back to the allocator after each of many small folders costs it dearly.
        static BUFFER: RefCell<Vec<MaybeUninit<u8>>> = const { RefCell::new(Vec::new()) };
    }
    let mut names = Vec::new();
    BUFFER.with_borrow_mut(|buffer| {
        buffer.resize(LISTING_BYTES, MaybeUninit::uninit());
        visit(folder.as_handle(), buffer, |name, inode| {
            names.push(ListedEntry { name: name.to_vec(), inode });
            Ok(true)
        })
    })?;
    names.sort_unstable();
    // A rename during the listing can show an entry twice.
    names.dedup_by(|a, b| a.name == b.name);
    Ok(names)
}

/// Moves the position of `folder` back to its beginning.
///
/// # Errors
/// Those of the system.
pub fn rewind(folder: impl AsHandle) -> Result<()> {
    rustix::fs::seek(folder.as_handle(), SeekFrom::Start(0)).map(drop).map_err(Failure)
}

/// All names in an open folder, sorted. It is opened once more, because the position in a listing belongs to the handle.
///
/// # Errors
/// Those of reading it.
pub fn names_in(folder: impl AsHandle) -> Result<Vec<Vec<u8>>> {
    names_from(open::folder_in(folder, b".")?)
}

/// All names from the position of `folder` on, sorted.
///
/// # Errors
/// Those of reading it.
pub fn names_from(folder: impl AsHandle) -> Result<Vec<Vec<u8>>> {
    let mut names = Vec::new();
    visit_names(folder, |name| {
        names.push(name.to_vec());
        Ok(true)
    })?;
    names.sort_unstable();
    Ok(names)
}

/// Shows every name from the position of `folder` on, until `show` says false.
///
/// # Errors
/// Those of reading it, and of `show`.
pub fn visit_names(folder: impl AsHandle, mut show: impl FnMut(&[u8]) -> Result<bool>) -> Result<()> {
    let mut buffer = vec![MaybeUninit::uninit(); LISTING_BYTES];
    visit(folder.as_handle(), &mut buffer, |name, _| show(name))
}

fn visit(folder: HandleRef<'_>, buffer: &mut [MaybeUninit<u8>], mut show: impl FnMut(&[u8], u64) -> Result<bool>) -> Result<()> {
    let mut entries = RawDir::new(folder, buffer);
    while let Some(entry) = entries.next() {
        let entry = match entry {
            // The next call goes on where this one would have.
            Err(Errno::INTR) => continue,
            entry => entry?,
        };
        let name = entry.file_name().to_bytes();
        if !is_dots(name) && !show(name, entry.ino())? {
            break;
        }
    }
    Ok(())
}

fn is_dots(name: &[u8]) -> bool {
    matches!(name, b"." | b"..")
}

/// What a listing says that an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A folder.
    Folder,
    /// A regular file.
    File,
    /// A symbolic link.
    Link,
    /// Anything else.
    Other,
    /// This file system does not say so in a listing.
    Unknown,
}

impl From<EntryType> for Sort {
    fn from(entry_type: EntryType) -> Self {
        match entry_type {
            EntryType::Directory => Self::Folder,
            EntryType::File => Self::File,
            EntryType::Symlink => Self::Link,
            _ => Self::Other,
        }
    }
}

/// The entries of a folder, one after the other, in no order.
#[derive(Debug)]
pub struct Reader(Dir);

/// An entry of a [`Reader`].
#[derive(Debug)]
pub struct ReadEntry {
    entry: rustix::fs::DirEntry,
}

impl Reader {
    /// Reads by this handle, which nothing else may read from.
    ///
    /// # Errors
    /// Those of the system.
    pub fn of(folder: Handle) -> Result<Self> {
        Dir::new(folder.0).map(Self).map_err(Failure)
    }

    /// Reads by a handle of its own.
    ///
    /// # Errors
    /// Those of the system.
    pub fn beside(folder: impl AsHandle) -> Result<Self> {
        retry_on_intr(|| Dir::read_from(folder.as_handle())).map(Self).map_err(Failure)
    }

    /// The handle of the folder.
    ///
    /// # Errors
    /// Those of the system.
    pub fn handle(&self) -> Result<HandleRef<'_>> {
        self.0.fd().map(HandleRef).map_err(Failure)
    }
}

impl Iterator for Reader {
    type Item = Result<ReadEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.0.read()? {
                Ok(entry) if is_dots(entry.file_name().to_bytes()) => {}
                Ok(entry) => return Some(Ok(ReadEntry { entry })),
                Err(errno) => return Some(Err(Failure(errno))),
            }
        }
    }
}

impl ReadEntry {
    /// Its name.
    pub fn name(&self) -> &[u8] {
        self.entry.file_name().to_bytes()
    }

    /// What it is.
    pub fn sort(&self) -> Sort {
        match self.entry.file_type() {
            FileType::Directory => Sort::Folder,
            FileType::RegularFile => Sort::File,
            FileType::Symlink => Sort::Link,
            FileType::Unknown => Sort::Unknown,
            _ => Sort::Other,
        }
    }

    /// The number of its inode: on the disk they lie in this order.
    pub fn inode(&self) -> u64 {
        self.entry.ino()
    }
}
