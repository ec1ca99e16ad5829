//! What stands under a name, and in which mount: what is mounted below a destination belongs to
//! somebody else, also when it is another part of the same file system.

use std::os::fd::BorrowedFd;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Statx, StatxAttributes, StatxFlags};
use rustix::io::{Errno, Result, retry_on_intr};

use super::existing::{Existing, Identity};

/// Where something is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    /// The number of the mount; none before Linux 5.8.
    id: Option<u64>,
    device: u64,
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

/// Looks at `name` in `folder`, or at the handle itself when the name is empty. Links are not followed
/// and nothing is mounted by it.
///
/// # Errors
/// Those of looking.
pub(super) fn look(folder: BorrowedFd<'_>, name: &[u8]) -> Result<(Existing, Mount)> {
    look_closely(folder, name).map(|(existing, mount, _)| (existing, mount))
}

/// As [`look`], of an open folder: also whether it may only be appended to (`chattr +a`), where the file system
/// says so.
///
/// # Errors
/// Those of looking.
pub(super) fn look_at_folder(folder: BorrowedFd<'_>) -> Result<(Existing, Mount, Option<bool>)> {
    look_closely(folder, b"")
}

fn look_closely(folder: BorrowedFd<'_>, name: &[u8]) -> Result<(Existing, Mount, Option<bool>)> {
    let mut flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    if name.is_empty() {
        flags |= AtFlags::EMPTY_PATH;
    }
    let mask = StatxFlags::BASIC_STATS | StatxFlags::MNT_ID;
    match retry_on_intr(|| rustix::fs::statx(folder, name, flags, mask)) {
        Ok(found) => {
            let existing = Existing::of_statx(&found);
            let append = StatxAttributes::APPEND;
            let is_append_only = found.stx_attributes_mask.contains(append).then(|| found.stx_attributes.contains(append));
            Ok((existing, Mount { id: mount_id(&found), device: existing.identity.device }, is_append_only))
        }
        // A kernel before 4.11, or a sandbox that does not know the call.
        Err(Errno::NOSYS) => {
            let existing = Existing::of(&retry_on_intr(|| rustix::fs::statat(folder, name, flags))?);
            Ok((existing, Mount { id: None, device: existing.identity.device }, None))
        }
        Err(errno) => Err(errno),
    }
}

/// Which inode `path` leads to, through links; it is not opened, and nothing is mounted by it.
///
/// # Errors
/// Those of looking.
pub(super) fn look_behind(path: &Path) -> Result<Identity> {
    match retry_on_intr(|| rustix::fs::statx(CWD, path, AtFlags::NO_AUTOMOUNT, StatxFlags::BASIC_STATS)) {
        Ok(found) => Ok(Existing::of_statx(&found).identity),
        Err(Errno::NOSYS) => retry_on_intr(|| rustix::fs::stat(path)).map(|stat| Identity::of(&stat)),
        Err(errno) => Err(errno),
    }
}

fn mount_id(found: &Statx) -> Option<u64> {
    (found.stx_mask & StatxFlags::MNT_ID.bits() != 0).then_some(found.stx_mnt_id)
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
        let handle = rustix::fs::open(folder.path(), rustix::fs::OFlags::PATH, rustix::fs::Mode::empty()).unwrap();
        use std::os::fd::AsFd;
        let (existing, _) = look(handle.as_fd(), b"file").unwrap();
        assert_eq!(existing, Existing::of(&rustix::fs::stat(folder.path().join("file")).unwrap()));
        let (itself, _) = look(handle.as_fd(), b"").unwrap();
        assert!(itself.is_directory());
    }
}
