//! Looks at what stands under a name, and in which mount it lies: what is mounted below a folder belongs to
//! somebody else, also when it is another part of the same file system. Nothing is mounted by a look.

use std::os::fd::AsRawFd;
use std::path::Path;

use rustix::fs::{Access, AtFlags, CWD, Statx, StatxAttributes, StatxFlags};
use rustix::io::{Errno, retry_on_intr};

use super::existing::{Existing, Identity};
use super::failure::{Failure, Result};
use super::handle::AsHandle;
use super::open;

/// What stands under a name or path in `folder`; a link at its end is not followed.
///
/// # Errors
/// [`Failure::NOT_FOUND`]; those of the system, as everywhere here.
pub fn at_entry(folder: impl AsHandle, name: impl AsRef<[u8]>) -> Result<Existing> {
    let found = retry_on_intr(|| rustix::fs::statat(folder.as_handle(), name.as_ref(), AtFlags::SYMLINK_NOFOLLOW));
    Ok(Existing::of(&found?))
}

/// As [`at_entry`], through links.
///
/// # Errors
/// As there.
pub fn behind_entry(folder: impl AsHandle, name: impl AsRef<[u8]>) -> Result<Existing> {
    let found = retry_on_intr(|| rustix::fs::statat(folder.as_handle(), name.as_ref(), AtFlags::empty()));
    Ok(Existing::of(&found?))
}

/// What a handle holds.
///
/// # Errors
/// Those of the system.
pub fn at_handle(handle: impl AsHandle) -> Result<Existing> {
    Ok(Existing::of(&rustix::fs::fstat(handle.as_handle())?))
}

/// What stands at the end of `path`; a link there is not followed.
///
/// # Errors
/// Those of the system.
pub fn at_path(path: &Path) -> Result<Existing> {
    Ok(Existing::of(&rustix::fs::lstat(path)?))
}

/// What `path` leads to, through links.
///
/// # Errors
/// Those of the system.
pub fn behind_path(path: &Path) -> Result<Existing> {
    Ok(Existing::of(&rustix::fs::stat(path)?))
}

/// Where something is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mount {
    /// The number of the mount; none before Linux 5.8.
    pub(super) id: Option<u64>,
    pub(super) device: u64,
}

impl Mount {
    /// Its number, where the kernel gives one.
    pub fn id(self) -> Option<u64> {
        self.id
    }

    /// True when this is not the mount `top`, or a folder of another file system in it (a subvolume).
    /// Of anything but a folder the device says nothing: an overlay gives those of its layers.
    pub fn is_other_than(self, top: Mount, is_directory: bool) -> bool {
        match (self.id, top.id) {
            (Some(own), Some(top)) if own != top => true,
            (Some(_), Some(_)) => is_directory && self.device != top.device,
            _ => self.device != top.device,
        }
    }
}

/// What stands under `name` in `folder`, or what the handle itself holds when the name is empty, and its mount. Links
/// are not followed.
///
/// # Errors
/// Those of the system.
pub fn closely(folder: impl AsHandle, name: &[u8]) -> Result<(Existing, Mount)> {
    look_closely(folder, name).map(|(existing, mount, _)| (existing, mount))
}

/// As [`closely`], of an open folder: also whether names in it stay for ever (`chattr +a`), where the file system
/// says so.
///
/// # Errors
/// Those of the system.
pub fn at_folder(folder: impl AsHandle) -> Result<(Existing, Mount, Option<bool>)> {
    look_closely(folder, b"")
}

fn look_closely(folder: impl AsHandle, name: &[u8]) -> Result<(Existing, Mount, Option<bool>)> {
    let mut flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    if name.is_empty() {
        flags |= AtFlags::EMPTY_PATH;
    }
    let mask = StatxFlags::BASIC_STATS | StatxFlags::MNT_ID;
    match retry_on_intr(|| rustix::fs::statx(folder.as_handle(), name, flags, mask)) {
        Ok(found) => {
            let existing = Existing::of_statx(&found);
            let append = StatxAttributes::APPEND;
            let is_append_only = found.stx_attributes_mask.contains(append).then(|| found.stx_attributes.contains(append));
            Ok((existing, Mount { id: mount_id(&found), device: existing.identity.device }, is_append_only))
        }
        // A kernel before 4.11, or a sandbox that does not know the call.
        Err(Errno::NOSYS) => {
            let existing = Existing::of(&retry_on_intr(|| rustix::fs::statat(folder.as_handle(), name, flags))?);
            Ok((existing, Mount { id: None, device: existing.identity.device }, None))
        }
        Err(errno) => Err(Failure(errno)),
    }
}

