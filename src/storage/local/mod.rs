//! A repository in a folder of this machine, that can be copied with any tool.
//!
//! Publishing is: a temporary file, the bytes, a sync of them, a rename that never replaces. A name
//! is durable after a sync of its folder. Nothing is ever written in place.

mod above;
mod listing;
mod lock;
mod owners;
mod root;
mod upload;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{ErrorKind as IoErrorKind, Read};
use std::path::Path;
use std::sync::Arc;

pub use self::listing::Found;
use self::root::{Root, text};
use self::upload::LocalUpload;
use super::{LOCK, Listed, Lock, LockMode, PRUNE_LOCK, Properties, Stale, Storage, Upload, name};
use crate::error::{Error, ErrorKind, Result};
use crate::platform::{Failure, content, entries, file_systems, look, open};

/// A folder of this machine.
#[derive(Clone, Debug)]
pub struct LocalStorage {
    root: Arc<Root>,
}

impl LocalStorage {
    /// Makes the folder, and those above it, for a new repository. What a start that was interrupted
    /// left behind does not count as content: empty folders, locks and temporaries.
    ///
    /// # Errors
    /// `Exists` when it holds anything or is not a folder; `Denied`.
    pub fn create(path: &Path) -> Result<Self> {
        Self::create_among(path, &mut |name, found| match std::str::from_utf8(name) {
            Ok(name) if *found == Found::Folder || name::is_hidden(name) => Ok(()),
            _ => Err(Error::new(ErrorKind::Exists, format!("the folder {} is not empty", text(path)))),
        })
    }

    /// Makes the folder, and those above it, where it may hold what `judge` passes; see
    /// [`LocalStorage::look_at_all`]. Its name is durable then, and it has the files of the locks.
    ///
    /// # Errors
    /// `Exists` when it is not a folder; `Denied`; those of `judge`, with nothing made in the folder.
    pub fn create_among(path: &Path, judge: &mut dyn FnMut(&[u8], &Found) -> Result<()>) -> Result<Self> {
        above::create_path(path)?;
        let storage = Self::open(path).map_err(|error| {
            if error.is_not_found() { Error::new(ErrorKind::Exists, format!("{} is not a folder", text(path))) } else { error }
        })?;
        storage.look_at_all(judge)?;
        above::sync_above(storage.path())?;
        lock::create(&storage.root, LOCK)?;
        lock::create(&storage.root, PRUNE_LOCK)?;
        storage.root.sync(&[String::new()])?;
        Ok(storage)
    }

    /// Shows everything in the folder to `judge`, by name and with what it is, until that fails. It sees
    /// what no listing shows: locks, temporaries, links, names of any bytes. It does not see `lost+found`
    /// at the top.
    ///
    /// # Errors
    /// Those of `judge`; `Denied`.
    pub fn look_at_all(&self, judge: &mut dyn FnMut(&[u8], &Found) -> Result<()>) -> Result<()> {
        listing::look_at_all(&self.root, judge)
    }

    /// Opens a folder; what is in it is not looked at, and nothing is written.
    ///
    /// # Errors
    /// `NotFound` when there is no such folder; `Denied`.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self { root: Arc::new(Root::open(path)?) })
    }

    /// The folder: absolute, without symbolic links.
    pub fn path(&self) -> &Path {
        &self.root.path
    }

    fn open_object(&self, name: &str) -> Result<File> {
        name::check_object(name)?;
        // Not waiting, so that a pipe in place of an object cannot hang a reader.
        open::file_itself(&self.root.handle, name).map_err(|failure| self.read_failure(name, failure))
    }

    /// A read that failed because of what lies there, and not because of who asks, is damage: the
    /// rest can still be read, and another copy may help.
    fn read_failure(&self, name: &str, error: impl Into<std::io::Error>) -> Error {
        const BROKEN: [Failure; 7] = [
            Failure::DISK,
            Failure::UNSOUND,
            Failure::IS_FOLDER,
            Failure::NO_FOLDER,
            Failure::IS_LINK,
            Failure::NO_PLACES,
            Failure::NOTHING,
        ];
        let error = error.into();
        let is_broken = BROKEN.iter().any(|failure| failure.is_behind(&error));
        let error = Error::io("cannot read", self.root.describe(name), error);
        if is_broken { error.with_kind(ErrorKind::Damaged) } else { error }
    }
}

#[deny(clippy::missing_trait_methods)]
impl Storage for LocalStorage {
    fn location(&self) -> String {
        self.root.describe("")
    }

