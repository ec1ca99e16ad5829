//! When what was written is durable: by one sync for many files, of each file system that has some.
//!
//! The kernel tells a failure of writing to whoever opened before it, so the handles by which is synced
//! are opened before anything is written: that of the destination, and that of a folder of every other
//! file system mounted below it, taken when the restore comes to it.
//! Where a whole file system cannot be asked (a sandbox that forbids the call), files are synced one by
//! one. A sync that failed is never tried again and called good.

use std::sync::{Arc, Mutex, PoisonError};

use super::destination::Destination;
use super::disk::Disk;
use super::file::NewFile;
use super::system_error;
use crate::error::{ErrorKind, Result};
use crate::platform::{self, AsHandle, Failure, Handle, HandleRef, durability, look};

/// The file systems of a destination.
#[derive(Debug)]
pub(super) struct Mounts {
    /// The device of the destination itself.
    top: u64,
    disk: Arc<Disk>,
    /// Those mounted below it that were met.
    below: Mutex<Vec<Arc<Mount>>>,
    may_probe: bool,
}

/// Another file system below a destination.
#[derive(Debug)]
struct Mount {
    device: u64,
    /// A folder there.
    handle: Handle,
    disk: Arc<Disk>,
}

impl Mounts {
    /// Knows the file system of the destination `top` only.
    pub(super) fn below(top: HandleRef<'_>, may_probe: bool) -> platform::failure::Result<Self> {
        Ok(Self {
            top: look::at_handle(top)?.identity.device,
            disk: Arc::new(Disk::of(top, may_probe)),
            below: Mutex::default(),
            may_probe,
        })
    }

    /// The file system of a folder that was opened and is on `device`, which may be one that was not met before.
    pub(super) fn disk(&self, folder: HandleRef<'_>, device: u64) -> platform::failure::Result<Arc<Disk>> {
        if device == self.top {
            return Ok(Arc::clone(&self.disk));
        }
        let mut below = self.below.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mount) = below.iter().find(|mount| mount.device == device) {
            return Ok(Arc::clone(&mount.disk));
        }
        let handle = platform::duplicate(folder)?;
        let disk = Arc::new(Disk::of(folder, self.may_probe));
        below.push(Arc::new(Mount { device, handle, disk: Arc::clone(&disk) }));
        Ok(disk)
    }

    fn met(&self) -> Vec<Arc<Mount>> {
        self.below.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Destination {
    /// Makes all that was written durable, on every file system below the destination that was met.
    ///
    /// # Errors
    /// `Full`, or `Other` when a disk failed; it is not tried again.
    pub fn sync(&self) -> Result<()> {
        let mut is_possible = self.sync_by(self.as_handle())?;
        for mount in self.mounts.met() {
            is_possible &= self.sync_by(mount.handle.as_handle())?;
        }
        if !is_possible {
            // It tells of no failure; the content of files was synced before, by calls that do.
            durability::sync_everything();
        }
        Ok(())
    }

    /// Makes the content of `files` durable, by one call for each file system that has some of them.
    ///
    /// # Errors
    /// As [`Destination::sync`].
    pub fn sync_for<'f>(&self, files: impl Iterator<Item = &'f NewFile> + Clone) -> Result<()> {
        let met = self.mounts.met();
        let is_met = |file: &NewFile| met.iter().any(|mount| mount.device == file.identity().device);
        let mut is_possible = true;
        // A device that is nowhere else: some file systems give files another one than their folder.
        if files.clone().any(|file| !is_met(file)) {
            is_possible &= self.sync_by(self.as_handle())?;
        }
        for mount in &met {
            if files.clone().any(|file| file.identity().device == mount.device) {
                is_possible &= self.sync_by(mount.handle.as_handle())?;
            }
        }
        if is_possible {
            return Ok(());
        }
        let mut is_every_one_synced = true;
        for file in files {
            match file.sync() {
                // Its mode keeps its owner out.
                Err(error) if error.kind() == ErrorKind::Denied => is_every_one_synced = false,
                other => other?,
            }
        }
        if !is_every_one_synced {
            durability::sync_everything();
        }
        Ok(())
    }

    /// Syncs the file system of `handle`; false where that call is not to be had.
    fn sync_by(&self, handle: HandleRef<'_>) -> Result<bool> {
        match durability::sync_file_system(handle) {
            Ok(()) => Ok(true),
            Err(Failure::NO_CALL | Failure::NOT_PERMITTED | Failure::DENIED | Failure::INVALID | Failure::UNSUPPORTED) => Ok(false),
            Err(failure) => Err(system_error("cannot sync", self.path(), failure)),
        }
    }
}