/// Which inode `path` leads to, through links; it is not opened, and nothing is mounted by it.
///
/// # Errors
/// Those of the system.
pub fn behind(path: &Path) -> Result<Identity> {
    match retry_on_intr(|| rustix::fs::statx(CWD, path, AtFlags::NO_AUTOMOUNT, StatxFlags::BASIC_STATS)) {
        Ok(found) => Ok(Existing::of_statx(&found).identity),
        Err(Errno::NOSYS) => Ok(Identity::of(&retry_on_intr(|| rustix::fs::stat(path))?)),
        Err(errno) => Err(Failure(errno)),
    }
}

/// Whether the entry `name` of a folder is marked as one that stays as it is (`chattr +i` or `+a`). Where it cannot be
/// asked the call that would change it says so.
pub fn is_fixed(folder: impl AsHandle, name: &[u8]) -> bool {
    has_attribute(folder, name, StatxAttributes::IMMUTABLE | StatxAttributes::APPEND)
}

/// Whether names in an open folder stay for ever (`chattr +a`).
pub fn is_append_only(folder: impl AsHandle) -> bool {
    has_attribute(folder, b"", StatxAttributes::APPEND)
}

/// Whether nothing in an open folder can be made, renamed or removed (`chattr +i`).
pub fn is_immutable(folder: impl AsHandle) -> bool {
    has_attribute(folder, b"", StatxAttributes::IMMUTABLE)
}

fn has_attribute(folder: impl AsHandle, name: &[u8], attributes: StatxAttributes) -> bool {
    let mut how = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    if name.is_empty() {
        how |= AtFlags::EMPTY_PATH;
    }
    let found = rustix::fs::statx(folder.as_handle(), name, how, StatxFlags::empty());
    found.is_ok_and(|found| found.stx_attributes.intersects(attributes))
}

/// Whether this user may make and remove names in the folder that a name or path in `folder` leads to.
pub fn may_write_in(folder: impl AsHandle, name: impl AsRef<[u8]>) -> bool {
    rustix::fs::accessat(folder.as_handle(), name.as_ref(), Access::WRITE_OK, AtFlags::EACCESS).is_ok()
}

/// Whether this user may make and remove names in an open folder, and reach what is in it.
pub fn may_change(folder: impl AsHandle) -> bool {
    rustix::fs::accessat(folder.as_handle(), c".", Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS).is_ok()
}

/// True when something is mounted on the entry `name`. It need not answer: another user's FUSE file
/// system refuses every look.
pub fn is_mount_point(folder: impl AsHandle, name: &[u8]) -> bool {
    let Ok(opened) = open::pinned_itself(&folder, name) else { return false };
    let (here, there) = (mount_of_handle(&folder), mount_of_handle(&opened));
    here.is_some() && there.is_some() && here != there
}

/// The number of the mount that a handle is on.
fn mount_of_handle(handle: impl AsHandle) -> Option<String> {
    let facts = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", handle.as_handle().0.as_raw_fd())).ok()?;
    facts.lines().find_map(|line| line.strip_prefix("mnt_id:")).map(|number| number.trim().to_owned())
}

fn mount_id(found: &Statx) -> Option<u64> {
    (found.stx_mask & StatxFlags::MNT_ID.bits() != 0).then_some(found.stx_mnt_id)
}

/// When the content of a file last changed, as the system says of it.
pub fn modified(found: &std::fs::Metadata) -> crate::units::Timestamp {
    use std::os::unix::fs::MetadataExt;
    crate::units::Timestamp::new(found.mtime(), u32::try_from(found.mtime_nsec()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_mount_or_a_folder_of_another_device_is_elsewhere() {
        let mount = |id, device| Mount { id, device };
        assert!(mount(Some(2), 1).is_other_than(mount(Some(1), 1), false), "a bind mount of the same file system");
        assert!(mount(Some(1), 2).is_other_than(mount(Some(1), 1), true), "a subvolume");
        assert!(!mount(Some(1), 2).is_other_than(mount(Some(1), 1), false), "a file of a layer below an overlay");
        assert!(mount(None, 2).is_other_than(mount(Some(1), 1), false), "a kernel that has no numbers of mounts");
        assert!(!mount(None, 1).is_other_than(mount(None, 1), true));
    }

    #[test]
    fn a_look_says_what_a_stat_says() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), b"12345").unwrap();
        let handle = crate::platform::open::pinned(folder.path()).unwrap();
        let (existing, _) = closely(&handle, b"file").unwrap();
        assert_eq!(existing, behind_path(&folder.path().join("file")).unwrap());
        let (itself, _) = closely(&handle, b"").unwrap();
        assert!(itself.is_directory());
    }
}
