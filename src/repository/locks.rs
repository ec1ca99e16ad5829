//! Waiting for the repository's locks, in a way that a signal can end.

use std::time::{Duration, Instant};

use super::Repository;
use crate::cancel::check_cancelled;
use crate::error::{ErrorKind, Result};
use crate::progress::{Finding, FindingKind, Progress, Topic};
use crate::storage::{LOCK, Lock, LockMode, PRUNE_LOCK, Storage};

/// How often it is asked whether the lock is free.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// Why nothing happens.
pub(super) const WAITING: &str = "another process has locked the repository; waiting for it";

impl Repository {
    /// Takes the lock that snapshots share and a sweep holds alone, and waits for those who hold it. That
    /// may take long, so it is asked for again and again, and the user is told why nothing happens.
    ///
    /// # Errors
    /// `Busy` when it is held for longer than the user wants to wait; `Interrupted`; those of the storage.
    pub fn wait_for_lock(&self, mode: LockMode, progress: &dyn Progress) -> Result<Box<dyn Lock>> {
        wait_for(&**self.storage(), LOCK, mode, progress.lock_wait(), progress)
    }

    /// Takes the lock that only one process holds which removes things or changes keys. Nobody waits for it who was
    /// not told to: two at the same time are most likely a mistake.
    ///
    /// # Errors
    /// As [`Repository::wait_for_lock`].
    pub fn lock_alone(&self, progress: &dyn Progress) -> Result<Box<dyn Lock>> {
        wait_for(&**self.storage(), PRUNE_LOCK, LockMode::Exclusive, Some(progress.lock_wait().unwrap_or_default()), progress)
    }
}

/// Takes the lock `name`, and waits for those who hold it, `at_most` so long.
///
/// # Errors
/// As [`Repository::wait_for_lock`].
pub(super) fn wait_for(
    storage: &dyn Storage,
    name: &str,
    mode: LockMode,
    at_most: Option<Duration>,
    progress: &dyn Progress,
) -> Result<Box<dyn Lock>> {
    let mut begun = None;
    loop {
        let error = match storage.lock(name, mode, false) {
            Err(error) if error.kind() == ErrorKind::Busy => error,
            other => return other,
        };
        check_cancelled(progress)?;
        if at_most.is_some_and(|at_most| begun.map_or(at_most.is_zero(), |begun: Instant| begun.elapsed() >= at_most)) {
            return Err(error);
        }
        if begun.is_none() {
            progress.report(Finding::new(FindingKind::Note(Topic::Waiting), [], WAITING));
            begun = Some(Instant::now());
        }
        std::thread::sleep(ASK_EVERY);
    }
}
