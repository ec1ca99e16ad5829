//! An open folder: the place from which entries are named.
//!
//! A source path is a person's word and is followed through links; below it nothing is. openat2
//! walks several components in one call and refuses every link on the way; where it is missing
//! (Linux before 5.6, some containers) the components are opened one by one. Folders may so be
//! deeper than PATH_MAX: whoever walks keeps a handle every few levels and goes on from there.

use std::cell::RefCell;
use std::mem::MaybeUninit;
use std::sync::Mutex;

use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, RawDir, ResolveFlags, SeekFrom};
use rustix::io::{Errno, retry_on_intr};

use super::stat::Stat;
use crate::error::{Error, ErrorKind, Result};
use crate::units::PathText;

/// The kernel takes paths shorter than this, in bytes (PATH_MAX of Linux).
const PATH_BYTES_MAX: usize = 4096;
/// So much of a folder is read with one call: about a thousand entries.
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

/// An open folder.
#[derive(Debug)]
pub struct Folder {
    handle: OwnedFd,
    /// What it was opened as, for messages only.
    shown: Vec<u8>,
    /// A handle has one reading position, which two listings at once would share. True when it is at
    /// the start no more.
    listing: Mutex<bool>,
    /// It is open as a place only: it can be searched for names, not listed.
    is_place_only: bool,
}

impl Folder {
    /// Opens a source path as a person gave it: relative to the working folder, and symbolic links
    /// are followed.
    ///
    /// # Errors
    /// `NotFound`, `Denied`, `Invalid` when it is not a folder.
    pub fn open(path: &[u8]) -> Result<Self> {
        let open = |flags| retry_on_intr(|| rustix::fs::openat(CWD, path, flags, Mode::empty()));
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = open_without_touching(flags, open).map_err(|errno| {
            let error = Error::io("cannot open", PathText(path), errno);
            if errno == Errno::NOTDIR { error.with_kind(ErrorKind::Invalid) } else { error }
        })?;
        Ok(Self::from_handle(handle, path))
    }

    /// Opens a folder as a place from which entries are named. It need not be readable: a folder that
    /// may be entered and not listed, as `/home` often is, will do. Links are followed.
    ///
    /// # Errors
    /// As [`Folder::open`].
    pub fn open_place(path: &[u8]) -> Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = retry_on_intr(|| rustix::fs::openat(CWD, path, flags, Mode::empty())).map_err(|errno| {
            let error = Error::io("cannot open", PathText(path), errno);
            if errno == Errno::NOTDIR { error.with_kind(ErrorKind::Invalid) } else { error }
        })?;
        Ok(Self { is_place_only: true, ..Self::from_handle(handle, path) })
    }

    /// As [`Folder::open_place`], of the entry `name` of this folder; a link is not followed.
    ///
    /// # Errors
    /// As [`Folder::open_below`].
    pub fn place_below(&self, name: &[u8]) -> Result<Self> {
        debug_assert!(!name.is_empty() && !name.contains(&b'/'), "an entry is one component");
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = retry_on_intr(|| rustix::fs::openat(&self.handle, name, flags, Mode::empty())).map_err(|errno| {
            let error = Error::io("cannot open", PathText(name), errno);
            if matches!(errno, Errno::LOOP | Errno::NOTDIR) { error.with_kind(ErrorKind::Changed) } else { error }
        })?;
        Ok(Self { is_place_only: true, ..Self::from_handle(handle, name) })
    }

    /// True when it was opened as a place only.
    pub(super) fn is_place_only(&self) -> bool {
        self.is_place_only
    }

    /// True when something is mounted on the entry `name`. It need not answer: another user's FUSE file
    /// system refuses every look.
    pub fn is_mount_point(&self, name: &[u8]) -> bool {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = retry_on_intr(|| rustix::fs::openat(&self.handle, name, flags, Mode::empty()));
        let Ok(opened) = opened else { return false };
        let (here, there) = (mount_id(self.handle.as_fd()), mount_id(opened.as_fd()));
        here.is_some() && there.is_some() && here != there
    }

    /// Opens a folder below this one. `relative` is one name or several with `/` between them, of
    /// any length; no symbolic link is followed, and nothing leads out of this folder.
    ///
    /// # Errors
    /// `Changed` when a component is a symbolic link or no folder, as after a swap; `NotFound`,
    /// `Denied`; `Invalid` when a component is empty, `.` or `..`.
    pub fn open_below(&self, relative: &[u8]) -> Result<Self> {
        let bad = |part: &[u8]| part.is_empty() || part == b"." || part == b".." || part.contains(&0);
        if relative.split(|byte| *byte == b'/').any(bad) {
            return Err(Error::new(ErrorKind::Invalid, format!("`{}` is not the path of an entry", PathText(relative))));
        }
        let handle = self.open_handle(relative).map_err(|errno| {
            let error = Error::io("cannot open", PathText(relative), errno);
            if matches!(errno, Errno::LOOP | Errno::NOTDIR) { error.with_kind(ErrorKind::Changed) } else { error }
        })?;
        Ok(Self::from_handle(handle, relative))
    }

    fn from_handle(handle: OwnedFd, shown: &[u8]) -> Self {
        Self { handle, shown: shown.to_vec(), listing: Mutex::new(false), is_place_only: false }
    }

    fn open_handle(&self, relative: &[u8]) -> rustix::io::Result<OwnedFd> {
        if relative.len() < PATH_BYTES_MAX {
            let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
            let open = |flags| retry_on_intr(|| rustix::fs::openat2(&self.handle, relative, flags, Mode::empty(), resolve));
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            match open_without_touching(flags, open) {
                // Containers that do not know the call forbid it.
                Err(Errno::NOSYS | Errno::PERM) => {}
                result => return result,
            }
        }
        open_by_components(self.handle.as_fd(), relative)
    }

    /// All entries, sorted by the bytes of their names, without `.` and `..`, each once. The time it takes
    /// grows with their number, not its square; all names are held at once.
    ///
    /// # Errors
    /// Whatever reading the folder fails with; a part of a listing is never given as the whole.
    pub fn list(&self) -> Result<Vec<ListedEntry>> {
        let failed = |errno: Errno| Error::io("cannot list", PathText(&self.shown), errno);
        let mut was_read = self.listing.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if std::mem::replace(&mut *was_read, true) {
            rustix::fs::seek(&self.handle, SeekFrom::Start(0)).map_err(failed)?;
        }
        thread_local! {
            // To give so much back to the allocator after each of many small folders costs it dearly.
            static BUFFER: RefCell<Vec<MaybeUninit<u8>>> = const { RefCell::new(Vec::new()) };
        }
        BUFFER.with_borrow_mut(|buffer| {
            buffer.resize(LISTING_BYTES, MaybeUninit::uninit());
            read_names(&self.handle, buffer).map_err(failed)
        })
    }

    /// Looks at the entry `name` (one component); a symbolic link is not followed.
    ///
    /// # Errors
    /// `NotFound` when it is gone, `Denied`, `Unsupported` when its type is unknown.
    pub fn stat(&self, name: &[u8]) -> Result<Stat> {
        debug_assert!(!name.is_empty() && !name.contains(&b'/'), "an entry is one component");
        Stat::read(self.handle.as_fd(), name, name)
    }

    /// Looks at the folder itself.
    ///
    /// # Errors
    /// As [`Folder::stat`].
    pub fn stat_self(&self) -> Result<Stat> {
        Stat::read(self.handle.as_fd(), b"", &self.shown)
    }

    /// The target of the symbolic link `name`, any bytes.
    ///
    /// # Errors
    /// `NotFound` when it is gone, `Changed` when it is no link.
    pub fn read_link(&self, name: &[u8]) -> Result<Vec<u8>> {
        match retry_on_intr(|| rustix::fs::readlinkat(&self.handle, name, Vec::new())) {
            Ok(target) => Ok(target.into_bytes()),
            Err(errno) => {
                let error = Error::io("cannot read the link", PathText(name), errno);
                Err(if errno == Errno::INVAL { error.with_kind(ErrorKind::Changed) } else { error })
            }
        }
    }

    /// What the folder was opened as, for messages.
    pub(super) fn shown(&self) -> &[u8] {
        &self.shown
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }
}

