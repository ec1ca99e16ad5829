//! Waiting for the repository's lock, in a way that a signal can end.

use std::time::Duration;

use super::Repository;
use crate::error::{Error, ErrorKind, Result};
use crate::progress::{Finding, FindingKind, Progress};
use crate::storage::{LOCK, Lock, LockMode};

/// How often it is asked whether the lock is free.
const ASK_EVERY: Duration = Duration::from_millis(100);

impl Repository {
    /// Takes the lock that snapshots share and a sweep holds alone, and waits for those who hold it. That
    /// may take long, so it is asked for again and again, and the user is told why nothing happens.
    ///
    /// # Errors
    /// `Interrupted`; those of the storage.
    pub fn wait_for_lock(&self, mode: LockMode, progress: &dyn Progress) -> Result<Box<dyn Lock>> {
        let mut is_told = false;
        loop {
            match self.storage.lock(LOCK, mode, false) {
                Err(error) if error.kind() == ErrorKind::Busy => {
                    if progress.is_interrupted() {
                        return Err(Error::new(ErrorKind::Interrupted, "interrupted"));
                    }
                    if !is_told {
                        progress.report(Finding::new(FindingKind::Note, [], "another process has locked the repository; waiting for it"));
                        is_told = true;
                    }
                    std::thread::sleep(ASK_EVERY);
                }
                other => return other,
            }
        }
    }
}
