//! Copies that were restored: what lies beside them from before, and whether they are sound.

use std::fs;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::open::failed;
use crate::error::{Error, Result};

/// What must not lie beside a copy: it belongs to another state of the database, and would be played into the copy.
const STALE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Removes what an earlier database of this name left beside it. Says how many files went.
///
/// # Errors
/// Those of the file system.
pub fn remove_stale(copy: &Path) -> Result<usize> {
    let mut removed = 0;
    for end in STALE {
        let mut path = copy.as_os_str().to_owned();
        path.push(end);
        match fs::remove_file(&path) {
            Ok(()) => removed += 1,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io("cannot remove", Path::new(&path).display(), error)),
        }
    }
    Ok(removed)
}

/// Has a copy that nobody else has open check itself and its references: what it finds wrong, one line each.
///
/// # Errors
/// When it cannot be opened.
pub fn check_copy(copy: &Path) -> Result<Vec<String>> {
    let failed = |error| failed(copy, error);
    let connection =
        Connection::open_with_flags(copy, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(failed)?;
    let mut wrong = Vec::new();
    {
        let mut check = connection.prepare("pragma integrity_check(10)").map_err(failed)?;
        let lines = check.query_map([], |row| row.get::<_, String>(0)).map_err(failed)?;
        for line in lines {
            wrong.push(line.map_err(failed)?);
        }
    }
    if wrong == ["ok"] {
        wrong.clear();
    }
    let mut check = connection.prepare("pragma foreign_key_check").map_err(failed)?;
    let broken = check.query_map([], |row| row.get::<_, String>(0)).map_err(failed)?.count();
    if broken > 0 {
        wrong.push(format!("{broken} rows refer to rows that are not there"));
    }
    Ok(wrong)
}
