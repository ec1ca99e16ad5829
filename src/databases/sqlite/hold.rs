//! The thread that reads, and what it knows at the end.

use std::path::Path;

use rusqlite::Connection;

use super::open::{failed, open_database};
use crate::cancel::{Cancel, check_cancelled};
use crate::databases::spool::Spool;
use crate::error::{Error, ErrorKind, Result};
use crate::units::Timestamp;

/// So many pages are handed on at a time.
const PAGES_AT_ONCE: usize = 64;

/// What is known of a database when it was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Read {
    pub page_bytes: u64,
    pub pages: u64,
    pub journal: String,
    pub version: String,
    pub begun_at: Timestamp,
    pub ended_at: Timestamp,
    pub way: &'static str,
}

/// Begins the transaction: what is committed before this returns is in it.
pub(super) fn begin(path: &Path) -> Result<(Connection, Read)> {
    let begun_at = Timestamp::now();
    let connection = open_database(path)?;
    let failed = |error| failed(path, error);
    let journal: String = connection.query_row("pragma journal_mode", [], |row| row.get(0)).map_err(failed)?;
    connection.execute_batch("begin").map_err(failed)?;
    // A transaction begins with its first read.
    connection.query_row("select count(*) from sqlite_schema", [], |row| row.get::<_, i64>(0)).map_err(failed)?;
    let number = |name: &str| connection.query_row(&format!("pragma {name}"), [], |row| row.get::<_, i64>(0)).map_err(failed);
    let (page_bytes, pages) = (number("page_size")?, number("page_count")?);
    let read = Read {
        page_bytes: page_bytes.unsigned_abs(),
        pages: pages.unsigned_abs(),
        journal,
        version: rusqlite::version().to_owned(),
        begun_at,
        ended_at: Timestamp::now(),
        way: "pages",
    };
    Ok((connection, read))
}

/// Reads all pages into the spool and ends the transaction.
pub(super) fn read_pages(connection: &Connection, path: &Path, read: &Read, spool: &Spool, cancel: &dyn Cancel) -> Result<()> {
    let failed = |error| failed(path, error);
    let mut pages = connection.prepare("select data from sqlite_dbpage('main')").map_err(|error| without_table(path, error))?;
    let mut rows = pages.query([]).map_err(failed)?;
    let (mut buffer, mut count) = (Vec::new(), 0);
    while let Some(row) = rows.next().map_err(failed)? {
        let page = row.get_ref(0).and_then(|value| Ok(value.as_blob()?)).map_err(failed)?;
        if page.len() as u64 != read.page_bytes {
            return Err(Error::new(ErrorKind::Damaged, format!("page {} of \"{}\" has another length", count + 1, path.display())));
        }
        buffer.extend_from_slice(page);
        count += 1;
        if count % PAGES_AT_ONCE as u64 == 0 {
            check_cancelled(cancel)?;
            spool.write(&buffer)?;
            buffer.clear();
        }
    }
    spool.write(&buffer)?;
    drop(rows);
    drop(pages);
    connection.execute_batch("commit").map_err(failed)?;
    if count != read.pages {
        return Err(Error::new(ErrorKind::Changed, format!("\"{}\" has {count} pages, and should have {}", path.display(), read.pages)));
    }
    Ok(())
}

/// The error of a build of SQLite that cannot give its pages.
fn without_table(path: &Path, error: rusqlite::Error) -> Error {
    if error.to_string().contains("no such table") {
        let message = "this program was built without the table of pages of SQLite (SQLITE_ENABLE_DBPAGE_VTAB)";
        return Error::new(ErrorKind::Unsupported, message).with_hint("build it in its own folder, whose .cargo/config.toml asks for that");
    }
    failed(path, error)
}
