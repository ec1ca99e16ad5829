//! The lock under which something is written down, and what was there when it was taken.

use crate::error::{Error, ErrorKind, Result};
use crate::id::SnapshotId;
use crate::progress::Progress;
use crate::repository::{Catalogued, Repository};
use crate::storage::{Lock, LockMode};
use crate::units::Timestamp;

/// Holds the lock that keeps prunes away: what it says is there stays there until it is dropped. So a front
/// chooses snapshots by its listing, and they are still there when the decision about them is written.
pub struct Annotator {
    pub(super) repository: Repository,
    pub(super) catalogued: Catalogued,
    /// The time of everything that is written.
    pub(super) now: Timestamp,
    _lock: Box<dyn Lock>,
}

impl Annotator {
    /// Takes the lock, waiting for it, and reads what is there.
    ///
    /// # Errors
    /// As [`Repository::wait_for_lock`].
    pub fn begin(repository: &Repository, clock: fn() -> Timestamp, progress: &dyn Progress) -> Result<Self> {
        let lock = repository.wait_for_lock(LockMode::Shared, progress)?;
        // What was true before the lock may not be any more.
        let repository = repository.read_again()?;
        let catalogued = repository.catalogued_from_sealed()?;
        Ok(Self { repository, catalogued, now: clock(), _lock: lock })
    }

    /// The repository, with what its records say now.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// Lets go of the lock.
    pub fn finish(self) -> Repository {
        self.repository
    }

    /// What is there, from the sealed objects alone.
    pub fn catalogued(&self) -> &Catalogued {
        &self.catalogued
    }

    /// Refuses a snapshot that is not there. One that is forgotten is.
    pub(super) fn check_there(&self, id: &SnapshotId) -> Result<()> {
        if self.catalogued.all.contains(id) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::NotFound, format!("there is no snapshot {id}")))
    }
}
