//! The profile.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::hold::{Read, begin, read_pages};
use super::open::open_database;
use crate::cancel::Cancel;
use crate::databases::spool::Spool;
use crate::databases::{Account, Entry, EntryKind, Held, Profile};
use crate::error::{Error, ErrorKind, Result};
use crate::platform::names;
use crate::progress::Progress;
use crate::units::{ByteCount, Timestamp};

/// What lies beside a database and is of no use without it.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// A SQLite database.
#[derive(Clone, Debug)]
pub struct Sqlite {
    name: String,
    path: PathBuf,
    scratch: PathBuf,
}

impl Sqlite {
    /// The database `name` in the file at `path`.
    pub fn new(name: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        Self { name: name.into(), path: path.into(), scratch: std::env::temp_dir() }
    }

    /// With a folder for what does not fit into memory.
    #[must_use]
    pub fn scratch(self, folder: impl Into<PathBuf>) -> Self {
        Self { scratch: folder.into(), ..self }
    }
}

impl Profile for Sqlite {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "sqlite"
    }

    fn covers(&self) -> Vec<Vec<u8>> {
        let path = names::to_bytes(&self.path);
        std::iter::once("").chain(BESIDE).map(|end| [path, end.as_bytes()].concat()).collect()
    }

    fn foresee(&self, _: &dyn Cancel) -> Result<String> {
        let connection = open_database(&self.path)?;
        let pages: i64 =
            connection.query_row("pragma page_count", [], |row| row.get(0)).map_err(|error| super::open::failed(&self.path, error))?;
        let page: i64 =
            connection.query_row("pragma page_size", [], |row| row.get(0)).map_err(|error| super::open::failed(&self.path, error))?;
        let bytes = ByteCount(pages.unsigned_abs().saturating_mul(page.unsigned_abs()));
        Ok(format!("{bytes} would be read from \"{}\" in one transaction", self.path.display()))
    }

    fn hold<'p>(&'p self, _: &'p dyn Progress) -> Result<Box<dyn Held + 'p>> {
        let (connection, read) = begin(&self.path)?;
        let spool = Arc::new(Spool::new(&self.scratch));
        let is_stopped = Arc::new(AtomicBool::new(false));
        let known = Arc::new(Mutex::new(read.clone()));
        let reading = {
            let (spool, is_stopped, path, read, known) =
                (Arc::clone(&spool), Arc::clone(&is_stopped), self.path.clone(), read.clone(), Arc::clone(&known));
            std::thread::spawn(move || {
                let outcome = read_pages(&connection, &path, &read, &spool, &*is_stopped);
                if let Ok(mut known) = known.lock() {
                    known.ended_at = Timestamp::now();
                }
                spool.end(outcome.map_err(|error| with_cause(&error)));
            })
        };
        Ok(Box::new(Holding { profile: self, spool, is_stopped, reading: Some(reading), known, read, is_given: false }))
    }
}

fn with_cause(error: &Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

struct Holding<'p> {
    profile: &'p Sqlite,
    spool: Arc<Spool>,
    is_stopped: Arc<AtomicBool>,
    reading: Option<JoinHandle<()>>,
    known: Arc<Mutex<Read>>,
    read: Read,
    is_given: bool,
}

impl Held for Holding<'_> {
    fn next_entry(&mut self) -> Result<Option<Entry>> {
        if std::mem::replace(&mut self.is_given, true) {
            return Ok(None);
        }
        let name = file_name(&self.profile.path);
        let kind = EntryKind::File(Some(self.read.page_bytes.saturating_mul(self.read.pages)));
        Ok(Some(Entry { path: name, kind, mode: 0o600, mtime: self.read.begun_at }))
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.spool.read(buffer)
    }

    fn finish(mut self: Box<Self>) -> Result<Account> {
        if let Some(reading) = self.reading.take() {
            reading.join().map_err(|_| Error::new(ErrorKind::Other, "the thread that reads a database has ended early"))?;
        }
        // What was ended badly was told by the last read; this is for an end after the last byte.
        self.spool.read(&mut [0])?;
        let known = self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let hold_ms = (known.ended_at.seconds - known.begun_at.seconds) * 1000
            + (i64::from(known.ended_at.nanoseconds) - i64::from(known.begun_at.nanoseconds)) / 1_000_000;
        Ok(Account {
            name: self.profile.name.clone(),
            kind: "sqlite".to_owned(),
            method: known.way.to_owned(),
            origin: self.profile.path.display().to_string(),
            version: known.version,
            begun_at: known.begun_at,
            ended_at: known.ended_at,
            bytes: known.page_bytes.saturating_mul(known.pages),
            facts: vec![
                ("page-bytes".to_owned(), known.page_bytes.to_string()),
                ("pages".to_owned(), known.pages.to_string()),
                ("journal".to_owned(), known.journal),
                ("hold-ms".to_owned(), hold_ms.max(0).to_string()),
            ],
        })
    }
}

fn file_name(path: &Path) -> Vec<u8> {
    path.file_name().map(|name| names::to_bytes(&name).to_vec()).unwrap_or_default()
}

impl Drop for Holding<'_> {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::Relaxed);
        self.spool.abandon();
        if let Some(reading) = self.reading.take() {
            let _ = reading.join();
        }
    }
}
