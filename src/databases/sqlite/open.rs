//! Opening a database that others write to, for reading alone.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::error::{Error, ErrorKind, Result};

/// A writer may hold the file for a moment; so long is waited for it.
const BUSY_TIME: Duration = Duration::from_secs(20);

/// Opens the database at `path` for reading.
///
/// # Errors
/// `NotFound`; `Invalid` where it is no database; `Busy` where somebody holds it alone; others of SQLite.
pub(super) fn open_database(path: &Path) -> Result<Connection> {
    if !path.exists() {
        return Err(Error::new(ErrorKind::NotFound, format!("there is no database at \"{}\"", path.display())));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| failed(path, error))?;
    connection.busy_timeout(BUSY_TIME).map_err(|error| failed(path, error))?;
    Ok(connection)
}

/// The error of a call of SQLite.
pub(super) fn failed(path: &Path, error: rusqlite::Error) -> Error {
    let shown = path.display();
    let (kind, message) = match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => (ErrorKind::Invalid, format!("\"{shown}\" is no SQLite database, or it is encrypted")),
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
            (ErrorKind::Busy, format!("another program holds the database \"{shown}\" for itself"))
        }
        Some(rusqlite::ErrorCode::CannotOpen | rusqlite::ErrorCode::ReadOnly) => (
            ErrorKind::Denied,
            format!("the database \"{shown}\" cannot be opened: its folder must let files be made where there is a write-ahead log"),
        ),
        Some(rusqlite::ErrorCode::DatabaseCorrupt) => (ErrorKind::Damaged, format!("the database \"{shown}\" is damaged")),
        _ => (ErrorKind::Other, format!("cannot read the database \"{shown}\"")),
    };
    Error::new(kind, message).with_source(error).without_hint()
}
