//! Locks a database: its file is frozen, and writes go to a difference file until it is released.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::asked::{ASKING_SECONDS, Answered, Asked};
use super::header::{Header, LockId, State, shown};
use super::lock_record::LockRecord;
use super::server::Described;
use super::settings::{Firebird, Step};
use super::tools::Tool;
use super::unlock::{Released, foreign, undo, unlock};
use crate::cancel::Cancel;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::{look, process};
use crate::units::Timestamp;

/// Programs of servers, whose folder a difference file without a path lies in.
const SERVERS: [&str; 4] = ["firebird", "fbserver", "fb_inet_server", "fb_smp_server"];

/// A lock of ours. It is released by [`Lock::release`], at the latest when this is dropped.
#[derive(Debug)]
pub struct Lock {
    firebird: Firebird,
    /// The file of the database.
    pub path: PathBuf,
    /// Where writes go meanwhile.
    pub difference: PathBuf,
    /// The number of the lock.
    pub id: LockId,
    /// Pages to be read.
    pub pages: u64,
    /// Bytes of a page.
    pub page_bytes: u32,
    /// The version of the format.
    pub ods: u16,
    /// Before the server was asked.
    pub asked_at: Timestamp,
    /// After it had answered.
    pub held_at: Timestamp,
    /// When it was asked.
    pub begun: Instant,
    record: Mutex<Option<LockRecord>>,
}

impl Lock {
    /// Locks the database.
    ///
    /// # Errors
    /// `Busy` when it is locked; whatever else the tool says. Then it is not locked by us, or the error says so.
    pub fn take(firebird: &Firebird, described: &Described, cancel: &dyn Cancel) -> Result<Self> {
        let path = described.path.clone();
        let before = Header::of_path(&path)?;
        if before.state != State::Normal {
            return Err(foreign(&path, &before, &firebird.address.text(), None));
        }
        let difference = difference_file(&path, described.difference.as_deref().or(before.difference.as_deref()));
        let record = LockRecord::write(&firebird.state_folder, Asked::now(&path, firebird.address.text(), &difference, &before))?;
        firebird.tell(Step::Recorded);
        let (asked_at, begun) = (Timestamp::now(), Instant::now());
        let tool = firebird.tool(Tool::Nbackup, described.way)?.arg("-LOCK").arg(firebird.database(described.way)).arg("-SIZE");
        let tool = tool.keeping_open(record.file()).time_limit(Duration::from_secs(ASKING_SECONDS as u64));
        let (mut was_ended_by_us, mut record) = (false, record);
        let taken = tool.run(cancel).inspect_err(|_| was_ended_by_us = true).and_then(|ended| ended.check()).and_then(|ended| {
            let held_at = Timestamp::now();
            firebird.tell(Step::Locked);
            let header = Header::of_path(&path)?;
            let id = header.lock_id.filter(|id| header.state == State::Locked && Some(*id) != before.lock_id);
            let id = id.ok_or_else(|| another_file(&path, &firebird.address.text()))?;
            let pages = frozen_pages(&path, &ended.text(), header.page_bytes)?;
            record.complete(Answered { lock: id.to_string(), pages, difference: difference.clone() })?;
            firebird.tell(Step::Completed);
            if !difference.exists() {
                return Err(no_difference_file(&difference));
            }
            Ok((id, pages, held_at, header))
        });
        match taken {
            Ok((id, pages, held_at, header)) => Ok(Self {
                firebird: firebird.clone(),
                path,
                difference,
                id,
                pages,
                page_bytes: header.page_bytes,
                ods: header.ods,
                asked_at,
                held_at,
                begun,
                record: Mutex::new(Some(record)),
            }),
            Err(error) => match undo(firebird, &path, record, was_ended_by_us) {
                Ok(_) => Err(error),
                Err(also) => Err(also.context(error)),
            },
        }
    }

