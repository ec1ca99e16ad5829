//! Locks of the kernel on files that are never unlinked.
//!
//! The kernel lets go when the process dies, so there is nothing to unlock by hand. Because the file
//! stays, two processes that lock the same name lock the same file.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::root::Root;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Lock, LockMode};

const LOCK_FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

/// A held lock; no file where nothing can be written and so none is needed.
#[derive(Debug)]
struct LocalLock {
    file: Option<Locked>,
}

/// A file that is locked.
#[derive(Debug)]
struct Locked {
    root: Arc<Root>,
    name: String,
    file: OwnedFd,
}

impl Lock for LocalLock {
    /// Who unlinks the file, or puts another in its place, lets others lock that one.
    fn still_holds(&self) -> Result<()> {
        let Some(Locked { root, name, file }) = &self.file else { return Ok(()) };
        let failed = |errno| Error::io("cannot look at the lock", root.describe(name), errno);
        let locked = rustix::fs::fstat(file).map_err(failed)?;
        let lost = match rustix::io::retry_on_intr(|| rustix::fs::statat(&root.fd, name.as_str(), AtFlags::SYMLINK_NOFOLLOW)) {
            Ok(there) if (there.st_dev, there.st_ino) == (locked.st_dev, locked.st_ino) => return Ok(()),
            Ok(_) => "was replaced by another file",
            Err(Errno::NOENT | Errno::NOTDIR) => "is gone",
            Err(errno) => return Err(failed(errno)),
        };
        let message = format!("the lock {} {lost} while it was held, so others may be at work here now; run it again", root.describe(name));
        Err(Error::new(ErrorKind::Changed, message))
    }
}

impl Drop for LocalLock {
    fn drop(&mut self) {
        if let Some(Locked { file, .. }) = &self.file {
            // Said aloud, because a child that was just forked may hold the file a moment longer.
            let _ = rustix::fs::flock(file, FlockOperation::Unlock);
        }
    }
}

/// Takes the lock `name`.
pub(super) fn take(root: &Arc<Root>, name: &str, mode: LockMode, wait: bool) -> Result<Box<dyn Lock>> {
    let file = match open(root, name, mode) {
        Ok(file) => file,
        Err(Errno::ROFS | Errno::ACCESS) if mode == LockMode::Shared && !can_write(root) => return Ok(no_lock()),
        Err(errno) => return Err(Error::io("cannot open the lock", root.describe(name), errno)),
    };
    let operation = match (mode, wait) {
        (LockMode::Shared, true) => FlockOperation::LockShared,
        (LockMode::Shared, false) => FlockOperation::NonBlockingLockShared,
        (LockMode::Exclusive, true) => FlockOperation::LockExclusive,
        (LockMode::Exclusive, false) => FlockOperation::NonBlockingLockExclusive,
    };
    match rustix::fs::flock(&file, operation) {
        Ok(()) => Ok(Box::new(LocalLock { file: Some(Locked { root: Arc::clone(root), name: name.to_owned(), file }) })),
        Err(errno) if is_without_locks(errno) && mode == LockMode::Shared && !can_write(root) => Ok(no_lock()),
        Err(errno) if is_without_locks(errno) => Err(refuse(root, name, errno)),
        Err(Errno::WOULDBLOCK) => Err(Error::new(ErrorKind::Busy, format!("{} is held by another process", root.describe(name)))),
        Err(errno) => {
            let error = Error::io("cannot lock", root.describe(name), errno);
            Err(if errno == Errno::INTR { error.with_kind(ErrorKind::Interrupted) } else { error })
        }
    }
}

/// Makes the file of a lock when it is missing, and tries whether it can be locked at all: a repository that
/// nobody can write to should not be made.
pub(super) fn create(root: &Root, name: &str) -> Result<()> {
    let file = open(root, name, LockMode::Exclusive).map_err(|errno| Error::io("cannot make the lock", root.describe(name), errno))?;
    let tried = rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared);
    let _ = rustix::fs::flock(&file, FlockOperation::Unlock);
    match tried {
        Err(errno) if is_without_locks(errno) => Err(refuse(root, name, errno)),
        // Where somebody holds it, it can be locked.
        _ => Ok(()),
    }
}

fn no_lock() -> Box<dyn Lock> {
    Box::new(LocalLock { file: None })
}

/// Whether this user may make or remove anything of the repository. Who may not needs no lock; whoever
/// may never goes on without one.
fn can_write(root: &Root) -> bool {
    ["", "packs", "index", "snapshots", "records"].iter().any(|folder| root.is_writable(folder))
}

/// Whether the file system cannot lock, as opposed to a lock that is held.
fn is_without_locks(errno: Errno) -> bool {
    [Errno::NOSYS, Errno::NOLCK, Errno::OPNOTSUPP, Errno::NOTSUP].contains(&errno)
}

fn refuse(root: &Root, name: &str, errno: Errno) -> Error {
    let message = format!(
        "{} cannot be locked: the file system has no locks (flock), and without them a prune could remove what a running snapshot \
         needs. Mount it with locks (NFS: version 4, or lockd on both sides; Lustre: -o flock), or keep the repository on another \
         file system",
        root.describe(name)
    );
    Error::new(ErrorKind::Other, message).with_source(std::io::Error::from(errno))
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