/// Opens so that looking does not change the access time, which would make every run write to every
/// inode of the source. Only the owner may ask for that; others do without.
pub(super) fn open_without_touching(flags: OFlags, open: impl Fn(OFlags) -> rustix::io::Result<OwnedFd>) -> rustix::io::Result<OwnedFd> {
    match open(flags | OFlags::NOATIME) {
        Err(Errno::PERM) => open(flags),
        result => result,
    }
}

/// The number of the mount that an open file is on.
fn mount_id(handle: BorrowedFd<'_>) -> Option<String> {
    let facts = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", handle.as_raw_fd())).ok()?;
    facts.lines().find_map(|line| line.strip_prefix("mnt_id:")).map(|number| number.trim().to_owned())
}

/// What an open folder lists from here on, sorted, each name once.
fn read_names(handle: &OwnedFd, buffer: &mut [MaybeUninit<u8>]) -> rustix::io::Result<Vec<ListedEntry>> {
    let mut entries = RawDir::new(handle, buffer);
    let mut names = Vec::new();
    while let Some(entry) = entries.next() {
        match entry {
            Ok(entry) => match entry.file_name().to_bytes() {
                b"." | b".." => {}
                name => names.push(ListedEntry { name: name.to_vec(), inode: entry.ino() }),
            },
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    names.sort_unstable();
    // A rename during the listing can show an entry twice.
    names.dedup_by(|a, b| a.name == b.name);
    Ok(names)
}

/// Opens component by component, each relative to the one before, following no link.
fn open_by_components(start: BorrowedFd<'_>, relative: &[u8]) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut last: Option<OwnedFd> = None;
    for part in relative.split(|byte| *byte == b'/') {
        let from = last.as_ref().map_or(start, |handle| handle.as_fd());
        let open = |flags| retry_on_intr(|| rustix::fs::openat(from, part, flags, Mode::empty()));
        let next = open_without_touching(flags, open)?;
        last = Some(next);
    }
    last.ok_or(Errno::NOENT)
}

#[cfg(test)]
#[path = "folder_tests.rs"]
mod tests;
