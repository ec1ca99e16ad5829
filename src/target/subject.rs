//! The inode whose metadata is set: an open file or folder, or a link or special file that is only
//! pinned.
//!
//! Links, pipes and devices must not be opened (a pipe blocks, a device acts), so they are pinned
//! with `O_PATH`, which keeps the inode whatever happens to its name. The calls that take no such
//! handle go through `/proc/self/fd`, which leads to the pinned inode itself and no further.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, CWD, Gid, Mode, OFlags, Stat, Timestamps, Uid, XattrFlags};
use rustix::io::{Errno, Result};

/// The kernel gives at most so many bytes of attribute names.
const XATTR_LIST_BYTES_MAX: usize = 64 * 1024;

/// What metadata is set on.
#[derive(Debug)]
pub(super) enum Subject<'a> {
    /// A regular file or a folder.
    Opened(BorrowedFd<'a>),
    /// Anything, by `O_PATH`.
    Pinned(OwnedFd),
}

impl Subject<'_> {
    /// Pins `name` in `folder` without opening it; a link is pinned itself.
    pub(super) fn pin(folder: BorrowedFd<'_>, name: &[u8]) -> Result<Self> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::io::retry_on_intr(|| rustix::fs::openat(folder, name, flags, Mode::empty())).map(Self::Pinned)
    }

    fn handle(&self) -> BorrowedFd<'_> {
        match self {
            Self::Opened(handle) => *handle,
            Self::Pinned(handle) => handle.as_fd(),
        }
    }

    fn proc_path(&self) -> String {
        format!("/proc/self/fd/{}", self.handle().as_raw_fd())
    }

    pub(super) fn stat(&self) -> Result<Stat> {
        rustix::fs::fstat(self.handle())
    }

    /// Sets owner and group; `None` leaves one as it is.
    pub(super) fn set_owner(&self, uid: Option<u32>, gid: Option<u32>) -> Result<()> {
        // The number of all ones means "leave it" to the kernel and is no owner.
        if uid == Some(u32::MAX) || gid == Some(u32::MAX) {
            return Err(Errno::INVAL);
        }
        let (uid, gid) = (uid.map(Uid::from_raw), gid.map(Gid::from_raw));
        match self {
            Self::Opened(handle) => rustix::fs::fchown(handle, uid, gid),
            Self::Pinned(handle) => rustix::fs::chownat(handle, c"", uid, gid, AtFlags::EMPTY_PATH),
        }
    }

    /// Sets the mode. Not for symbolic links, which have none.
    pub(super) fn set_mode(&self, mode: u32) -> Result<()> {
        let mode = Mode::from_raw_mode(mode & 0o7777);
        match self {
            Self::Opened(handle) => rustix::fs::fchmod(handle, mode),
            Self::Pinned(_) => rustix::fs::chmodat(CWD, self.proc_path(), mode, AtFlags::empty()),
        }
    }

    pub(super) fn set_times(&self, times: &Timestamps) -> Result<()> {
        match self {
            Self::Opened(handle) => rustix::fs::futimens(handle, times),
            Self::Pinned(handle) => rustix::fs::utimensat(handle, c"", times, AtFlags::EMPTY_PATH),
        }
    }

    pub(super) fn set_xattr(&self, name: &[u8], value: &[u8]) -> Result<()> {
        match self {
            Self::Opened(handle) => rustix::fs::fsetxattr(handle, name, value, XattrFlags::empty()),
            Self::Pinned(_) => rustix::fs::setxattr(self.proc_path(), name, value, XattrFlags::empty()),
        }
    }

    pub(super) fn remove_xattr(&self, name: &[u8]) -> Result<()> {
        match self {
            Self::Opened(handle) => rustix::fs::fremovexattr(handle, name),
            Self::Pinned(_) => rustix::fs::removexattr(self.proc_path(), name),
        }
    }

    /// The names of all attributes.
    pub(super) fn xattr_names(&self) -> Result<Vec<Vec<u8>>> {
        let mut small = [0; 512];
        let list = match self.list_xattrs(&mut small) {
            Ok(count) => small[..count].to_vec(),
            Err(Errno::RANGE) => {
                let mut large = vec![0; XATTR_LIST_BYTES_MAX];
                let count = self.list_xattrs(&mut large)?;
                large.truncate(count);
                large
            }
            Err(errno) => return Err(errno),
        };
        Ok(list.split(|byte| *byte == 0).filter(|name| !name.is_empty()).map(<[u8]>::to_vec).collect())
    }

    fn list_xattrs(&self, buffer: &mut [u8]) -> Result<usize> {
        match self {
            Self::Opened(handle) => rustix::fs::flistxattr(handle, buffer),
            Self::Pinned(_) => rustix::fs::listxattr(self.proc_path(), buffer),
        }
    }
}
