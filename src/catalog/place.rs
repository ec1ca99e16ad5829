//! The folder of a catalog: its lock, and the names that whole databases move between.
//!
//! ```text
//! catalog.lock   one process at a time has a catalog; the others go on without
//! catalog/       the database
//! catalog.bad/   the last one that was given up, kept for a report
//! catalog.new/   one that is being built; catalog.old/ what it replaced
//! ```
//!
//! The lock is ours and not the database's, because that one is let go late and its refusal is only
//! a text.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::platform::lock::{self, Share};
use crate::platform::{Failure, private};

/// A file of the database with its settings; shorter ones are torn.
const CONF_BYTES_MIN: u64 = 9;

/// The folder of a catalog, locked for this process.
#[derive(Clone, Debug)]
pub(super) struct Place {
    folder: PathBuf,
    /// Held as long as any clone lives, so a thread that hangs in the database keeps it.
    _lock: Arc<File>,
}

impl Place {
    /// Makes `folder` where needed, locks it, and clears away what a crash left behind.
    ///
    /// # Errors
    /// `Busy` when another process holds it; those of the file system.
    pub fn lock(folder: &Path) -> Result<Self> {
        make_private(folder)?;
        let path = folder.join("catalog.lock");
        let lock = private::open_or_new(&path).map_err(|error| Error::io("cannot open", path.display(), error))?;
        lock::try_take(&lock, Share::Alone).map_err(|failure| match failure {
            Failure::WOULD_WAIT => Error::new(ErrorKind::Busy, format!("{} is held by another process", path.display())),
            failure => Error::io("cannot lock", path.display(), failure),
        })?;
        let place = Self { folder: folder.to_owned(), _lock: Arc::new(lock) };
        remove(&place.new_database())?;
        remove(&place.folder.join("catalog.old"))?;
        place.clear_torn_files()?;
        Ok(place)
    }

    /// The database in use.
    pub fn database(&self) -> PathBuf {
        self.folder.join("catalog")
    }

    /// A database that is being built.
    pub fn new_database(&self) -> PathBuf {
        self.folder.join("catalog.new")
    }

    /// Gives up the database in use: the next open makes a fresh one. Only the last one is kept.
    pub fn quarantine(&self) -> Result<()> {
        let bad = self.folder.join("catalog.bad");
        remove(&bad)?;
        rename(&self.database(), &bad)
    }

    /// Deletes the database in use, which is sound but of no use.
    pub fn discard(&self) -> Result<()> {
        remove(&self.database())
    }

    /// Puts the new database, which is closed and durable, in place of the one in use. A crash in
    /// between leaves none, and the next open makes a fresh one.
    pub fn swap(&self) -> Result<()> {
        let old = self.folder.join("catalog.old");
        rename(&self.database(), &old)?;
        rename(&self.new_database(), &self.database())?;
        sync(&self.folder)?;
        remove(&old)
    }

    /// A snapshot of the database's page table that a crash tore is taken for the newest one and
    /// makes the whole database unreadable; deleting it cures. Without whole `conf` and `db` files
    /// the database would begin again between the old files, so the rest goes too.
    fn clear_torn_files(&self) -> Result<()> {
        let database = self.database();
        let entries = match fs::read_dir(&database) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            // A file in its place, or a folder that cannot be read.
            Err(_) => return self.quarantine(),
        };
        for entry in entries {
            let entry = entry.map_err(|error| Error::io("cannot list", database.display(), error))?;
            let name = entry.file_name();
            let name = name.as_encoded_bytes();
            if name.starts_with(b"snap.") && name.ends_with(b".generating") {
                remove(&entry.path())?;
            }
        }
        let bytes = |name: &str| fs::metadata(database.join(name)).map_or(0, |metadata| metadata.len());
        if bytes("conf") < CONF_BYTES_MIN || bytes("db") == 0 { self.discard() } else { Ok(()) }
    }
}

/// Makes a folder that only its owner can look into, for a catalog holds paths that the repository
/// keeps sealed.
pub(super) fn make_private(folder: &Path) -> Result<()> {
    private::make_folder(folder).map_err(|error| Error::io("cannot create", folder.display(), error))
}

/// The length of all files of a database.
pub(super) fn disk_bytes(database: &Path) -> u64 {
    let files = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten().collect::<Vec<_>>();
    let all = files(database).into_iter().chain(files(&database.join("blobs")));
    all.filter_map(|entry| entry.metadata().ok()).filter(|metadata| metadata.is_file()).map(|metadata| metadata.len()).sum()
}

/// Makes a flushed database durable: flushing alone syncs neither the length of its files nor their
/// names. A sync that fails is not tried again.
///
/// # Errors
/// Those of the file system.
pub(super) fn sync_database(database: &Path) -> Result<()> {
    let blobs = database.join("blobs");
    for folder in [blobs.as_path(), database] {
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries.map_err(|error| Error::io("cannot list", folder.display(), error))?,
        };
        for entry in entries {
            let entry = entry.map_err(|error| Error::io("cannot list", folder.display(), error))?;
            match sync(&entry.path()) {
                // The database replaces its snapshot files in the background.
                Err(error) if error.is_not_found() => {}
                outcome => outcome?,
            }
        }
        sync(folder)?;
    }
    database.parent().map_or(Ok(()), sync)
}

fn sync(path: &Path) -> Result<()> {
    let file = File::open(path).map_err(|error| Error::io("cannot open", path.display(), error))?;
    file.sync_all().map_err(|error| Error::io("cannot sync", path.display(), error))
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io("cannot rename", from.display(), error)),
        _ => Ok(()),
    }
}

fn remove(path: &Path) -> Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io("cannot remove", path.display(), error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_told_that_it_is_busy() {
        let folder = tempfile::tempdir().unwrap();
        let first = Place::lock(folder.path()).unwrap();
        assert_eq!(Place::lock(folder.path()).unwrap_err().kind(), ErrorKind::Busy);
        drop(first);
        Place::lock(folder.path()).unwrap();
    }

    #[test]
    fn only_the_last_bad_database_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::lock(folder.path()).unwrap();
        for name in ["first", "second"] {
            fs::create_dir(place.database()).unwrap();
            fs::write(place.database().join(name), "x").unwrap();
            place.quarantine().unwrap();
        }
        let kept: Vec<_> = fs::read_dir(folder.path().join("catalog.bad")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(kept, ["second"]);
        assert!(!place.database().exists());
    }

    #[test]
    fn torn_and_half_built_files_are_cleared_away() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("catalog");
        fs::create_dir(&database).unwrap();
        fs::create_dir(folder.path().join("catalog.new")).unwrap();
        fs::write(database.join("conf"), [0; 20]).unwrap();
        fs::write(database.join("db"), [0; 20]).unwrap();
        fs::write(database.join("snap.0000000000000007.generating"), [0; 2]).unwrap();
        drop(Place::lock(folder.path()).unwrap());
        assert!(database.join("db").exists() && !database.join("snap.0000000000000007.generating").exists());
        assert!(!folder.path().join("catalog.new").exists());
        fs::write(database.join("conf"), [0; 8]).unwrap();
        drop(Place::lock(folder.path()).unwrap());
        assert!(!database.exists());
    }
}
