//! An open catalog: every call goes through the guard, and the first failure ends it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::database::Database;
use super::guard;
use super::listing::Listing;
use super::place::{Place, disk_bytes};
use super::state::{Changes, SCHEMA};
use super::summary::Summary;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{RepositoryId, SnapshotId};
use crate::units::{MIB, Timestamp};

/// The shortest time after which a call is taken to hang.
const PATIENCE: Duration = Duration::from_secs(10);
/// The log is read at least so fast, or the database hangs.
const BYTES_PER_SECOND_MIN: u64 = 50 * MIB;
/// The database may take so many times its rows on disk before it is built again.
const DISK_FACTOR_MAX: u64 = 4;
/// What a small database takes whatever it holds.
const DISK_BYTES_FREE: u64 = 16 * MIB;

/// An open catalog; no other process can have it meanwhile. After any error it has given itself up:
/// the folder is set aside, every further call fails, and the caller reads the sealed objects.
#[derive(Debug)]
pub struct Catalog {
    pub(super) place: Place,
    pub(super) repository: RepositoryId,
    pub(super) database: Option<Database>,
    patience: Duration,
    /// A thread hangs in the database and may write to its folder at any time.
    is_stuck: bool,
}

impl Catalog {
    /// Opens the catalog in `folder`, or a fresh one where there is none, where it is of another
    /// repository or version, or where it is damaged (then the old one is set aside).
    ///
    /// # Errors
    /// `Busy` when another process has it; those of the file system; `Other` when the database hangs.
    pub fn open(folder: &Path, repository: RepositoryId) -> Result<Self> {
        let place = Place::lock(folder)?;
        let patience = PATIENCE + Duration::from_secs(disk_bytes(&place.database()) / BYTES_PER_SECOND_MIN);
        let mut catalog = Self { place, repository, database: None, patience, is_stuck: false };
        if let Err(error) = catalog.open_database() {
            // A full disk or a missing right would meet a fresh database as well.
            if catalog.is_stuck || !error.is_damage() && error.kind() != ErrorKind::Other {
                return Err(error);
            }
            catalog.open_database()?;
        }
        Ok(catalog)
    }

    /// Opens the database in use and looks at its state row.
    pub(super) fn open_database(&mut self) -> Result<()> {
        self.open_at(self.place.database())?;
        match self.run(Database::state) {
            Ok(Some(state)) if state.schema != SCHEMA || state.repository != self.repository => {
                self.close()?;
                self.place.discard()?;
                self.open_at(self.place.database())
            }
            outcome => outcome.map(drop),
        }
    }

    fn open_at(&mut self, path: PathBuf) -> Result<()> {
        let (place, repository) = (self.place.clone(), self.repository);
        match guard::run(self.patience, move || Database::open(place, path, repository)) {
            Ok(database) => {
                self.database = Some(database);
                Ok(())
            }
            Err(failure) => Err(self.give_up(failure)),
        }
    }

