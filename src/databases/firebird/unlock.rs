//! Releases a lock of a database that is proved to be ours, by whatever way is left.
//!
//! A tool that fails says little: a server that was killed in the middle of a merge finishes it at the next connection,
//! and whoever asked for it has got an error. So the state is asked again before anything is judged, and the file itself
//! is asked, because it needs no server.

use std::path::Path;
use std::time::{Duration, Instant};

use super::asked::Content;
use super::header::{Header, State, shown};
use super::lock_record::LockRecord;
use super::settings::{Firebird, Step};
use super::tools::{Tool, says_no_server};
use crate::children::Ended;
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Silent;

/// How often a server is asked that does not do it.
const ATTEMPTS: u32 = 5;
/// Between two questions.
const PAUSE: Duration = Duration::from_millis(300);
/// A merge is waited for that long.
const MERGE_TIME: Duration = Duration::from_secs(2 * 3600);

/// A server that was asked by a tool which is gone does it within this, or not at all.
const LATE_TIME: Duration = Duration::from_secs(2);

/// How a release went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Released {
    /// How long it took, which is mostly the merge.
    pub took: Duration,
    /// Whether it was still our lock when we came to it.
    pub was_ours: bool,
}

/// Releases the lock that `record` proves to be ours. Whoever has locked the database anew meanwhile keeps that lock.
///
/// # Errors
/// When it stays locked, with the command that releases it.
pub fn unlock(firebird: &Firebird, path: &Path, record: &LockRecord) -> Result<Released> {
    let begun = Instant::now();
    let (mut attempts, mut was_asked, mut said) = (0, false, String::new());
    loop {
        let header = Header::of_path(path)?;
        let is_ours = record.content().proves(&header);
        if header.state == State::Normal || !is_ours {
            return Ok(Released { took: begun.elapsed(), was_ours: was_asked || is_ours });
        }
        if attempts == ATTEMPTS || begun.elapsed() > MERGE_TIME {
            return Err(stays_locked(firebird, path, &said));
        }
        if was_asked {
            std::thread::sleep(PAUSE);
        }
        match ask(firebird, record) {
            Ok(ended) => said = if ended.status.success() { String::new() } else { ended.failure().to_string() },
            Err(error) => said = error.to_string(),
        }
        was_asked = true;
        // A merge that another connection is making is only waited for.
        attempts += u32::from(header.state == State::Locked);
    }
}

/// Asks once, by the server, and without it where there is none.
fn ask(firebird: &Firebird, record: &LockRecord) -> Result<Ended> {
    let mut last = Err(Error::new(ErrorKind::Invalid, format!("no way leads to the database {:?}", firebird.name)));
    for way in firebird.ways() {
        let program = firebird.tool(Tool::Nbackup, *way)?.arg("-UNLOCK").arg(firebird.database(*way));
        let running = program.keeping_open(record.file()).time_limit(MERGE_TIME).start()?;
        firebird.tell(Step::Releasing);
        // Not to be stopped: a lock that stays is worse than a wait.
        last = running.finish(&Silent);
        if last.as_ref().is_ok_and(|ended| ended.status.success() || !says_no_server(&ended.complaint)) {
            break;
        }
    }
    last
}

fn stays_locked(firebird: &Firebird, path: &Path, said: &str) -> Error {
    let said = if said.is_empty() { String::new() } else { format!(": {said}") };
    Error::new(ErrorKind::Other, format!("{} stays locked{said}", shown(path))).with_hint(command(&firebird.address.text()))
}

/// What a person can do about a lock.
pub fn command(address: &str) -> String {
    format!(
        "what is written meanwhile is kept in its difference file, which must not be removed; make room if a disk is full, then release \
         the lock with `nbackup -UNLOCK {address}`"
    )
}

/// Releases what `record` proves to be ours, if anything, and removes the record. None when there was nothing to release.
///
/// A tool that was ended a moment ago may have asked already: then the lock is waited for a little.
///
/// # Errors
/// As [`unlock`]; then the record stays.
pub fn undo(firebird: &Firebird, path: &Path, record: LockRecord, may_still_come: bool) -> Result<Option<Released>> {
    let begun = Instant::now();
    loop {
        let header = Header::of_path(path)?;
        if record.content().proves(&header) {
            let released = unlock(firebird, path, &record)?;
            firebird.tell(Step::Released);
            record.remove();
            return Ok(Some(released));
        }
        if header.state != State::Normal || !may_still_come || begun.elapsed() > LATE_TIME {
            record.remove();
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What to say of a lock that nobody proves to be ours.
pub fn foreign(path: &Path, header: &Header, address: &str, record: Option<&Content>) -> Error {
    let id = header.lock_id.map(|id| format!(" (lock {id})")).unwrap_or_default();
    let ours = if record.is_some() { "; we have asked for a lock of it before, but this is not proved to be that one" } else { "" };
    Error::new(ErrorKind::Busy, format!("{} is {} by somebody else{id}{ours}", shown(path), header.state))
        .with_hint(format!("when no other backup is running, {}", command(address)))
}