    /// Whether the file is still frozen, and by this lock.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn is_held(&self) -> Result<bool> {
        let header = Header::of_path(&self.path)?;
        Ok(header.state == State::Locked && header.lock_id == Some(self.id))
    }

    /// Releases it; none where that was done before.
    ///
    /// # Errors
    /// When it stays locked. Then the record stays too, for the next run.
    pub fn release(&self) -> Result<Option<Released>> {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(ours) = record.as_ref() else { return Ok(None) };
        let released = unlock(&self.firebird, &self.path, ours);
        if released.is_ok() {
            self.firebird.tell(Step::Released);
        }
        // Tried once: what could not be done is for the next run, which finds the record.
        match (record.take(), &released) {
            (Some(record), Ok(_)) => record.remove(),
            (record, _) => drop(record),
        }
        released.map(Some)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Whoever wanted to know how it went has asked before.
        let _ = self.release();
    }
}

/// How many pages of the frozen file are to be read, where the tool said `answer`.
///
/// A server of one process for each client answers zero, or nothing, when another client made the process forget that it
/// holds the lock (`BackupManager::getPageCount`). Then the file says it: no server makes a frozen file longer, and the
/// pages that it had in stock are zeros, which every copy of a file has too.
fn frozen_pages(path: &Path, answer: &str, page_bytes: u32) -> Result<u64> {
    let pages = match answer.trim() {
        "" | "0" => {
            look::behind_path(path).map_err(|failure| Error::io("cannot look at", shown(path), failure))?.bytes / u64::from(page_bytes)
        }
        said => said.parse().unwrap_or(0),
    };
    let unknown = || Error::new(ErrorKind::Other, format!("nbackup does not say how many pages {} has: {answer:?}", shown(path)));
    (pages > 0).then_some(pages).ok_or_else(unknown)
}

/// Where the difference file of a database is. A name without a path is one in the folder that the server works in.
pub fn difference_file(database: &Path, named: Option<&str>) -> PathBuf {
    let Some(named) = named.map(PathBuf::from) else {
        let mut name = database.as_os_str().to_owned();
        name.push(".delta");
        return name.into();
    };
    if named.is_absolute() {
        return named;
    }
    let of_server = SERVERS.iter().flat_map(|server| process::folders_of(server)).next();
    of_server.or_else(|| database.parent().map(Path::to_owned)).unwrap_or_default().join(named)
}

fn another_file(path: &Path, address: &str) -> Error {
    Error::new(ErrorKind::Invalid, format!("{} does not become locked when {address} is", shown(path)))
        .with_hint("the server has another file under this name, or runs in a container: read the database with the method gbak")
}

fn no_difference_file(path: &Path) -> Error {
    Error::new(ErrorKind::NotFound, format!("the difference file is not at {}, so its growth cannot be watched", shown(path)))
        .with_hint("give it a whole path: `alter database drop difference file`, then `alter database add difference file '/…'`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_file_lies_beside_the_database_or_where_it_was_named() {
        let database = Path::new("/srv/a.fdb");
        assert_eq!(difference_file(database, None), Path::new("/srv/a.fdb.delta"));
        assert_eq!(difference_file(database, Some("/fast/a.dif")), Path::new("/fast/a.dif"));
        assert!(difference_file(database, Some("a.dif")).is_absolute());
    }

    #[test]
    fn a_server_that_does_not_say_how_many_pages_there_are_leaves_it_to_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.fdb");
        std::fs::write(&path, [0; 3 * 4096 + 100]).unwrap();
        for (answer, pages) in [("7\n", 7), ("0\n", 3), ("", 3)] {
            assert_eq!(frozen_pages(&path, answer, 4096).unwrap(), pages, "{answer:?}");
        }
        for answer in ["-1", "many"] {
            assert!(frozen_pages(&path, answer, 4096).is_err(), "{answer:?}");
        }
        std::fs::write(&path, "").unwrap();
        assert!(frozen_pages(&path, "0", 4096).is_err());
    }
}
