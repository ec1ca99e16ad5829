//! A folder of the destination, and what can be done in it: always by its handle and one name.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, OnceLock};

use rustix::fs::{AtFlags, FileType, IFlags, Mode, OFlags, RenameFlags};
use rustix::io::{Errno, retry_on_intr};

use super::destination::join;
use super::disk::Disk;
use super::existing::{Existing, Identity};
use super::given_names::is_temporary_name;
use super::mount::look;
use super::removal::{self, Everything, Guard, Judge, Stays};
use super::subject::Subject;
use super::system_error;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::check_name;
use crate::units::PathText;

/// An open folder. It stays the same folder even when somebody renames it or puts a link in its
/// place. Methods are called from any thread.
#[derive(Debug)]
pub struct Folder {
    handle: OwnedFd,
    /// For messages only.
    path: Vec<u8>,
    /// Whether it gives an ACL to what is made in it, once that was asked.
    gives_acl: OnceLock<bool>,
    /// Whether what is in it keeps its name for ever, once that was asked.
    is_append_only: OnceLock<bool>,
    /// What is never removed from the destination.
    guard: Arc<Guard>,
    /// The file system that it is on.
    pub(super) disk: Arc<Disk>,
}

/// What a folder gives to the files that are made in it.
const DEFAULT_ACL: &str = "system.posix_acl_default";

/// Which sort of device node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// A character device.
    Character,
    /// A block device.
    Block,
}

impl Folder {
    pub(super) fn new(handle: OwnedFd, path: Vec<u8>, guard: Arc<Guard>, disk: Arc<Disk>) -> Self {
        Self { handle, path, gives_acl: OnceLock::new(), is_append_only: OnceLock::new(), guard, disk }
    }

    pub(super) fn handle(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }

    /// The path of an entry, for messages.
    pub fn path_of(&self, name: &[u8]) -> Vec<u8> {
        join(&self.path, name)
    }

    fn fail(&self, action: &str, name: &[u8]) -> impl FnOnce(Errno) -> Error {
        let path = self.path_of(name);
        move |errno| system_error(action, &path, errno)
    }

    /// What stands under `name`, if anything; links are not followed.
    ///
    /// # Errors
    /// `Damaged` for an impossible name, as everywhere here; `Denied`.
    pub fn stat(&self, name: &[u8]) -> Result<Option<Existing>> {
        check_name(name)?;
        match rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(Existing::of(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.fail("cannot look at", name)(errno)),
        }
    }

    /// All names in the folder, sorted.
    ///
    /// # Errors
    /// Those of reading it.
    pub fn names(&self) -> Result<Vec<Vec<u8>>> {
        names_in(self.as_fd()).map_err(|errno| system_error("cannot read folder", &self.path, errno))
    }

    /// Removes `name`, whatever it is, a folder with everything below it; links are removed, not
    /// followed. One that is gone is fine.
    ///
    /// # Errors
    /// `Denied`; `Exists` when something of it must stay: what is protected, and mounts; `Changed` when
    /// the tree is moved meanwhile. What was removed before stays removed.
    pub fn remove(&self, name: &[u8]) -> Result<()> {
        let mut everything = Everything::default();
        if self.remove_as(name, false, &mut everything)? {
            return Ok(());
        }
        let why = match everything.stays {
            Some(Stays::Protected(what)) => format!("{what} stays"),
            Some(Stays::OtherFileSystem) => "another file system is mounted there".to_owned(),
            _ => "it is above something that stays".to_owned(),
        };
        Err(Error::new(ErrorKind::Exists, format!("cannot remove {}: {why}", PathText(&self.path_of(name)))))
    }

    /// Removes what this restore has just made under a temporary name, as well as it can.
    pub fn discard(&self, temporary: &[u8]) {
        if is_temporary_name(temporary) {
            let _ = rustix::fs::unlinkat(&self.handle, temporary, AtFlags::empty());
        }
    }

    /// Removes `name` with what is below it as far as `judge` says, and never what is protected or lies in
    /// another mount. With `is_dry` it only tells the judge what would go. True when nothing is left.
    ///
    /// # Errors
    /// `Denied`; `Changed` when the tree is moved meanwhile; those of the judge. What was removed before
    /// stays removed.
    pub fn remove_as(&self, name: &[u8], is_dry: bool, judge: &mut dyn Judge) -> Result<bool> {
        check_name(name)?;
        removal::remove(&self.guard, self.handle.as_fd(), name, &self.path_of(name), is_dry, judge)
    }

