//! SQLite databases, which check themselves.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::Verdict;
use crate::error::Result;
use crate::platform::names;

/// Has a database check itself. Nothing is written beside it: it is a copy that nobody else has open.
///
/// # Errors
/// None; what cannot be opened is broken.
pub(super) fn open(path: &Path) -> Result<Verdict> {
    let checked = (|| {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(uri(path), flags)?;
        let mut check = connection.prepare("pragma integrity_check(3)")?;
        let said = check.query_map([], |row| row.get::<_, String>(0))?;
        said.collect::<rusqlite::Result<Vec<String>>>()
    })();
    Ok(match checked {
        Ok(said) if said == ["ok"] => Verdict::Opens,
        Ok(said) => Verdict::Broken(said.join("; ")),
        Err(error) => Verdict::Broken(error.to_string()),
    })
}

/// The path as an address that SQLite opens without making files beside it.
fn uri(path: &Path) -> String {
    let mut uri = "file:".to_owned();
    for byte in names::to_bytes(&path) {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => uri.push(char::from(*byte)),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri.push_str("?immutable=1");
    uri
}
