//! Locks of the kernel on files that are never unlinked.
//!
//! The kernel lets go when the process dies, so there is nothing to unlock by hand. Because the file
//! stays, two processes that lock the same name lock the same file.

use std::fs::File;
use std::sync::Arc;

use super::root::Root;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::lock::{self, Share};
use crate::platform::{Failure, failure, look, open};
use crate::storage::{Lock, LockMode};

const LOCK_FILE_MODE: u32 = 0o600;

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
    file: File,
}

impl Lock for LocalLock {
    /// Who unlinks the file, or puts another in its place, lets others lock that one.
    fn still_holds(&self) -> Result<()> {
        let Some(Locked { root, name, file }) = &self.file else { return Ok(()) };
        let failed = |failure| Error::io("cannot look at the lock", root.describe(name), failure);
        let locked = look::at_handle(file).map_err(failed)?;
        let lost = match look::at_entry(&root.handle, name) {
            Ok(there) if there.identity == locked.identity => return Ok(()),
            Ok(_) => "was replaced by another file",
            Err(Failure::NOT_FOUND | Failure::NO_FOLDER) => "is gone",
            Err(failure) => return Err(failed(failure)),
        };
        let message = format!("the lock {} {lost} while it was held, so others may be at work here now; run it again", root.describe(name));
        Err(Error::new(ErrorKind::Changed, message))
    }
}

impl Drop for LocalLock {
    fn drop(&mut self) {
        if let Some(Locked { file, .. }) = &self.file {
            // Said aloud, because a child that was just forked may hold the file a moment longer.
            lock::release(file);
        }
    }
}

/// Takes the lock `name`.
pub(super) fn take(root: &Arc<Root>, name: &str, mode: LockMode, wait: bool) -> Result<Box<dyn Lock>> {
    let file = match open_file(root, name, mode) {
        Ok(file) => file,
        Err(Failure::READ_ONLY | Failure::DENIED) if mode == LockMode::Shared && !can_write(root) => return Ok(no_lock()),
        Err(failure) => return Err(Error::io("cannot open the lock", root.describe(name), failure)),
    };
    let share = match mode {
        LockMode::Shared => Share::Shared,
        LockMode::Exclusive => Share::Alone,
    };
    match if wait { lock::take(&file, share) } else { lock::try_take(&file, share) } {
        Ok(()) => Ok(Box::new(LocalLock { file: Some(Locked { root: Arc::clone(root), name: name.to_owned(), file }) })),
        Err(failure) if is_without_locks(failure) && mode == LockMode::Shared && !can_write(root) => Ok(no_lock()),
        Err(failure) if is_without_locks(failure) => Err(refuse(root, name, failure)),
        Err(Failure::WOULD_WAIT) => Err(Error::new(ErrorKind::Busy, format!("{} is held by another process", root.describe(name)))),
        Err(failure) => {
            let error = Error::io("cannot lock", root.describe(name), failure);
            Err(if failure == Failure::INTERRUPTED { error.with_kind(ErrorKind::Interrupted) } else { error })
        }
    }
}

/// Makes the file of a lock when it is missing, and tries whether it can be locked at all: a repository that
/// nobody can write to should not be made.
pub(super) fn create(root: &Root, name: &str) -> Result<()> {
    let file =
        open_file(root, name, LockMode::Exclusive).map_err(|failure| Error::io("cannot make the lock", root.describe(name), failure))?;
    let tried = lock::try_take(&file, Share::Shared);
    lock::release(&file);
    match tried {
        Err(failure) if is_without_locks(failure) => Err(refuse(root, name, failure)),
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
fn is_without_locks(failure: Failure) -> bool {
    [Failure::NO_CALL, Failure::NO_LOCKS, Failure::UNSUPPORTED].contains(&failure)
}

fn refuse(root: &Root, name: &str, failure: Failure) -> Error {
    let message = format!(
        "{} cannot be locked: the file system has no locks (flock), and without them a prune could remove what a running snapshot \
         needs. Mount it with locks (NFS: version 4, or lockd on both sides; Lustre: -o flock), or keep the repository on another \
         file system",
        root.describe(name)
    );
    Error::new(ErrorKind::Other, message).with_source(std::io::Error::from(failure))
}

fn open_file(root: &Root, name: &str, mode: LockMode) -> failure::Result<File> {
    let opened = match mode {
        LockMode::Shared => open::file_itself(&root.handle, name),
        // NFS locks a file alone only when it is open for writing.
        LockMode::Exclusive => open::file_to_write(&root.handle, name),
    };
    match opened {
        Err(Failure::NOT_FOUND) => {
            let file = match mode {
                LockMode::Shared => open::file_or_new(&root.handle, name),
                LockMode::Exclusive => open::file_or_new_to_write(&root.handle, name),
            }?;
            root.owners.give_lock(&file, LOCK_FILE_MODE)?;
            Ok(file)
        }
        Err(Failure::DENIED) if mode == LockMode::Exclusive => open::file_itself(&root.handle, name),
        result => result,
    }
}