    /// Runs `work` on the database. Any failure gives the catalog up.
    pub(super) fn run<T: Send + 'static>(&mut self, work: impl FnOnce(&Database) -> Result<T> + Send + 'static) -> Result<T> {
        let Some(database) = self.database.clone() else {
            return Err(Error::new(ErrorKind::Other, "the catalog was given up"));
        };
        guard::run(self.patience, move || work(&database)).map_err(|failure| self.give_up(failure))
    }

    fn give_up(&mut self, failure: guard::Failure) -> Error {
        self.is_stuck |= failure.is_stuck;
        // Neither a lock that is held a little longer nor a full disk says anything about the rows.
        if matches!(failure.error.kind(), ErrorKind::Busy | ErrorKind::Full | ErrorKind::Denied) {
            let _ = self.close();
        } else {
            self.set_aside();
        }
        failure.error
    }

    /// Gives the catalog up for good: the next open makes a fresh one.
    pub fn quarantine(mut self) {
        self.set_aside();
    }

    pub(super) fn set_aside(&mut self) {
        // What cannot be closed or renamed is found damaged again by the next open.
        let _ = self.close();
        let _ = self.place.quarantine();
    }

    /// Closes the database. Dropping it may panic or hang, so that is guarded too.
    pub(super) fn close(&mut self) -> Result<()> {
        let Some(database) = self.database.take() else { return Ok(()) };
        let patience = if self.is_stuck { Duration::ZERO } else { self.patience };
        guard::run(patience, move || {
            drop(database);
            Ok(())
        })
        .map_err(|failure| {
            self.is_stuck |= failure.is_stuck;
            failure.error
        })
    }

    /// All summaries and records, every row checked.
    ///
    /// # Errors
    /// `Damaged` when one row does not stand; the catalog is then set aside.
    pub fn listing(&mut self) -> Result<Listing> {
        self.run(Database::read_all)
    }

    /// The newest snapshot of a series, found without reading the others: a proposal for a base.
    ///
    /// # Errors
    /// As [`Catalog::listing`].
    pub fn newest(&mut self, series: &str) -> Result<Option<Summary>> {
        let series = series.to_owned();
        self.run(move |database| database.newest(&series, false))
    }

    /// The newest full snapshot of a series, found without reading the others.
    ///
    /// # Errors
    /// As [`Catalog::listing`].
    pub fn newest_full(&mut self, series: &str) -> Result<Option<Summary>> {
        let series = series.to_owned();
        self.run(move |database| database.newest(&series, true))
    }

    /// The snapshots whose `time` is at or after `from` and before `to`, oldest first.
    ///
    /// # Errors
    /// As [`Catalog::listing`].
    pub fn time_line(&mut self, from: Timestamp, to: Timestamp) -> Result<Vec<SnapshotId>> {
        self.run(move |database| database.time_line(from, to))
    }

    /// Adds a snapshot that is committed. Durable after [`Catalog::flush`].
    ///
    /// # Errors
    /// Those of the database.
    pub fn insert(&mut self, summary: &Summary) -> Result<()> {
        let changes = Changes { added: vec![summary.clone()], ..Changes::default() };
        self.run(move |database| database.apply(&changes))
    }

    /// Makes everything written durable; once, at the end.
    ///
    /// # Errors
    /// Those of the file system. A sync that failed once proves nothing when it is tried again, so
    /// the catalog is dropped.
    pub fn flush(&mut self) -> Result<()> {
        self.run(Database::flush).inspect_err(|_| self.set_aside())
    }

    /// Builds the database again from its own rows where it takes far more space than they need;
    /// it never shrinks by itself. Returns whether it did.
    ///
    /// # Errors
    /// Those of the database.
    pub fn compact_where_due(&mut self) -> Result<bool> {
        let disk_bytes = disk_bytes(&self.place.database());
        if disk_bytes <= DISK_BYTES_FREE || disk_bytes <= DISK_FACTOR_MAX * self.run(Database::live_bytes)? + DISK_BYTES_FREE {
            return Ok(false);
        }
        let rows = self.run(Database::read_all)?;
        self.replace(rows)?;
        Ok(true)
    }

    /// Builds a new database that holds just these rows and puts it in place of the old one.
    pub(super) fn replace(&mut self, rows: Listing) -> Result<()> {
        self.close()?;
        if self.is_stuck {
            return Err(Error::new(ErrorKind::Other, "the catalog is stuck"));
        }
        self.open_at(self.place.new_database())?;
        let changes = Changes::from(rows);
        self.run(move |database| {
            database.apply(&changes)?;
            database.flush()
        })?;
        self.close()?;
        self.place.swap()?;
        self.open_at(self.place.database())
    }
}

impl Drop for Catalog {
    fn drop(&mut self) {
        // Nothing is lost: what was not flushed is found again by the next reconciliation.
        let _ = self.close();
    }
}
