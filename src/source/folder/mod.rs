//! An open folder: the place from which entries are named.
//!
//! A source path is a person's word and is followed through links; below it nothing is. Folders may be
//! deeper than PATH_MAX: whoever walks keeps a handle every few levels and goes on from there.

use std::sync::Mutex;

use crate::error::{Error, ErrorKind, Result};
use crate::platform::listing::{self, ListedEntry};
use crate::platform::{AsHandle, Failure, Handle, HandleRef, Stat, entries, look, names, open, untouched};
use crate::units::PathText;

/// An open folder.
#[derive(Debug)]
pub struct Folder {
    handle: Handle,
    /// What it was opened as, for messages only.
    shown: Vec<u8>,
    /// A handle has one reading position, which two listings at once would share. True when it is at
    /// the start no more.
    listing: Mutex<bool>,
    /// It is open as a place only: it can be searched for names, not listed.
    is_place_only: bool,
}

impl Folder {
    /// Opens a source path as a person gave it: relative to the working folder, and symbolic links
    /// are followed.
    ///
    /// # Errors
    /// `NotFound`, `Denied`, `Invalid` when it is not a folder.
    pub fn open(path: &[u8]) -> Result<Self> {
        let handle = untouched::open_folder(&names::to_path(path)).map_err(|failure| {
            let error = Error::io("cannot open", PathText(path), failure);
            if failure == Failure::NO_FOLDER { error.with_kind(ErrorKind::Invalid) } else { error }
        })?;
        Ok(Self::from_handle(handle, path))
    }

    /// Opens a folder as a place from which entries are named. It need not be readable: a folder that
    /// may be entered and not listed, as `/home` often is, will do. Links are followed.
    ///
    /// # Errors
    /// As [`Folder::open`].
    pub fn open_place(path: &[u8]) -> Result<Self> {
        let handle = open::place(&names::to_path(path)).map_err(|failure| {
            let error = Error::io("cannot open", PathText(path), failure);
            if failure == Failure::NO_FOLDER { error.with_kind(ErrorKind::Invalid) } else { error }
        })?;
        Ok(Self { is_place_only: true, ..Self::from_handle(handle, path) })
    }

    /// As [`Folder::open_place`], of the entry `name` of this folder; a link is not followed.
    ///
    /// # Errors
    /// As [`Folder::open_below`].
    pub fn place_below(&self, name: &[u8]) -> Result<Self> {
        debug_assert!(!name.is_empty() && !name.contains(&b'/'), "an entry is one component");
        let handle = open::place_itself(&self.handle, name).map_err(|failure| {
            let error = Error::io("cannot open", PathText(name), failure);
            if matches!(failure, Failure::IS_LINK | Failure::NO_FOLDER) { error.with_kind(ErrorKind::Changed) } else { error }
        })?;
        Ok(Self { is_place_only: true, ..Self::from_handle(handle, name) })
    }

    /// True when it was opened as a place only.
    pub(super) fn is_place_only(&self) -> bool {
        self.is_place_only
    }

    /// True when something is mounted on the entry `name`. It need not answer: another user's FUSE file
    /// system refuses every look.
    pub fn is_mount_point(&self, name: &[u8]) -> bool {
        look::is_mount_point(&self.handle, name)
    }

    /// Opens a folder below this one. `relative` is one name or several with `/` between them, of
    /// any length; no symbolic link is followed, and nothing leads out of this folder.
    ///
    /// # Errors
    /// `Changed` when a component is a symbolic link or no folder, as after a swap; `NotFound`,
    /// `Denied`; `Invalid` when a component is empty, `.` or `..`.
    pub fn open_below(&self, relative: &[u8]) -> Result<Self> {
        let bad = |part: &[u8]| part.is_empty() || part == b"." || part == b".." || part.contains(&0);
        if relative.split(|byte| *byte == b'/').any(bad) {
            return Err(Error::new(ErrorKind::Invalid, format!("`{}` is not the path of an entry", PathText(relative))));
        }
        let handle = untouched::open_folder_below(&self.handle, relative).map_err(|failure| {
            let error = Error::io("cannot open", PathText(relative), failure);
            if matches!(failure, Failure::IS_LINK | Failure::NO_FOLDER) { error.with_kind(ErrorKind::Changed) } else { error }
        })?;
        Ok(Self::from_handle(handle, relative))
    }

    fn from_handle(handle: Handle, shown: &[u8]) -> Self {
        Self { handle, shown: shown.to_vec(), listing: Mutex::new(false), is_place_only: false }
    }

    /// All entries, sorted by the bytes of their names, without `.` and `..`, each once. The time it takes
    /// grows with their number, not its square; all names are held at once.
    ///
    /// # Errors
    /// Whatever reading the folder fails with; a part of a listing is never given as the whole.
    pub fn list(&self) -> Result<Vec<ListedEntry>> {
        let failed = |failure: Failure| Error::io("cannot list", PathText(&self.shown), failure);
        let mut was_read = self.listing.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if std::mem::replace(&mut *was_read, true) {
            listing::rewind(&self.handle).map_err(failed)?;
        }
        listing::sorted_entries(&self.handle).map_err(failed)
    }

    /// Looks at the entry `name` (one component); a symbolic link is not followed.
    ///
    /// # Errors
    /// `NotFound` when it is gone, `Denied`, `Unsupported` when its type is unknown.
    pub fn stat(&self, name: &[u8]) -> Result<Stat> {
        debug_assert!(!name.is_empty() && !name.contains(&b'/'), "an entry is one component");
        Stat::read(&self.handle, name, name)
    }

    /// Looks at the folder itself.
    ///
    /// # Errors
    /// As [`Folder::stat`].
    pub fn stat_self(&self) -> Result<Stat> {
        Stat::read(&self.handle, b"", &self.shown)
    }

    /// The target of the symbolic link `name`, any bytes.
    ///
    /// # Errors
    /// `NotFound` when it is gone, `Changed` when it is no link.
    pub fn read_link(&self, name: &[u8]) -> Result<Vec<u8>> {
        entries::link_target(&self.handle, name).map_err(|failure| {
            let error = Error::io("cannot read the link", PathText(name), failure);
            if failure == Failure::INVALID { error.with_kind(ErrorKind::Changed) } else { error }
        })
    }

    /// What the folder was opened as, for messages.
    pub(super) fn shown(&self) -> &[u8] {
        &self.shown
    }
}

impl AsHandle for Folder {
    fn as_handle(&self) -> HandleRef<'_> {
        self.handle.as_handle()
    }
}

#[cfg(test)]
mod tests;
