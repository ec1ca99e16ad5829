//! The folder that a restore writes into, and the folders beneath it.
//!
//! The user may name the destination through symbolic links; from its handle on downward no link is
//! followed. A few folder handles are kept, since files of one folder come together; a kept handle
//! whose folder was removed meanwhile is noticed by its link count and opened again. What is durable
//! when is in [`super::durable`].

use std::sync::{Arc, Mutex, PoisonError};

use super::durable::Mounts;
use super::folder::Folder;
use super::in_use::Locks;
use super::protected::Protected;
use super::removal::Guard;
use super::system_error;
use super::unfinished::{self, UNFINISHED_MODE};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::check_name;
use crate::platform::{AsHandle, Failure, Handle, HandleRef, beneath, entries, look, names, open, private};
use crate::units::PathText;

/// So many folder handles are kept open; far below any limit on open files.
const KEPT_FOLDERS: usize = 32;

/// A folder to restore into. Methods are called from any thread.
#[derive(Debug)]
pub struct Destination {
    handle: Handle,
    path: Vec<u8>,
    guard: Arc<Guard>,
    /// Used last stands last.
    kept: Mutex<Vec<(Vec<u8>, Arc<Folder>)>>,
    /// Other file systems below it that were met.
    pub(super) mounts: Mounts,
    /// What says to other restores that this one is at work; none in a dry run.
    pub(super) locks: Option<Locks>,
}

/// A folder that was asked for.
#[derive(Debug)]
pub struct MadeFolder {
    /// The folder.
    pub folder: Arc<Folder>,
    /// False when it was there before.
    pub is_new: bool,
}

impl Destination {
    /// Opens the folder `path`, following links as for any path that a user gives. With `create`,
    /// it and its parents are made (0700) where they are missing; without, nothing is ever changed.
    /// Nothing is protected.
    ///
    /// # Errors
    /// As [`Destination::open_beside`].
    pub fn open(path: &[u8], create: bool) -> Result<Arc<Self>> {
        Self::open_beside(path, create, Arc::default())
    }

