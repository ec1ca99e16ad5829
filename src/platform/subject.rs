//! The inode whose metadata is set: an open file or folder, or a link or special file that is only
//! pinned.
//!
//! Links, pipes and devices must not be opened (a pipe blocks, a device acts), so they are pinned
//! with `O_PATH`, which keeps the inode whatever happens to its name. The calls that take no such
//! handle go through `/proc/self/fd`, which leads to the pinned inode itself and no further.

use std::os::fd::AsRawFd;

use rustix::fs::{AtFlags, CWD, Gid, Mode, Uid, XattrFlags};

use super::existing::Existing;
use super::failure::{Failure, Result};
use super::handle::{AsHandle, Handle, HandleRef};
use super::look;
use super::open;
use super::times::{self, Times};

/// The kernel gives at most so many bytes of attribute names.
const XATTR_LIST_BYTES_MAX: usize = 64 * 1024;

/// What metadata is set on.
#[derive(Debug)]
pub enum Subject<'a> {
    /// A regular file or a folder.
    Opened(HandleRef<'a>),
    /// Anything, by `O_PATH`.
    Pinned(Handle),
}

impl Subject<'_> {
    /// Pins `name` in `folder` without opening it; a link is pinned itself.
    ///
    /// # Errors
    /// Those of the system, as everywhere here.
    pub fn pin(folder: impl AsHandle, name: &[u8]) -> Result<Self> {
        open::pinned_itself(folder, name).map(Self::Pinned)
    }

    fn handle(&self) -> HandleRef<'_> {
        match self {
            Self::Opened(handle) => *handle,
            Self::Pinned(handle) => handle.as_handle(),
        }
    }

    fn proc_path(&self) -> String {
        format!("/proc/self/fd/{}", self.handle().0.as_raw_fd())
    }

    /// What it is.
    ///
    /// # Errors
    /// Those of the system.
    pub fn look(&self) -> Result<Existing> {
        look::at_handle(self.handle())
    }

    /// Its times.
    ///
    /// # Errors
    /// Those of the system.
    pub fn times(&self) -> Result<Times> {
        times::of(self.handle())
    }

    /// Sets owner and group; `None` leaves one as it is.
    ///
    /// # Errors
    /// Those of the system.
    pub fn set_owner(&self, uid: Option<u32>, gid: Option<u32>) -> Result<()> {
        // The number of all ones means "leave it" to the kernel and is no owner.
        if uid == Some(u32::MAX) || gid == Some(u32::MAX) {
            return Err(Failure::INVALID);
        }
        let (uid, gid) = (uid.map(Uid::from_raw), gid.map(Gid::from_raw));
        match self {
            Self::Opened(handle) => rustix::fs::fchown(handle, uid, gid).map_err(Failure),
            Self::Pinned(handle) => rustix::fs::chownat(handle, c"", uid, gid, AtFlags::EMPTY_PATH).map_err(Failure),
        }
    }

    /// Sets the mode. Not for symbolic links, which have none.
    ///
    /// # Errors
    /// Those of the system.
    pub fn set_mode(&self, mode: u32) -> Result<()> {
        let mode = Mode::from_raw_mode(mode & 0o7777);
        match self {
            Self::Opened(handle) => rustix::fs::fchmod(handle, mode).map_err(Failure),
            Self::Pinned(_) => rustix::fs::chmodat(CWD, self.proc_path(), mode, AtFlags::empty()).map_err(Failure),
        }
    }

    /// Sets its times.
    ///
    /// # Errors
    /// Those of the system.
    pub fn set_times(&self, new: &Times) -> Result<()> {
        match self {
            Self::Opened(handle) => times::set(handle, new),
            Self::Pinned(handle) => times::set_pinned(handle, new),
        }
    }

    /// Sets an extended attribute.
    ///
    /// # Errors
    /// Those of the system.
    pub fn set_xattr(&self, name: &[u8], value: &[u8]) -> Result<()> {
        match self {
            Self::Opened(handle) => rustix::fs::fsetxattr(handle, name, value, XattrFlags::empty()).map_err(Failure),
            Self::Pinned(_) => rustix::fs::setxattr(self.proc_path(), name, value, XattrFlags::empty()).map_err(Failure),
        }
    }

    /// Removes an extended attribute.
    ///
    /// # Errors
    /// Those of the system.
    pub fn remove_xattr(&self, name: &[u8]) -> Result<()> {
        match self {
            Self::Opened(handle) => rustix::fs::fremovexattr(handle, name).map_err(Failure),
            Self::Pinned(_) => rustix::fs::removexattr(self.proc_path(), name).map_err(Failure),
        }
    }

    /// The names of all attributes.
    ///
    /// # Errors
    /// Those of the system.
    pub fn xattr_names(&self) -> Result<Vec<Vec<u8>>> {
        let mut small = [0; 512];
        let list = match self.list_xattrs(&mut small) {
            Ok(count) => small[..count].to_vec(),
            Err(Failure::NO_ROOM) => {
                let mut large = vec![0; XATTR_LIST_BYTES_MAX];
                let count = self.list_xattrs(&mut large)?;
                large.truncate(count);
                large
            }
            Err(failure) => return Err(failure),
        };
        Ok(list.split(|byte| *byte == 0).filter(|name| !name.is_empty()).map(<[u8]>::to_vec).collect())
    }

    fn list_xattrs(&self, buffer: &mut [u8]) -> Result<usize> {
        match self {
            Self::Opened(handle) => rustix::fs::flistxattr(handle, buffer).map_err(Failure),
            Self::Pinned(_) => rustix::fs::listxattr(self.proc_path(), buffer).map_err(Failure),
        }
    }
}
