//! What is made in a folder: under a temporary name, which then gives way to its own.

use std::sync::PoisonError;
use std::time::Duration;

use super::Folder;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::check_name;
use crate::platform::entries::{self, DeviceKind};
use crate::platform::failure::{self, Failure};
use crate::platform::lock::{self, Share};
use crate::platform::{AsHandle, HandleRef, Identity, inode_flags, look};
use crate::target::given_names::name_aside;
use crate::units::PathText;

impl Folder {
    /// Refuses to make something under a temporary name where it could neither get its own nor be removed
    /// again: in a folder that may only be appended to.
    ///
    /// # Errors
    /// `Denied`.
    pub fn check_renaming(&self) -> Result<()> {
        let ask = || inode_flags::read(&self.handle).is_ok_and(|flags| flags & inode_flags::APPEND_ONLY != 0);
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
        entries::make_link(&self.handle, name, target).map_err(self.fail("cannot make link", name))
    }

    /// Makes a named pipe, for its owner only until its metadata is set.
    ///
    /// # Errors
    /// `Exists`, `Full`, `Denied`.
    pub fn fifo(&self, name: &[u8]) -> Result<()> {
        check_name(name)?;
        self.check_renaming()?;
        entries::make_pipe(&self.handle, name).map_err(self.fail("cannot make pipe", name))
    }

    /// Makes a device node, for its owner only until its metadata is set.
    ///
    /// # Errors
    /// `Denied`, saying so, without the privileges of root; `Exists`, `Full`.
    pub fn device(&self, name: &[u8], kind: DeviceKind, major: u32, minor: u32) -> Result<()> {
        check_name(name)?;
        self.check_renaming()?;
        entries::make_device(&self.handle, name, kind, major, minor).map_err(|failure| {
            let error = self.fail("cannot make device", name)(failure);
            if failure == Failure::NOT_PERMITTED { error.context("needs root") } else { error }
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
        entries::add_name(&other.handle, other_name, &self.handle, name).map_err(self.fail("cannot link", name))?;
        match self.stat(name)? {
            Some(existing) if existing.identity == identity => Ok(()),
            _ => {
                entries::remove(&self.handle, name).map_err(self.fail("cannot remove", name))?;
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
        let result = if replace { entries::rename_over(&self.handle, temporary, name) } else { self.rename_to_free(temporary, name) };
        result.map_err(self.fail("cannot rename to", name))
    }

    /// Gives `name`, which something is to take the place of, a name aside, and returns that; nothing when it
    /// is gone. Nothing of it is removed.
    ///
    /// # Errors
    /// `Denied`; those of drawing a name.
    pub fn set_aside(&self, name: &[u8]) -> Result<Option<Vec<u8>>> {
        check_name(name)?;
        self.check_replacing(name)?;
        let aside = name_aside()?;
        match entries::rename_over(&self.handle, name, &aside) {
            Ok(()) => Ok(Some(aside.to_vec())),
            Err(Failure::NOT_FOUND) => Ok(None),
            Err(failure) => Err(self.fail("cannot set aside", name)(failure)),
        }
    }

    /// Gives what was set aside its name again, if nothing else has that by now.
    ///
    /// # Errors
    /// `Exists`; `Denied`.
    pub fn put_back(&self, aside: &[u8], name: &[u8]) -> Result<()> {
        self.rename_to_free(aside, name).map_err(self.fail("cannot put back", name))
    }

    fn check_replacing(&self, name: &[u8]) -> Result<()> {
        match self.stat(name)?.and_then(|existing| self.forbids_replacing(name, &existing)) {
            Some(what) => Err(Error::new(ErrorKind::Denied, format!("{} is not replaced: it is {what}", PathText(&self.path_of(name))))),
            None => Ok(()),
        }
    }

    fn rename_to_free(&self, temporary: &[u8], name: &[u8]) -> failure::Result<()> {
        let here = &self.handle;
        match entries::rename_to_free(here, temporary, name) {
            Err(Failure::INVALID | Failure::NO_CALL | Failure::UNSUPPORTED) => {}
            result => return result,
        }
        // A file system that cannot: a second name fails just as surely when it is taken.
        match entries::add_name(here, temporary, here, name) {
            Ok(()) => return entries::remove(here, temporary),
            Err(Failure::NOT_PERMITTED | Failure::UNSUPPORTED | Failure::NO_CALL | Failure::NO_MORE_NAMES) => {}
            Err(failure) => return Err(failure),
        }
        self.look_and_rename(temporary, name)
    }

    /// Looks whether `name` is free and renames: for a file system without links too (FAT on an old kernel,
    /// exFAT served by a program), where nothing does both in one step. Such file systems fold case, so two
    /// names of one restore can be the same; one of its threads, and one restore, looks and renames at a time.
    pub(in crate::target) fn look_and_rename(&self, temporary: &[u8], name: &[u8]) -> failure::Result<()> {
        // It guards the calls, and nothing in memory.
        let _turn = self.disk.naming.lock().unwrap_or_else(PoisonError::into_inner);
        let _alone = Alone::in_folder(self.as_handle());
        let here = &self.handle;
        let identity = |name: &[u8]| look::at_entry(here, name).map(|found| found.identity);
        let own = identity(temporary)?;
        match identity(name) {
            Err(Failure::NOT_FOUND) => entries::rename_over(here, temporary, name)?,
            Ok(_) => return Err(Failure::EXISTS),
            Err(failure) => return Err(failure),
        }
        // Who keeps to no turns may have put something else there.
        if identity(name)? == own { Ok(()) } else { Err(Failure::STALE) }
    }
}

/// So often another restore is waited for that gives a name in the same folder, a millisecond each time: it
/// needs a few calls, and a lock of somebody else must not hold a restore up.
const TURNS_WAITED: u32 = 1000;

/// The lock that one restore at a time holds while it gives a name. It belongs to the open folder, whose
/// handle all threads of a restore share: they take turns beside it.
struct Alone<'f>(HandleRef<'f>);

impl<'f> Alone<'f> {
    fn in_folder(folder: HandleRef<'f>) -> Option<Self> {
        for _ in 0..TURNS_WAITED {
            match lock::try_take(folder, Share::Alone) {
                Ok(()) => return Some(Self(folder)),
                Err(Failure::WOULD_WAIT) => std::thread::sleep(Duration::from_millis(1)),
                // Where there are no locks the look afterwards has to do.
                Err(_) => break,
            }
        }
        None
    }
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        lock::release(self.0);
    }
}