    /// As [`Destination::open`], for a destination in which nothing of `protected` is removed, replaced
    /// or entered, by any call.
    ///
    /// # Errors
    /// `NotFound`; `Denied`; `Exists` when it is not a folder; `Invalid` when it lies where nothing is
    /// restored into, before anything is made.
    pub fn open_beside(path: &[u8], create: bool, protected: Arc<Protected>) -> Result<Arc<Self>> {
        protected.check_destination(path)?;
        let is_new = create && std::fs::metadata(names::to_path(path)).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound);
        if create {
            let made = private::make_folder(&names::to_path(path));
            made.map_err(|error| Error::io("cannot make folder", PathText(path), error))?;
        }
        let fail = |failure| system_error("cannot open folder", path, failure);
        let handle = open::folder(&names::to_path(path)).map_err(fail)?;
        let (_, top) = look::closely(&handle, b"").map_err(fail)?;
        if let Ok(handle) = handle.try_clone() {
            protected.check_opened(handle, path)?;
        }
        if is_new {
            unfinished::mark_destination(handle.as_handle());
        }
        let mounts = Mounts::below(handle.as_handle(), create).map_err(|failure| system_error("cannot look at", path, failure))?;
        let locks = create.then(Locks::default);
        if let Some(locks) = &locks {
            locks.take_for_mount(handle.as_handle());
        }
        Ok(Arc::new(Self { handle, path: path.to_vec(), guard: Arc::new(Guard { protected, top }), kept: Mutex::default(), mounts, locks }))
    }

    /// The path as the user gave it.
    pub fn path(&self) -> &[u8] {
        &self.path
    }

    /// Opens the folder `relative`, names with `/` between, of any length; the empty path is the
    /// destination itself. No symbolic link is followed.
    ///
    /// # Errors
    /// `Damaged` for an impossible name; `NotFound`; `Exists` when a link or a file is in the way.
    pub fn folder(&self, relative: &[u8]) -> Result<Arc<Folder>> {
        if let Some(folder) = self.kept_folder(relative) {
            return Ok(folder);
        }
        check_relative(relative)?;
        // The nearest kept folder above, so that a deep tree is not walked from the top each time.
        let mut above = relative;
        let mut from = None;
        while let Some(at) = above.iter().rposition(|byte| *byte == b'/') {
            above = &above[..at];
            from = self.kept_folder(above);
            if from.is_some() {
                break;
            }
        }
        let (top, below) = match &from {
            Some(folder) => (folder.as_handle(), &relative[above.len() + 1..]),
            None => (self.handle.as_handle(), relative),
        };
        self.open_beneath(top, below, relative).map(|(folder, _)| folder)
    }

    /// Opens the folder `below`, which is `relative` in the destination, beneath the folder `top`; and says what
    /// mode it has. One look at it answers all that is asked of a folder: which it is, in which mount, on which
    /// file system, and whether names in it can be changed.
    fn open_beneath(&self, top: HandleRef<'_>, below: &[u8], relative: &[u8]) -> Result<(Arc<Folder>, u32)> {
        let path = self.full_path(relative);
        let fail = |failure| system_error("cannot open folder", &path, failure);
        let handle = beneath::open_folder(top, below).map_err(fail)?;
        let (existing, mount, is_append_only) = look::at_folder(&handle).map_err(fail)?;
        if let Some(what) = self.guard.protected.name_of(existing.identity) {
            let message = format!("{} is not touched: it is {what}", PathText(&path));
            return Err(Error::new(ErrorKind::Denied, message));
        }
        if let Some(locks) = &self.locks {
            locks.take_for(handle.as_handle(), existing.identity, mount.id());
        }
        let disk = self.mounts.disk(handle.as_handle(), existing.identity.device).map_err(fail)?;
        Ok((self.keep(relative, Folder::new(handle, path, Arc::clone(&self.guard), disk, is_append_only)), existing.mode))
    }

    /// Makes the folder `relative`, readable by its owner only until its metadata is set, marked as
    /// not finished (see [`Folder::is_unfinished`]), and opens it. A folder that is there
    /// already is used. Its parent must be there.
    ///
    /// # Errors
    /// As [`Destination::folder`]; `Exists` when something else has the name, a link to a folder
    /// included; `Full`, `Denied`.
    pub fn make_folder(&self, relative: &[u8]) -> Result<MadeFolder> {
        if relative.is_empty() {
            return Ok(MadeFolder { folder: self.folder(relative)?, is_new: false });
        }
        check_relative(relative)?;
        let (parent, name) = split_last(relative);
        let parent = self.folder(parent)?;
        match entries::make_folder(&parent, name, UNFINISHED_MODE) {
            Ok(()) => {
                // A umask may keep its owner out, or from writing in it. Whoever is kept out cannot open it.
                let (folder, mode) = match self.open_beneath(parent.as_handle(), name, relative) {
                    Err(error) if error.kind() == ErrorKind::Denied => {
                        parent.let_owner_in(name)?;
                        self.open_beneath(parent.as_handle(), name, relative)?
                    }
                    other => other?,
                };
                if mode & 0o700 != 0o700 {
                    parent.let_owner_in(name)?;
                }
                unfinished::mark(folder.as_handle());
                Ok(MadeFolder { folder, is_new: true })
            }
            Err(Failure::EXISTS) => Ok(MadeFolder { folder: self.folder(relative)?, is_new: false }),
            Err(failure) => Err(system_error("cannot make folder", &self.full_path(relative), failure)),
        }
    }

    /// As [`Destination::folder`], but a handle that is kept is not looked at: for who notices by the
    /// call that comes next that the folder was removed, and then asks again.
    pub(super) fn folder_as_kept(&self, relative: &[u8]) -> Result<Arc<Folder>> {
        self.find_kept(relative).map_or_else(|| self.folder(relative), Ok)
    }

    fn kept_folder(&self, relative: &[u8]) -> Option<Arc<Folder>> {
        let folder = self.find_kept(relative)?;
        // Not under the lock: other threads should not wait for a look at the file system.
        if folder.is_removed() {
            self.lock_kept().retain(|(_, kept)| !Arc::ptr_eq(kept, &folder));
            return None;
        }
        Some(folder)
    }

    fn find_kept(&self, relative: &[u8]) -> Option<Arc<Folder>> {
        let mut kept = self.lock_kept();
        let at = kept.iter().rposition(|(path, _)| path == relative)?;
        if at + 1 < kept.len() {
            kept[at..].rotate_left(1);
        }
        kept.last().map(|(_, folder)| Arc::clone(folder))
    }

    fn keep(&self, relative: &[u8], folder: Folder) -> Arc<Folder> {
        let folder = Arc::new(folder);
        let mut kept = self.lock_kept();
        if kept.len() >= KEPT_FOLDERS {
            kept.remove(0);
        }
        kept.push((relative.to_vec(), Arc::clone(&folder)));
        folder
    }

    fn lock_kept(&self) -> std::sync::MutexGuard<'_, Vec<(Vec<u8>, Arc<Folder>)>> {
        // The list is whole between any two of its calls, so a thread that died left nothing half done.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The path for messages.
    pub(super) fn full_path(&self, relative: &[u8]) -> Vec<u8> {
        join(&self.path, relative)
    }
}

impl AsHandle for Destination {
    fn as_handle(&self) -> HandleRef<'_> {
        self.handle.as_handle()
    }
}

/// `name` below `folder`, for messages only.
pub(super) fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = folder.to_vec();
    if !name.is_empty() {
        if path.last().is_some_and(|byte| *byte != b'/') {
            path.push(b'/');
        }
        path.extend_from_slice(name);
    }
    path
}

/// The parent and the name of a path that is not empty.
fn split_last(relative: &[u8]) -> (&[u8], &[u8]) {
    match relative.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (&relative[..at], &relative[at + 1..]),
        None => (&[], relative),
    }
}

fn check_relative(relative: &[u8]) -> Result<()> {
    if relative.is_empty() {
        return Ok(());
    }
    let mut names = relative.split(|byte| *byte == b'/');
    names.try_for_each(check_name).map_err(|error| error.context(PathText(relative)))
}
