//! Opens files and folders: by a path as a person gave it, and by one name in an open folder.
//!
//! Nothing that is opened is inherited by a command that is started, and no pipe is waited for.

use std::fs::File;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::retry_on_intr;

use super::failure::{Failure, Result};
use super::handle::{AsHandle, Handle};

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
const PLACE: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
const PIN: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);
const FILE: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);
const NEW: OFlags = OFlags::CREATE.union(OFlags::EXCL).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const OWNERS_ONLY: Mode = Mode::RUSR.union(Mode::WUSR);

fn open(folder: impl AsHandle, name: impl AsRef<[u8]>, flags: OFlags, mode: Mode) -> Result<Handle> {
    let opened = retry_on_intr(|| rustix::fs::openat(folder.as_handle(), name.as_ref(), flags, mode));
    opened.map(Handle).map_err(Failure)
}

fn open_path(path: &Path, flags: OFlags) -> Result<Handle> {
    retry_on_intr(|| rustix::fs::openat(CWD, path, flags, Mode::empty())).map(Handle).map_err(Failure)
}

/// Opens the folder that `path` leads to, through links.
///
/// # Errors
/// Those of the system, as everywhere here.
pub fn folder(path: &Path) -> Result<Handle> {
    open_path(path, FOLDER)
}

/// Opens the folder that a name or path in `folder` leads to, through links. `.` is a handle of the same folder that
/// has a position of its own.
///
/// # Errors
/// Those of the system.
pub fn folder_in(folder: impl AsHandle, name: impl AsRef<[u8]>) -> Result<Handle> {
    open(folder, name, FOLDER, Mode::empty())
}

/// As [`folder_in`], and a link at its end is not followed.
///
/// # Errors
/// Those of the system.
pub fn folder_itself(folder: impl AsHandle, name: impl AsRef<[u8]>) -> Result<Handle> {
    open(folder, name, FOLDER | OFlags::NOFOLLOW, Mode::empty())
}

/// Opens the folder that `path` leads to as a place to name entries from. It need not be readable.
///
/// # Errors
/// Those of the system.
pub fn place(path: &Path) -> Result<Handle> {
    open_path(path, PLACE)
}

/// As [`place`], of what a name in `folder` leads to, through links.
///
/// # Errors
/// Those of the system.
pub fn place_in(folder: impl AsHandle, name: impl AsRef<[u8]>) -> Result<Handle> {
    open(folder, name, PLACE, Mode::empty())
}

/// As [`place_in`], and a link is not followed.
///
/// # Errors
/// Those of the system.
pub fn place_itself(folder: impl AsHandle, name: impl AsRef<[u8]>) -> Result<Handle> {
    open(folder, name, PLACE | OFlags::NOFOLLOW, Mode::empty())
}

/// Pins whatever `path` leads to, through links, without opening it.
///
/// # Errors
/// Those of the system.
pub fn pinned(path: &Path) -> Result<Handle> {
    open_path(path, PIN)
}

/// As [`pinned`], of what a name in `folder` leads to.
///
/// # Errors
/// Those of the system.
pub fn pinned_in(folder: impl AsHandle, name: impl AsRef<[u8]>) -> Result<Handle> {
    open(folder, name, PIN, Mode::empty())
}

/// As [`pinned_in`], of the entry itself and not what it points at.
///
/// # Errors
/// Those of the system.
pub fn pinned_itself(folder: impl AsHandle, name: impl AsRef<[u8]>) -> Result<Handle> {
    open(folder, name, PIN | OFlags::NOFOLLOW, Mode::empty())
}

/// Opens what `path` leads to for reading.
///
/// # Errors
/// Those of the system.
pub fn file(path: &Path) -> Result<File> {
    open_path(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC).map(File::from)
}

/// Opens the entry `name` of `folder` itself for reading.
///
/// # Errors
/// Those of the system.
pub fn file_itself(folder: impl AsHandle, name: impl AsRef<[u8]>) -> Result<File> {
    open(folder, name, OFlags::RDONLY | FILE, Mode::empty()).map(File::from)
}

/// Opens the entry `name` of `folder` itself for reading and writing.
///
/// # Errors
/// Those of the system.
pub fn file_to_write(folder: impl AsHandle, name: impl AsRef<[u8]>) -> Result<File> {
    open(folder, name, OFlags::RDWR | FILE, Mode::empty()).map(File::from)
}

/// As [`file_itself`], and a file that is missing is made, for its owner only.
///
/// # Errors
/// Those of the system.
pub fn file_or_new(folder: impl AsHandle, name: impl AsRef<[u8]>) -> Result<File> {
    open(folder, name, OFlags::RDONLY | FILE | OFlags::CREATE, OWNERS_ONLY).map(File::from)
}

/// As [`file_to_write`], and a file that is missing is made, for its owner only.
///
/// # Errors
/// Those of the system.
pub fn file_or_new_to_write(folder: impl AsHandle, name: impl AsRef<[u8]>) -> Result<File> {
    open(folder, name, OFlags::RDWR | FILE | OFlags::CREATE, OWNERS_ONLY).map(File::from)
}

/// Makes a file, for its owner only, to be read and written; refused when the name is taken.
///
/// # Errors
/// Those of the system.
pub fn new_file(folder: impl AsHandle, name: impl AsRef<[u8]>) -> Result<File> {
    open(folder, name, OFlags::RDWR | NEW, OWNERS_ONLY).map(File::from)
}

/// Makes a file that is written now and never again, not even by its owner; refused when the name is taken.
///
/// # Errors
/// Those of the system.
pub fn new_file_for_ever(folder: impl AsHandle, name: impl AsRef<[u8]>) -> Result<File> {
    open(folder, name, OFlags::WRONLY | NEW, Mode::RUSR).map(File::from)
}

/// Makes a file that has no name, on the file system of `folder`; not every one can.
///
/// # Errors
/// Those of the system.
pub fn nameless_file(folder: impl AsHandle) -> Result<File> {
    open(folder, b".", OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC, OWNERS_ONLY).map(File::from)
}
