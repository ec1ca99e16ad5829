//! Extended attributes: read and set on what is open, and read of entries that must not be opened.
//!
//! Links, pipes and devices cannot be opened without side effects, and the calls that take a path have a limit and
//! race with renames, so they are asked through `/proc/self/fd/N/name`: the open folder, then one name, and no link
//! is followed.

use std::os::fd::AsRawFd;

use rustix::fs::XattrFlags;
use rustix::io::retry_on_intr;

use super::failure::{Failure, Result};
use super::handle::{AsHandle, HandleRef};

/// Neither a list of names nor a value is longer.
pub const BYTES_MAX: usize = 64 * 1024;

/// Where attributes are read from.
#[derive(Debug)]
pub enum Place<'a> {
    /// An open file or folder.
    Handle(HandleRef<'a>),
    /// A path that names the entry itself.
    Path(Vec<u8>),
}

impl Place<'_> {
    /// An entry of a folder that is not opened.
    pub fn entry(folder: impl AsHandle, name: &[u8]) -> Self {
        Place::Path(path_of_handle(folder, Some(name)))
    }

    /// Writes the names of all attributes into `buffer`, each with a zero behind it, and says how long they are.
    ///
    /// # Errors
    /// [`Failure::NO_ROOM`]; [`Failure::UNSUPPORTED`] where there are none.
    pub fn list(&self, buffer: &mut [u8]) -> Result<usize> {
        let listed = retry_on_intr(|| match self {
            Place::Handle(handle) => rustix::fs::flistxattr(handle, &mut *buffer),
            Place::Path(path) => rustix::fs::llistxattr(path, &mut *buffer),
        });
        listed.map_err(Failure)
    }

    /// Writes the value of the attribute `name` into `buffer` and says how long it is.
    ///
    /// # Errors
    /// [`Failure::NO_ROOM`]; [`Failure::NO_ATTRIBUTE`]; [`Failure::UNSUPPORTED`] where there are none.
    pub fn get(&self, name: &[u8], buffer: &mut [u8]) -> Result<usize> {
        let read = retry_on_intr(|| match self {
            Place::Handle(handle) => rustix::fs::fgetxattr(handle, name, &mut *buffer),
            Place::Path(path) => rustix::fs::lgetxattr(path, name, &mut *buffer),
        });
        read.map_err(Failure)
    }
}

/// Sets an attribute of an open file or folder.
///
/// # Errors
/// Those of the system.
pub fn set(handle: impl AsHandle, name: &[u8], value: &[u8]) -> Result<()> {
    rustix::fs::fsetxattr(handle.as_handle(), name, value, XattrFlags::empty()).map_err(Failure)
}

/// The path of what a handle holds, or of an entry of it, that works whatever was renamed.
pub fn path_of_handle(handle: impl AsHandle, name: Option<&[u8]>) -> Vec<u8> {
    let mut path = format!("/proc/self/fd/{}", handle.as_handle().0.as_raw_fd()).into_bytes();
    if let Some(name) = name {
        path.push(b'/');
        path.extend_from_slice(name);
    }
    path
}
