//! The method `nbackup`: the file of the database as it was at one moment, page by page.
//!
//! Pages keep their place, so what did not change since yesterday is known to the repository and stored once.

use std::time::Duration;

use super::frozen::{Reading, check_room};
use super::header::{Header, shown};
use super::lock::{Lock, difference_file};
use super::release::release_own;
use super::server::Described;
use super::settings::Firebird;
use super::spool::Taken;
use super::versions::known_defects;
use crate::cancel::{Cancel, check_cancelled};
use crate::databases::held::{Entry, EntryKind, Held};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::Account;
use crate::platform::{look, names};
use crate::progress::{Finding, FindingKind, Progress, Topic};
use crate::units::Timestamp;

/// A request to stop is seen within this.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A database whose file is frozen, or was until its last page was read.
pub struct HeldPages<'p> {
    firebird: &'p Firebird,
    progress: &'p dyn Progress,
    reading: Reading,
    entry: Option<Entry>,
    begun_at: Timestamp,
    ended_at: Timestamp,
    version: String,
    facts: Vec<(String, String)>,
    bytes: u64,
    given_bytes: u64,
    piece: Vec<u8>,
    given_of_piece: usize,
}

/// Looks whether it can be locked and read.
///
/// # Errors
/// Why it cannot.
pub fn look_at(firebird: &Firebird, cancel: &dyn Cancel) -> Result<Described> {
    if !firebird.address.is_of_this_machine() {
        let message = format!("the database {:?} is on another machine, and the method nbackup reads its file", firebird.name);
        return Err(Error::new(ErrorKind::Invalid, message).with_hint("run this there, or use the method gbak"));
    }
    let described = firebird.describe(cancel)?;
    let path = &described.path;
    let header = Header::of_path(path)?;
    if described.further_files > 0 || header.goes_on {
        let message =
            format!("{} goes on in {} more files, and such a database cannot be locked", shown(path), described.further_files.max(1));
        return Err(Error::new(ErrorKind::Unsupported, message).with_hint("use the method gbak"));
    }
    check_room(&difference_file(path, described.difference.as_deref()), &firebird.limits)?;
    Ok(described)
}

/// Locks it and begins to read.
///
/// # Errors
/// Why it cannot be; then it is not locked by us.
pub fn hold<'p>(firebird: &'p Firebird, progress: &'p dyn Progress) -> Result<HeldPages<'p>> {
    release_own(firebird, progress)?;
    let described = look_at(firebird, progress)?;
    for defect in known_defects(&described.version) {
        let message = format!("Firebird {} is known for this: {defect}", described.version);
        progress.report(Finding::new(FindingKind::Note(Topic::Source), names::to_bytes(&described.path), message));
    }
    let file = look::behind_path(&described.path).map_err(|failure| Error::io("cannot look at", shown(&described.path), failure))?;
    let lock = Lock::take(firebird, &described, progress)?;
    let (asked_at, held_at, bytes) = (lock.asked_at, lock.held_at, lock.pages * u64::from(lock.page_bytes));
    let mut facts = vec![
        ("guid".to_owned(), lock.id.to_string()),
        ("pages".to_owned(), lock.pages.to_string()),
        ("page-bytes".to_owned(), lock.page_bytes.to_string()),
        ("ods".to_owned(), lock.ods.to_string()),
        ("shadows".to_owned(), described.shadows.to_string()),
    ];
    // A restored copy has the same one in its header.
    facts.extend(described.difference.as_ref().map(|named| ("difference-file".to_owned(), named.clone())));
    let name = described.path.file_name().map(|name| names::to_bytes(name).to_vec()).unwrap_or_default();
    let entry = Entry { path: name, kind: EntryKind::File(Some(bytes)), mode: file.mode, mtime: held_at };
    Ok(HeldPages {
        firebird,
        progress,
        reading: Reading::begin(firebird, lock)?,
        entry: Some(entry),
        begun_at: asked_at,
        ended_at: held_at,
        version: described.version,
        facts,
        bytes,
        given_bytes: 0,
        piece: Vec::new(),
        given_of_piece: 0,
    })
}

impl HeldPages<'_> {
    fn report(&self) {
        for finding in self.reading.findings() {
            self.progress.report(finding);
        }
    }

    /// Takes what is left and drops it.
    fn pass_over(&mut self) -> Result<()> {
        self.given_bytes += (self.piece.len() - self.given_of_piece) as u64;
        self.given_of_piece = self.piece.len();
        while self.take()? {
            self.given_bytes += self.piece.len() as u64;
            self.given_of_piece = self.piece.len();
        }
        Ok(())
    }

    /// The next piece; false at the end.
    fn take(&mut self) -> Result<bool> {
        loop {
            check_cancelled(self.progress)?;
            let taken = self.reading.take(LOOK_EVERY)?;
            self.report();
            match taken {
                Taken::Bytes(bytes) => {
                    (self.piece, self.given_of_piece) = (bytes, 0);
                    return Ok(true);
                }
                Taken::NotYet => {}
                Taken::End => return Ok(false),
                Taken::Failed(error) => return Err(error),
            }
        }
    }
}

impl Held for HeldPages<'_> {
    fn next_entry(&mut self) -> Result<Option<Entry>> {
        match self.entry.take() {
            Some(entry) => Ok(Some(entry)),
            None => {
                // What was passed over has to be read all the same: only then it is known to be whole.
                self.pass_over()?;
                Ok(None)
            }
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if self.given_of_piece == self.piece.len() && !self.take()? {
            return Ok(0);
        }
        let rest = &self.piece[self.given_of_piece..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.given_of_piece += count;
        self.given_bytes += count as u64;
        Ok(count)
    }

    fn finish(mut self: Box<Self>) -> Result<Account> {
        self.pass_over()?;
        let Self { firebird, progress, reading, begun_at, ended_at, version, mut facts, bytes, given_bytes, .. } = *self;
        let seen = reading.finish();
        let is_whole = seen.is_whole() && given_bytes == bytes;
        for finding in seen.findings {
            progress.report(finding);
        }
        if !is_whole {
            return Err(Error::new(ErrorKind::Other, format!("the database {:?} was not read to its end", firebird.name)));
        }
        facts.push(("hold-ms".to_owned(), seen.hold.as_millis().to_string()));
        facts.push(("delta-bytes".to_owned(), seen.delta_bytes.to_string()));
        facts.push(("scratch-bytes".to_owned(), seen.scratch_bytes.to_string()));
        match seen.merge {
            Some(merge) => facts.push(("merge-ms".to_owned(), merge.as_millis().to_string())),
            None => facts.push(("still-locked".to_owned(), "yes".to_owned())),
        }
        Ok(Account {
            name: firebird.name.clone(),
            kind: "firebird".to_owned(),
            method: "nbackup".to_owned(),
            origin: firebird.address.text(),
            version,
            begun_at,
            ended_at,
            bytes,
            facts,
        })
    }
}