    fn identity(&self) -> Vec<u8> {
        // The path alone would mistake the second of two disks that take turns at one mount point
        // for the first.
        let file_system = file_systems::number(&self.root.handle).unwrap_or(0);
        [self.root.path.as_os_str().as_encoded_bytes(), &[0], &file_system.to_le_bytes()].concat()
    }

    fn properties(&self) -> Properties {
        Properties { requests_at_once: 1, gap_bytes: 0, lock: self.root.lock, can_replace: false, is_append_only: false }
    }

    fn free_bytes(&self) -> Option<u64> {
        file_systems::free_bytes(&self.root.handle)
    }

    fn create_folder(&self, folder: &str) -> Result<()> {
        name::check_folder(folder)?;
        self.root.create_folder(folder)
    }

    fn create(&self, area: &str) -> Result<Box<dyn Upload>> {
        name::check_folder(area)?;
        Ok(Box::new(LocalUpload::create(&self.root, area)?))
    }

    fn sync(&self, folders: &[String]) -> Result<()> {
        folders.iter().try_for_each(|folder| name::check_folder(folder))?;
        self.root.sync(folders)
    }

    fn read(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>> {
        let file = self.open_object(name)?;
        let metadata = file.metadata().map_err(|error| self.read_failure(name, error))?;
        if !metadata.is_file() {
            return Err(Error::damaged(self.root.describe(name), "it is not a regular file"));
        }
        let too_long = || Error::damaged(self.root.describe(name), format!("it is longer than {max_bytes} bytes"));
        if metadata.len() > max_bytes {
            return Err(too_long());
        }
        let mut bytes = Vec::new();
        let wanted = usize::try_from(metadata.len()).map_err(|_| too_long())?;
        bytes
            .try_reserve_exact(wanted)
            .map_err(|error| Error::new(ErrorKind::Other, format!("no memory to read {}", self.root.describe(name))).with_source(error))?;
        // It may be longer than it was a moment ago, when somebody else writes where nobody should.
        (&file).take(max_bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| self.read_failure(name, error))?;
        if bytes.len() as u64 > max_bytes { Err(too_long()) } else { Ok(bytes) }
    }

    fn read_range(&self, name: &str, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let file = self.open_object(name)?;
        content::read_exact_at(&file, buffer, offset).map_err(|error| match error.kind() {
            IoErrorKind::UnexpectedEof => {
                Error::damaged(self.root.describe(name), format!("it ends before byte {}", offset.saturating_add(buffer.len() as u64)))
            }
            // The kernel's offsets are signed: nothing lies that far out.
            IoErrorKind::InvalidInput => Error::damaged(self.root.describe(name), format!("it has no byte {offset}")),
            _ => self.read_failure(name, error),
        })
    }

    fn list(&self, folder: &str) -> Result<Vec<Listed>> {
        name::check_folder(folder)?;
        listing::list(&self.root, folder)
    }

    fn stat(&self, name: &str) -> Result<Option<u64>> {
        name::check_object(name)?;
        listing::stat(&self.root, name)
    }

    fn remove(&self, name: &str) -> Result<()> {
        name::check_object(name)?;
        match entries::remove(&self.root.handle, name) {
            Ok(()) | Err(Failure::NOT_FOUND) => Ok(()),
            Err(failure) => Err(Error::io("cannot remove", self.root.describe(name), failure)),
        }
    }

    fn set_aside(&self, name: &str, new_name: &str) -> Result<()> {
        name::check_object(name)?;
        name::check_object(new_name)?;
        let failed = |failure| Error::io("cannot set aside", self.root.describe(name), failure);
        // Looked at first, so that nothing is made for an object that is not there.
        let found = look::at_entry(&self.root.handle, name).map_err(failed)?;
        if found.is_directory() {
            return Err(Error::new(ErrorKind::Invalid, format!("{} is a folder", self.root.describe(name))));
        }
        self.root.rename_into(name, new_name)?.map_err(|failure| match failure {
            Failure::EXISTS => Error::new(ErrorKind::Exists, format!("{} exists already", self.root.describe(new_name))),
            failure => failed(failure),
        })
    }

    fn remove_stale_temporaries(&self, stale: Stale) -> Result<u64> {
        upload::remove_stale(&self.root, stale)
    }

    fn lock(&self, name: &str, mode: LockMode, wait: bool) -> Result<Box<dyn Lock>> {
        name::check_lock(name)?;
        lock::take(&self.root, name, mode, wait)
    }
}
