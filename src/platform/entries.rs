//! Entries of an open folder: made, given names, read as links, removed. Links are never followed.

use rustix::fs::{AtFlags, FileType, Mode, RenameFlags};
use rustix::io::retry_on_intr;

use super::failure::{Failure, Result};
use super::handle::AsHandle;

const OWNERS_ONLY: Mode = Mode::RUSR.union(Mode::WUSR);

/// Which sort of device node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// A character device.
    Character,
    /// A block device.
    Block,
}

/// Makes a folder with the permission bits of `mode`, less those that the user's mask takes.
///
/// # Errors
/// Those of the system, as everywhere here; [`Failure::EXISTS`] when the name is taken.
pub fn make_folder(folder: impl AsHandle, name: impl AsRef<[u8]>, mode: u32) -> Result<()> {
    rustix::fs::mkdirat(folder.as_handle(), name.as_ref(), Mode::from_raw_mode(mode)).map_err(Failure)
}

/// Makes a symbolic link; its target may be any bytes and is not looked at.
///
/// # Errors
/// Those of the system.
pub fn make_link(folder: impl AsHandle, name: impl AsRef<[u8]>, target: &[u8]) -> Result<()> {
    rustix::fs::symlinkat(target, folder.as_handle(), name.as_ref()).map_err(Failure)
}

/// Makes a named pipe, for its owner only.
///
/// # Errors
/// Those of the system.
pub fn make_pipe(folder: impl AsHandle, name: impl AsRef<[u8]>) -> Result<()> {
    rustix::fs::mkfifoat(folder.as_handle(), name.as_ref(), OWNERS_ONLY).map_err(Failure)
}

/// Makes a device node, for its owner only.
///
/// # Errors
/// [`Failure::NOT_PERMITTED`] without the privileges of root.
pub fn make_device(folder: impl AsHandle, name: impl AsRef<[u8]>, kind: DeviceKind, major: u32, minor: u32) -> Result<()> {
    let file_type = match kind {
        DeviceKind::Character => FileType::CharacterDevice,
        DeviceKind::Block => FileType::BlockDevice,
    };
    let number = rustix::fs::makedev(major, minor);
    rustix::fs::mknodat(folder.as_handle(), name.as_ref(), file_type, OWNERS_ONLY, number).map_err(Failure)
}

/// Gives the file `name` of `folder` a second name in `other`. Of a symbolic link the link itself gets it.
///
/// # Errors
/// [`Failure::EXISTS`] when that is taken.
pub fn add_name(folder: impl AsHandle, name: impl AsRef<[u8]>, other: impl AsHandle, new: impl AsRef<[u8]>) -> Result<()> {
    rustix::fs::linkat(folder.as_handle(), name.as_ref(), other.as_handle(), new.as_ref(), AtFlags::empty()).map_err(Failure)
}

/// Gives `old` the name `new`; what has that is replaced in one step.
///
/// # Errors
/// Those of the system.
pub fn rename_over(folder: impl AsHandle, old: impl AsRef<[u8]>, new: impl AsRef<[u8]>) -> Result<()> {
    rustix::fs::renameat(folder.as_handle(), old.as_ref(), folder.as_handle(), new.as_ref()).map_err(Failure)
}

/// Gives `old` the name `new`, if nothing has that. Some file systems cannot do both in one step.
///
/// # Errors
/// [`Failure::EXISTS`] when the name is taken; [`Failure::INVALID`], [`Failure::NO_CALL`] or
/// [`Failure::UNSUPPORTED`] from those that cannot.
pub fn rename_to_free(folder: impl AsHandle, old: impl AsRef<[u8]>, new: impl AsRef<[u8]>) -> Result<()> {
    let (folder, refuse) = (folder.as_handle(), RenameFlags::NOREPLACE);
    rustix::fs::renameat_with(folder, old.as_ref(), folder, new.as_ref(), refuse).map_err(Failure)
}

/// Removes a name of anything but a folder.
///
/// # Errors
/// [`Failure::NOT_FOUND`] when it is gone.
pub fn remove(folder: impl AsHandle, name: impl AsRef<[u8]>) -> Result<()> {
    rustix::fs::unlinkat(folder.as_handle(), name.as_ref(), AtFlags::empty()).map_err(Failure)
}

/// Removes an empty folder.
///
/// # Errors
/// [`Failure::NOT_EMPTY`]; [`Failure::NOT_FOUND`] when it is gone.
pub fn remove_folder(folder: impl AsHandle, name: impl AsRef<[u8]>) -> Result<()> {
    rustix::fs::unlinkat(folder.as_handle(), name.as_ref(), AtFlags::REMOVEDIR).map_err(Failure)
}

/// The target of a symbolic link, any bytes; with an empty name that of a pinned link.
///
/// # Errors
/// [`Failure::INVALID`] when it is none.
pub fn link_target(folder: impl AsHandle, name: impl AsRef<[u8]>) -> Result<Vec<u8>> {
    let target = retry_on_intr(|| rustix::fs::readlinkat(folder.as_handle(), name.as_ref(), Vec::new()));
    Ok(target?.into_bytes())
}