    /// What `existing` is for the repository when it must not be replaced.
    pub fn forbids_replacing(&self, existing: &Existing) -> Option<String> {
        self.guard.forbids_replacing(existing)
    }

    /// Whether the folder lies in another mount than the destination.
    ///
    /// # Errors
    /// Those of looking.
    pub fn is_in_other_mount(&self) -> Result<bool> {
        let (_, mount) = look(self.as_fd(), b"").map_err(|errno| system_error("cannot look at", &self.path, errno))?;
        Ok(mount.is_other_than(self.guard.top, true))
    }

    /// Whether something else is mounted under `name`, which is no folder.
    ///
    /// # Errors
    /// Those of looking.
    pub fn is_mounted_over(&self, name: &[u8]) -> Result<bool> {
        check_name(name)?;
        let (_, own) = look(self.as_fd(), b"").map_err(|errno| system_error("cannot look at", &self.path, errno))?;
        let (_, mount) = look(self.as_fd(), name).map_err(self.fail("cannot look at", name))?;
        Ok(mount.is_other_than(own, false))
    }

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

    /// The target of a symbolic link.
    ///
    /// # Errors
    /// `NotFound`, or `Other` when it is no link.
    pub fn link_target(&self, name: &[u8]) -> Result<Vec<u8>> {
        check_name(name)?;
        let target = rustix::fs::readlinkat(&self.handle, name, Vec::new()).map_err(self.fail("cannot read link", name))?;
        Ok(target.into_bytes())
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
        match self.stat(name)?.and_then(|existing| self.forbids_replacing(&existing)) {
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

    /// Opens a regular file for reading: to compare it, or to verify what was written. Links are not
    /// followed and a pipe does not block.
    ///
    /// # Errors
    /// `NotFound`; `Denied`; `Exists` when it is no regular file.
    pub fn open_file(&self, name: &[u8]) -> Result<File> {
        check_name(name)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let handle =
            retry_on_intr(|| rustix::fs::openat(&self.handle, name, flags, Mode::empty())).map_err(self.fail("cannot open", name))?;
        let stat = rustix::fs::fstat(&handle).map_err(self.fail("cannot look at", name))?;
        if !FileType::from_raw_mode(stat.st_mode).is_file() {
            return Err(Error::new(ErrorKind::Exists, format!("{} is not a regular file", PathText(&self.path_of(name)))));
        }
        Ok(File::from(handle))
    }

    /// A umask that takes rights from the owner must not keep us out of a folder we just made.
    pub(super) fn let_owner_in(&self, name: &[u8]) -> Result<()> {
        match self.stat(name)? {
            Some(existing) if existing.is_directory() && existing.mode & 0o700 != 0o700 => {
                let pinned = Subject::pin(self.as_fd(), name).map_err(self.fail("cannot open folder", name))?;
                pinned.set_mode(existing.mode | 0o700).map_err(self.fail("cannot set the mode of", name))
            }
            _ => Ok(()),
        }
    }

    /// True when what is made in the folder inherits an ACL. Asked once: its own metadata is set after
    /// its entries are made.
    pub(super) fn gives_acl(&self) -> bool {
        let ask = || match rustix::fs::fgetxattr(&self.handle, DEFAULT_ACL, &mut [0u8; 1][..]) {
            // It has none, or its file system has no such thing. Anything else is an ACL that does not
            // fit, or no answer.
            Err(errno) => !matches!(errno, Errno::NODATA | Errno::OPNOTSUPP),
            Ok(_) => true,
        };
        *self.gives_acl.get_or_init(ask)
    }

    /// True when the folder was removed and its handle leads nowhere.
    pub(super) fn is_removed(&self) -> bool {
        rustix::fs::fstat(&self.handle).map_or(true, |stat| stat.st_nlink == 0)
    }
}

/// All names in an open folder, sorted.
///
/// # Errors
/// Those of reading it.
pub fn names_in(folder: BorrowedFd<'_>) -> rustix::io::Result<Vec<Vec<u8>>> {
    // A handle of its own, because the position in a listing belongs to the handle.
    let handle = retry_on_intr(|| rustix::fs::openat(folder, c".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()))?;
    let mut names = Vec::new();
    removal::visit_names(handle.as_fd(), |name, _| {
        names.push(name.to_vec());
        Ok(true)
    })?;
    names.sort_unstable();
    Ok(names)
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }
}
