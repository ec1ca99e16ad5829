//! Owners and permission bits of what is open, or was just made under a name.

use std::path::Path;

use rustix::fs::{AtFlags, Gid, Mode, Uid};

use super::failure::{Failure, Result};
use super::handle::AsHandle;

/// Permission bits: a folder gives its group to what is made in it.
pub const GIVES_GROUP: u32 = 0o2000;
/// Permission bits: the group may write.
pub const GROUP_WRITES: u32 = 0o020;

/// Sets owner and group of an open file or folder.
///
/// # Errors
/// Those of the system, as everywhere here.
pub fn set_owner(handle: impl AsHandle, (user, group): (u32, u32)) -> Result<()> {
    rustix::fs::fchown(handle.as_handle(), Some(Uid::from_raw(user)), Some(Gid::from_raw(group))).map_err(Failure)
}

/// Sets owner and group of the entry `name` of a folder, of a link itself.
///
/// # Errors
/// Those of the system.
pub fn set_owner_of(folder: impl AsHandle, name: impl AsRef<[u8]>, (user, group): (u32, u32)) -> Result<()> {
    let (user, group) = (Some(Uid::from_raw(user)), Some(Gid::from_raw(group)));
    rustix::fs::chownat(folder.as_handle(), name.as_ref(), user, group, AtFlags::SYMLINK_NOFOLLOW).map_err(Failure)
}

/// Sets the permission bits of an open file or folder.
///
/// # Errors
/// Those of the system.
pub fn set_mode(handle: impl AsHandle, mode: u32) -> Result<()> {
    rustix::fs::fchmod(handle.as_handle(), Mode::from_raw_mode(mode)).map_err(Failure)
}

/// Sets the permission bits of what the name leads to.
///
/// # Errors
/// Those of the system.
pub fn set_mode_of(folder: impl AsHandle, name: impl AsRef<[u8]>, mode: u32) -> Result<()> {
    rustix::fs::chmodat(folder.as_handle(), name.as_ref(), Mode::from_raw_mode(mode), AtFlags::empty()).map_err(Failure)
}

/// Sets the permission bits of what `path` leads to.
///
/// # Errors
/// Those of the system.
pub fn set_mode_at(path: &Path, mode: u32) -> Result<()> {
    rustix::fs::chmod(path, Mode::from_raw_mode(mode)).map_err(Failure)
}

/// Makes the folder `path`, with these permission bits less those that the user's mask takes.
///
/// # Errors
/// [`Failure::EXISTS`] when the name is taken.
pub fn make_folder_at(path: &Path, mode: u32) -> Result<()> {
    rustix::fs::mkdir(path, Mode::from_raw_mode(mode)).map_err(Failure)
}
