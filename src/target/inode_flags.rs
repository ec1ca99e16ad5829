//! Inode flags (`chattr`): two of them while a file is empty, and all others last of all.
//!
//! btrfs takes "no copy on write" for an empty file alone and ignores it afterwards, and compresses
//! only what is written under the flag. An immutable file takes no change any more, so all
//! other flags come when it has all its names.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::IFlags;
use rustix::io::Errno;

use super::attributes::reason;
use super::file::NewFile;
use super::metadata::ApplyOptions;
use crate::error::Result;
use crate::manifest::Metadata;

/// The flags that a user can set; the others say how the file system keeps the file.
const SETTABLE: IFlags = IFlags::APPEND
    .union(IFlags::COMPRESSED)
    .union(IFlags::DIRSYNC)
    .union(IFlags::IMMUTABLE)
    .union(IFlags::JOURNALING)
    .union(IFlags::NOATIME)
    .union(IFlags::NOCOW)
    .union(IFlags::NODUMP)
    .union(IFlags::NOTAIL)
    .union(IFlags::SECURE_REMOVAL)
    .union(IFlags::SYNC)
    .union(IFlags::TOPDIR)
    .union(IFlags::UNRM);

const EARLY: IFlags = IFlags::NOCOW.union(IFlags::COMPRESSED);

impl NewFile {
    /// Sets those inode flags that a file must have before its content, if the options ask for it. What
    /// cannot be set is reported when the others are.
    ///
    /// # Errors
    /// `Changed` when the file was replaced.
    pub fn prepare(&self, metadata: &Metadata, options: &ApplyOptions) -> Result<()> {
        let wanted = IFlags::from_bits_retain(metadata.inode_flags) & EARLY;
        if !options.inode_flags || wanted.is_empty() {
            return Ok(());
        }
        let handle = self.handle()?;
        if let Ok(current) = rustix::fs::ioctl_getflags(&handle) {
            let _ = rustix::fs::ioctl_setflags(handle.as_fd(), current | wanted);
        }
        Ok(())
    }
}

/// Whether something was saved of an entry that is restored only when it is asked for, and was not:
/// inode flags, or attributes of the namespace `trusted`.
pub fn is_left_behind(metadata: &Metadata, options: &ApplyOptions) -> bool {
    let has_flags = IFlags::from_bits_retain(metadata.inode_flags).intersects(SETTABLE);
    let has_trusted = || metadata.xattrs.iter().any(|xattr| xattr.name.starts_with(b"trusted."));
    (has_flags && !options.inode_flags) || (!options.trusted_xattrs && has_trusted())
}

/// Whether an open file or folder has the inode flags that a restore would give it.
pub(super) fn has_inode_flags(handle: BorrowedFd<'_>, metadata: &Metadata) -> bool {
    let recorded = IFlags::from_bits_retain(metadata.inode_flags) & SETTABLE;
    // Where there are none, setting them says so.
    rustix::fs::ioctl_getflags(handle).map_or(recorded.is_empty(), |found| found & SETTABLE == recorded)
}

/// Sets the inode flags of an open file or folder if the options ask for it, as the very last step:
/// after the file has its name, and every hard link of it is made.
pub fn apply_inode_flags(handle: BorrowedFd<'_>, metadata: &Metadata, options: &ApplyOptions) -> Vec<String> {
    let recorded = IFlags::from_bits_retain(metadata.inode_flags) & SETTABLE;
    if !options.inode_flags {
        return Vec::new();
    }
    let set = || {
        let current = match rustix::fs::ioctl_getflags(handle) {
            Err(Errno::NOTTY | Errno::OPNOTSUPP) if recorded.is_empty() => return Ok(IFlags::empty()),
            result => result?,
        };
        let wanted = (current - SETTABLE) | recorded;
        if current == wanted {
            return Ok(IFlags::empty());
        }
        rustix::fs::ioctl_setflags(handle, wanted)?;
        // Some file systems take a flag without a word and do not keep it.
        Ok(recorded - rustix::fs::ioctl_getflags(handle)?)
    };
    match set() {
        Ok(missing) if missing.is_empty() => Vec::new(),
        Ok(missing) => vec![format!("inode flags {:#x} not restored: the file system did not keep them", missing.bits())],
        Err(errno) => vec![format!("inode flags {:#x} not restored: {}", recorded.bits(), reason(errno))],
    }
}
