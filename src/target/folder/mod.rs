//! A folder of the destination, and what can be done in it: always by its handle and one name.

mod making;

use std::fs::File;
use std::sync::{Arc, OnceLock};

use super::destination::join;
use super::disk::Disk;
use super::fixed::{why_entry_is_fixed, why_nothing_is_made};
use super::given_names::is_temporary_name;
use super::judge::{Judge, Stays};
use super::removal::{self, Everything, Guard};
use super::system_error;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::check_name;
use crate::platform::attributes::Place;
use crate::platform::{AsHandle, EntryType, Existing, Failure, Handle, HandleRef, Subject, entries, listing, look, open};
use crate::units::PathText;

/// An open folder. It stays the same folder even when somebody renames it or puts a link in its
/// place. Methods are called from any thread.
#[derive(Debug)]
pub struct Folder {
    handle: Handle,
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
const DEFAULT_ACL: &[u8] = b"system.posix_acl_default";

impl Folder {
    /// `is_append_only` where that is known.
    pub(super) fn new(handle: Handle, path: Vec<u8>, guard: Arc<Guard>, disk: Arc<Disk>, is_append_only: Option<bool>) -> Self {
        let is_append_only = is_append_only.map_or_else(OnceLock::new, OnceLock::from);
        Self { handle, path, gives_acl: OnceLock::new(), is_append_only, guard, disk }
    }

    pub(super) fn handle(&self) -> HandleRef<'_> {
        self.handle.as_handle()
    }

    /// The path of an entry, for messages.
    pub fn path_of(&self, name: &[u8]) -> Vec<u8> {
        join(&self.path, name)
    }

    /// The path is made only when a call has failed: most succeed.
    fn fail<'f>(&'f self, action: &'f str, name: &'f [u8]) -> impl FnOnce(Failure) -> Error + 'f {
        move |failure| system_error(action, &self.path_of(name), failure)
    }

    /// What stands under `name`, if anything; links are not followed.
    ///
    /// # Errors
    /// `Damaged` for an impossible name, as everywhere here; `Denied`.
    pub fn stat(&self, name: &[u8]) -> Result<Option<Existing>> {
        check_name(name)?;
        match look::at_entry(&self.handle, name) {
            Ok(existing) => Ok(Some(existing)),
            Err(Failure::NOT_FOUND) => Ok(None),
            Err(failure) => Err(self.fail("cannot look at", name)(failure)),
        }
    }

    /// All names in the folder, sorted.
    ///
    /// # Errors
    /// Those of reading it.
    pub fn names(&self) -> Result<Vec<Vec<u8>>> {
        listing::names_in(self).map_err(|failure| system_error("cannot read folder", &self.path, failure))
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
            Some(Stays::Fixed(why)) => why.to_owned(),
            _ => "it is above something that stays".to_owned(),
        };
        Err(Error::new(ErrorKind::Exists, format!("cannot remove {}: {why}", PathText(&self.path_of(name)))))
    }

    /// Removes what this restore has just made under a temporary name, as well as it can.
    pub fn discard(&self, temporary: &[u8]) {
        if is_temporary_name(temporary) {
            let _ = entries::remove(&self.handle, temporary);
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
        removal::remove(&self.guard, self.handle.as_handle(), name, &self.path_of(name), is_dry, judge)
    }

    /// What `existing`, which has the name `name`, is for the repository when it must not be replaced.
    pub fn forbids_replacing(&self, name: &[u8], existing: &Existing) -> Option<String> {
        self.guard.forbids_replacing(self.as_handle(), name, existing)
    }

    /// Why the system would not let `name` be replaced, if it would not.
    ///
    /// # Errors
    /// `Damaged` for an impossible name.
    pub fn why_fixed(&self, name: &[u8]) -> Result<Option<&'static str>> {
        check_name(name)?;
        Ok(why_entry_is_fixed(self.as_handle(), name))
    }

    /// Refuses what would be made in the folder where the system refuses it: for a run that makes nothing.
    ///
    /// # Errors
    /// `Denied`.
    pub fn check_making(&self) -> Result<()> {
        match why_nothing_is_made(self.as_handle()) {
            Some(why) => Err(Error::new(ErrorKind::Denied, format!("nothing gets a name in {}: {why}", PathText(&self.path)))),
            None => Ok(()),
        }
    }

    /// Whether the folder lies in another mount than the destination.
    ///
    /// # Errors
    /// Those of looking.
    pub fn is_in_other_mount(&self) -> Result<bool> {
        let (_, mount) = look::closely(self, b"").map_err(|failure| system_error("cannot look at", &self.path, failure))?;
        Ok(mount.is_other_than(self.guard.top, true))
    }

    /// Whether something else is mounted under `name`, which is no folder.
    ///
    /// # Errors
    /// Those of looking.
    pub fn is_mounted_over(&self, name: &[u8]) -> Result<bool> {
        check_name(name)?;
        let (_, own) = look::closely(self, b"").map_err(|failure| system_error("cannot look at", &self.path, failure))?;
        let (_, mount) = look::closely(self, name).map_err(self.fail("cannot look at", name))?;
        Ok(mount.is_other_than(own, false))
    }

    /// The target of a symbolic link.
    ///
    /// # Errors
    /// `NotFound`, or `Other` when it is no link.
    pub fn link_target(&self, name: &[u8]) -> Result<Vec<u8>> {
        check_name(name)?;
        entries::link_target(&self.handle, name).map_err(self.fail("cannot read link", name))
    }

    /// Opens a regular file for reading: to compare it, or to verify what was written. Links are not
    /// followed and a pipe does not block.
    ///
    /// # Errors
    /// `NotFound`; `Denied`; `Exists` when it is no regular file.
    pub fn open_file(&self, name: &[u8]) -> Result<File> {
        check_name(name)?;
        let file = open::file_itself(&self.handle, name).map_err(self.fail("cannot open", name))?;
        let found = look::at_handle(&file).map_err(self.fail("cannot look at", name))?;
        if found.entry_type != EntryType::File {
            return Err(Error::new(ErrorKind::Exists, format!("{} is not a regular file", PathText(&self.path_of(name)))));
        }
        Ok(file)
    }

    /// A umask that takes rights from the owner must not keep us out of a folder we just made.
    pub(super) fn let_owner_in(&self, name: &[u8]) -> Result<()> {
        match self.stat(name)? {
            Some(existing) if existing.is_directory() && existing.mode & 0o700 != 0o700 => {
                let pinned = Subject::pin(self.as_handle(), name).map_err(self.fail("cannot open folder", name))?;
                pinned.set_mode(existing.mode | 0o700).map_err(self.fail("cannot set the mode of", name))
            }
            _ => Ok(()),
        }
    }

    /// True when what is made in the folder inherits an ACL. Asked once: its own metadata is set after
    /// its entries are made.
    pub(super) fn gives_acl(&self) -> bool {
        let ask = || match Place::Handle(self.handle()).get(DEFAULT_ACL, &mut [0; 1]) {
            // It has none, or its file system has no such thing. Anything else is an ACL that does not
            // fit, or no answer.
            Err(failure) => !matches!(failure, Failure::NO_ATTRIBUTE | Failure::UNSUPPORTED),
            Ok(_) => true,
        };
        *self.gives_acl.get_or_init(ask)
    }

    /// True when the folder was removed and its handle leads nowhere.
    pub(super) fn is_removed(&self) -> bool {
        look::at_handle(&self.handle).map_or(true, |found| found.links == 0)
    }
}

impl AsHandle for Folder {
    fn as_handle(&self) -> HandleRef<'_> {
        self.handle.as_handle()
    }
}
