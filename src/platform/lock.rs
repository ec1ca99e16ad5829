//! Locks on open files and folders that end with the process that holds them, however it ends.

use rustix::fs::{FlockOperation, flock};

use super::failure::{Failure, Result};
use super::handle::AsHandle;

/// How a lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// With others who hold it in this way.
    Shared,
    /// Alone.
    Alone,
}

/// Waits for the lock and takes it. It belongs to this handle and its duplicates.
///
/// # Errors
/// [`Failure::INTERRUPTED`] by a signal; those of a file system without locks.
pub fn take(handle: impl AsHandle, share: Share) -> Result<()> {
    let operation = match share {
        Share::Shared => FlockOperation::LockShared,
        Share::Alone => FlockOperation::LockExclusive,
    };
    flock(handle.as_handle(), operation).map_err(Failure)
}

/// Takes the lock, if that can be without waiting.
///
/// # Errors
/// [`Failure::WOULD_WAIT`] when somebody else holds it; those of a file system without locks.
pub fn try_take(handle: impl AsHandle, share: Share) -> Result<()> {
    let operation = match share {
        Share::Shared => FlockOperation::NonBlockingLockShared,
        Share::Alone => FlockOperation::NonBlockingLockExclusive,
    };
    flock(handle.as_handle(), operation).map_err(Failure)
}

/// Lets go of the lock at once, also where a child that was just forked still holds the file.
pub fn release(handle: impl AsHandle) {
    let _ = flock(handle.as_handle(), FlockOperation::Unlock);
}
