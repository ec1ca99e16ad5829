//! When what was written is on the disk, and hints to the system about what is written and read.

use std::fs::File;
use std::num::NonZeroU64;

use rustix::fs::{Advice, FallocateFlags};

use super::failure::{Failure, Result};
use super::handle::AsHandle;

/// Waits until the content of a file is on the disk. One that failed must not be tried again: the system may have
/// given up what it could not write, and says so only once.
///
/// # Errors
/// Those of the disk.
pub fn sync_content(file: &File) -> Result<()> {
    rustix::fs::fdatasync(file).map_err(Failure)
}

/// Waits until the names in a folder are on the disk; as [`sync_content`].
///
/// # Errors
/// Those of the disk.
pub fn sync_names(folder: impl AsHandle) -> Result<()> {
    rustix::fs::fsync(folder.as_handle()).map_err(Failure)
}

/// Waits until all of the file system that a handle is on is on the disk.
///
/// # Errors
/// Those of the disk, for any of its files; [`Failure::NO_CALL`] and the like where it cannot be asked.
pub fn sync_file_system(handle: impl AsHandle) -> Result<()> {
    rustix::fs::syncfs(handle.as_handle()).map_err(Failure)
}

/// Waits until everything on every disk is written. It tells of no failure.
pub fn sync_everything() {
    rustix::fs::sync();
}

/// Lets the changed bytes from `offset` on begin their way to the disk, all of them when `bytes` is 0. The advice
/// drops clean ones, of which there are hardly any in what was just written. A failure means nothing.
pub fn begin_write_out(file: &File, offset: u64, bytes: u64) {
    let _ = rustix::fs::fadvise(file, offset, NonZeroU64::new(bytes), Advice::DontNeed);
}

/// Tells the system that a file will be read from front to back, so that it reads ahead more. A refusal means nothing.
pub fn advise_sequential(file: &File) {
    let _ = rustix::fs::fadvise(file, 0, None, Advice::Sequential);
}

/// Takes the space of the first `bytes` bytes, so that a full disk is found out before anything is written. A file
/// system that cannot is fine.
///
/// # Errors
/// [`Failure::FULL`] and the like.
pub fn reserve(file: &File, bytes: u64) -> Result<()> {
    match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, bytes).map_err(Failure) {
        Err(Failure::UNSUPPORTED | Failure::NO_CALL) => Ok(()),
        result => result,
    }
}

/// Makes a file so long; a longer end is a hole.
///
/// # Errors
/// Those of the system.
pub fn set_length(file: &File, bytes: u64) -> Result<()> {
    rustix::fs::ftruncate(file, bytes).map_err(Failure)
}
