//! Locks of the kernel on files that are never unlinked.
//!
//! The kernel lets go when the process dies, so there is nothing to unlock by hand. Because the file
//! stays, two processes that lock the same name lock the same file.

use std::os::fd::OwnedFd;

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::root::Root;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Lock, LockMode};

const LOCK_FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

/// A held lock; no handle where nothing can be written and so none is needed.
#[derive(Debug)]
struct LocalLock {
    file: Option<OwnedFd>,
}

impl Lock for LocalLock {}

impl Drop for LocalLock {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            // Said aloud, because a child that was just forked may hold the file a moment longer.
            let _ = rustix::fs::flock(file, FlockOperation::Unlock);
        }
    }
}

/// Takes the lock `name`.
pub(super) fn take(root: &Root, name: &str, mode: LockMode, wait: bool) -> Result<Box<dyn Lock>> {
    let file = match open(root, name, mode) {
        Ok(file) => file,
        Err(Errno::ROFS | Errno::ACCESS) if mode == LockMode::Shared && !root.is_writable() => {
            return Ok(Box::new(LocalLock { file: None }));
        }
        Err(errno) => return Err(Error::io("cannot open the lock", root.describe(name), errno)),
    };
    let operation = match (mode, wait) {
        (LockMode::Shared, true) => FlockOperation::LockShared,
        (LockMode::Shared, false) => FlockOperation::NonBlockingLockShared,
        (LockMode::Exclusive, true) => FlockOperation::LockExclusive,
        (LockMode::Exclusive, false) => FlockOperation::NonBlockingLockExclusive,
    };
    match rustix::fs::flock(&file, operation) {
        Ok(()) => Ok(Box::new(LocalLock { file: Some(file) })),
        Err(Errno::WOULDBLOCK) => Err(Error::new(ErrorKind::Busy, format!("{} is held by another process", root.describe(name)))),
        Err(errno) => {
            let error = Error::io("cannot lock", root.describe(name), errno);
            Err(if errno == Errno::INTR { error.with_kind(ErrorKind::Interrupted) } else { error })
        }
    }
}

/// Makes the file of a lock when it is missing.
pub(super) fn create(root: &Root, name: &str) -> Result<()> {
    open(root, name, LockMode::Exclusive).map(drop).map_err(|errno| Error::io("cannot make the lock", root.describe(name), errno))
}

fn open(root: &Root, name: &str, mode: LockMode) -> rustix::io::Result<OwnedFd> {
    let access = match mode {
        LockMode::Shared => OFlags::RDONLY,
        // NFS locks a file alone only when it is open for writing.
        LockMode::Exclusive => OFlags::RDWR,
    };
    let flags = access | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let open = |flags| rustix::io::retry_on_intr(|| rustix::fs::openat(&root.fd, name, flags, LOCK_FILE_MODE));
    match open(flags) {
        Err(Errno::NOENT) => {
            let file = open(flags | OFlags::CREATE)?;
            root.owners.give_lock(&file, LOCK_FILE_MODE)?;
            Ok(file)
        }
        Err(Errno::ACCESS) if mode == LockMode::Exclusive => open(flags.difference(OFlags::RDWR) | OFlags::RDONLY),
        result => result,
    }
}
