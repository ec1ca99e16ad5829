//! What is made in a folder: under a temporary name, which then gives way to its own.

use rustix::fs::{AtFlags, FileType, IFlags, Mode, RenameFlags};
use rustix::io::Errno;

use super::Folder;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::check_name;
use crate::target::existing::Identity;
use crate::units::PathText;

/// Which sort of device node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// A character device.
    Character,
    /// A block device.
    Block,
}

impl Folder {
    /// Refuses to make something under a temporary name where it could neither get its own nor be removed
    /// again: in a folder that may only be appended to.
    ///
    /// # Errors
    /// `Denied`.
    pub fn check_renaming(&self) -> Result<()> {
        let ask = || rustix::fs::ioctl_getflags(&self.handle).is_ok_and(|flags| flags.contains(IFlags::APPEND));
        if !*self.is_append_only.get_or_init(ask) {
            return Ok(());
        }
        let message = format!("nothing gets a name in {}: the folder is append-only (chattr +a)", PathText(&self.path));
        Err(Error::new(ErrorKind::Denied, message))
    }

    /// Makes a symbolic link; its target may be any bytes and is not looked at.
    ///
    /// # Errors
    /// `Exists`, `Full`, `Denied`.
    pub fn symlink(&self, name: &[u8], target: &[u8]) -> Result<()> {
        check_name(name)?;
        self.check_renaming()?;
        rustix::fs::symlinkat(target, &self.handle, name).map_err(self.fail("cannot make link", name))
    }

    /// Makes a named pipe, for its owner only until its metadata is set.
    ///
    /// # Errors
    /// `Exists`, `Full`, `Denied`.
    pub fn fifo(&self, name: &[u8]) -> Result<()> {
        check_name(name)?;
        self.check_renaming()?;
        rustix::fs::mkfifoat(&self.handle, name, Mode::RUSR | Mode::WUSR).map_err(self.fail("cannot make pipe", name))
    }

    /// Makes a device node, for its owner only until its metadata is set.
    ///
    /// # Errors
    /// `Denied`, saying so, without the privileges of root; `Exists`, `Full`.
    pub fn device(&self, name: &[u8], kind: DeviceKind, major: u32, minor: u32) -> Result<()> {
        check_name(name)?;
        self.check_renaming()?;
        let file_type = match kind {
            DeviceKind::Character => FileType::CharacterDevice,
            DeviceKind::Block => FileType::BlockDevice,
        };
        let number = rustix::fs::makedev(major, minor);
        rustix::fs::mknodat(&self.handle, name, file_type, Mode::RUSR | Mode::WUSR, number).map_err(|errno| {
            let error = self.fail("cannot make device", name)(errno);
            if errno == Errno::PERM { error.context("needs root") } else { error }
        })
    }

    /// Gives the file that `other` has under `other_name` the name `name` here too. It must be the
    /// inode `identity`, one that this restore wrote or found right: a link to anything else that
    /// was put in its place is taken back.
    ///
    /// # Errors
    /// `Exists`; `NotFound`; `Changed` when it is another inode; `Denied` for an immutable file.
    pub fn hard_link_from(&self, other: &Folder, other_name: &[u8], identity: Identity, name: &[u8]) -> Result<()> {
        check_name(other_name)?;
        check_name(name)?;
        self.check_renaming()?;
        // Without AT_SYMLINK_FOLLOW a symbolic link would itself be linked, not what it points at.
        rustix::fs::linkat(&other.handle, other_name, &self.handle, name, AtFlags::empty()).map_err(self.fail("cannot link", name))?;
        match self.stat(name)? {
            Some(existing) if existing.identity == identity => Ok(()),
            _ => {
                rustix::fs::unlinkat(&self.handle, name, AtFlags::empty()).map_err(self.fail("cannot remove", name))?;
                let path = other.path_of(other_name);
                Err(Error::new(ErrorKind::Changed, format!("{} was replaced during the restore", PathText(&path))))
            }
        }
    }

    /// Gives what stands under `temporary` its own name. Without `replace` a name that is taken is
    /// left alone, also when it is taken only because the file system folds case or accents. With
    /// `replace`, anything but a folder is replaced in one step; a folder is the caller's to remove.
    ///
    /// # Errors
    /// `Exists`, `Full`, `Denied`.
    pub fn rename_new(&self, temporary: &[u8], name: &[u8], replace: bool) -> Result<()> {
        check_name(temporary)?;
        check_name(name)?;
        if replace && !self.guard.protected.is_empty() {
            self.check_replacing(name)?;
        }
        let result =
            if replace { rustix::fs::renameat(&self.handle, temporary, &self.handle, name) } else { self.rename_to_free(temporary, name) };
        result.map_err(self.fail("cannot rename to", name))
    }

    fn check_replacing(&self, name: &[u8]) -> Result<()> {
        match self.stat(name)?.and_then(|existing| self.forbids_replacing(name, &existing)) {
            Some(what) => Err(Error::new(ErrorKind::Denied, format!("{} is not replaced: it is {what}", PathText(&self.path_of(name))))),
            None => Ok(()),
        }
    }

    fn rename_to_free(&self, temporary: &[u8], name: &[u8]) -> rustix::io::Result<()> {
        let (here, no_replace) = (&self.handle, RenameFlags::NOREPLACE);
        match rustix::fs::renameat_with(here, temporary, here, name, no_replace) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
            result => return result,
        }
        // A file system that cannot: a second name fails just as surely when it is taken.
        match rustix::fs::linkat(here, temporary, here, name, AtFlags::empty()) {
            Ok(()) => return rustix::fs::unlinkat(here, temporary, AtFlags::empty()),
            Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS | Errno::MLINK) => {}
            Err(errno) => return Err(errno),
        }
        // One without links either (FAT on an old kernel): look first, which is the best it allows.
        match rustix::fs::statat(here, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => rustix::fs::renameat(here, temporary, here, name),
            Ok(_) => Err(Errno::EXIST),
            Err(errno) => Err(errno),
        }
    }
}
