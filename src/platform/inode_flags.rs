//! Inode flags, as `chattr` sets them: their bits are those that snapshots keep.
//!
//! The system tells two sorts of things by them: what a person chose, and how the file system happens to keep the
//! inode (by extents, with an index, inline). The second sort cannot be restored, and would make the same folder look
//! different on another disk.

use rustix::fs::IFlags;
use rustix::io::retry_on_intr;

use super::failure::{Failure, Result};
use super::handle::AsHandle;

/// What a person can choose. Secure removal, undelete, compressed, synchronous, immutable, append only, no dump, no
/// access time; not compressed, journalled data, no tail merging, synchronous folder, top of a hierarchy; not copied
/// on write, direct access, inherited project, folded case.
pub const CHOSEN: u32 = 0x0000_00ff
    | 0x0000_0400
    | 0x0000_4000
    | 0x0000_8000
    | 0x0001_0000
    | 0x0002_0000
    | 0x0080_0000
    | 0x0200_0000
    | 0x2000_0000
    | 0x4000_0000;

/// What a user can set on an inode that is there already.
pub const SETTABLE: u32 = IFlags::APPEND
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
    .union(IFlags::UNRM)
    .bits();

/// What btrfs takes for an empty file alone ("no copy on write"), or only what is written afterwards obeys.
pub const BEFORE_CONTENT: u32 = IFlags::NOCOW.union(IFlags::COMPRESSED).bits();

/// Names in the folder stay for ever, and files only grow.
pub const APPEND_ONLY: u32 = IFlags::APPEND.bits();

/// The flags of an open file or folder.
///
/// # Errors
/// [`Failure::NO_QUESTION`] or [`Failure::UNSUPPORTED`] where the file system has none.
pub fn read(handle: impl AsHandle) -> Result<u32> {
    retry_on_intr(|| rustix::fs::ioctl_getflags(handle.as_handle())).map(|flags| flags.bits()).map_err(Failure)
}

/// Sets the flags of an open file or folder, all of them.
///
/// # Errors
/// Those of the system.
pub fn set(handle: impl AsHandle, flags: u32) -> Result<()> {
    rustix::fs::ioctl_setflags(handle.as_handle(), IFlags::from_bits_retain(flags)).map_err(Failure)
}
