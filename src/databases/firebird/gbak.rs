//! The method `gbak`: a stream of all that is in the database, as one transaction of the server sees it.
//!
//! Nothing is locked, the database may be on another machine, and the stream restores into any later version. It moves
//! rows, not pages, so most of it is new to the repository each time. What came out before an error looks like a stream
//! too: it counts only when the tool has ended well.

use std::path::PathBuf;
use std::time::Duration;

use super::messages::{row_facts, rows_of};
use super::settings::Firebird;
use super::tools::{Tool, Way, says_no_server};
use super::versions::known_defects;
use crate::cancel::Cancel;
use crate::children::Running;
use crate::databases::held::{Entry, EntryKind, Held};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::Account;
use crate::platform::{private, random};
use crate::progress::{Finding, FindingKind, Progress, Topic};
use crate::units::Timestamp;

/// What the tool says of its work is not read beyond this.
const MESSAGES_BYTES_MAX: u64 = 64 << 20;
/// Longer than the longest backup that anybody waits for.
const TIME_LIMIT: Duration = Duration::from_secs(48 * 3600);

/// A stream that is being written by the server.
pub struct HeldStream<'p> {
    firebird: &'p Firebird,
    progress: &'p dyn Progress,
    running: Option<Running>,
    messages: Messages,
    entry: Option<Entry>,
    begun_at: Timestamp,
    first_byte_at: Option<Timestamp>,
    version: String,
    ahead: Vec<u8>,
    bytes: u64,
}

/// A file that a tool writes its messages to; it goes with us.
#[derive(Debug)]
struct Messages(PathBuf);

impl Drop for Messages {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Begins the stream, and waits for its first byte: by then the transaction has begun.
///
/// # Errors
/// What the tool says.
pub fn hold<'p>(firebird: &'p Firebird, progress: &'p dyn Progress) -> Result<HeldStream<'p>> {
    let described = firebird.describe(progress)?;
    for defect in known_defects(&described.version) {
        let message = format!("Firebird {} is known for this: {defect}", described.version);
        progress.report(Finding::new(FindingKind::Note(Topic::Source), firebird.address.text(), message));
    }
    let begun_at = Timestamp::now();
    let mut held = HeldStream {
        firebird,
        progress,
        running: None,
        messages: new_messages(firebird)?,
        entry: None,
        begun_at,
        first_byte_at: None,
        version: described.version,
        ahead: Vec::new(),
        bytes: 0,
    };
    held.begin(described.way, progress)?;
    let name = PathBuf::from(&firebird.address.database);
    let stem = name.file_stem().map_or_else(|| firebird.name.clone(), |stem| stem.to_string_lossy().into_owned());
    held.entry = Some(Entry { path: format!("{stem}.fbk").into_bytes(), kind: EntryKind::File(None), mode: 0o600, mtime: begun_at });
    Ok(held)
}

fn new_messages(firebird: &Firebird) -> Result<Messages> {
    let folder = &firebird.scratch_folder;
    let failed = |error: std::io::Error| Error::io("cannot write to", super::header::shown(folder), error);
    private::make_folder(folder).map_err(failed)?;
    let mut number = [0; 8];
    random::fill(&mut number).map_err(|failure| failed(failure.into()))?;
    // The tool makes it itself, and refuses one that is there.
    Ok(Messages(folder.join(format!(".{:016x}.gbak", u64::from_le_bytes(number)))))
}

impl HeldStream<'_> {
    fn begin(&mut self, way: Way, cancel: &dyn Cancel) -> Result<()> {
        let tool = self.firebird.tool(Tool::Gbak, way)?.args(["-b", "-g", "-v", "-y"]);
        let tool = tool.arg(&self.messages.0).arg(self.firebird.database(way)).arg("stdout").time_limit(TIME_LIMIT);
        let mut running = tool.start()?;
        let mut first = vec![0; 64 << 10];
        let count = running.read(&mut first, cancel)?;
        if count == 0 {
            let ended = running.finish(cancel)?;
            let failure = if ended.status.success() { Error::new(ErrorKind::Other, "`gbak` writes nothing") } else { ended.failure() };
            return Err(if says_no_server(&ended.complaint) {
                failure.with_hint("start the server of Firebird")
            } else {
                self.with_messages(failure)
            });
        }
        first.truncate(count);
        (self.ahead, self.first_byte_at, self.running) = (first, Some(Timestamp::now()), Some(running));
        Ok(())
    }

    /// With what the tool wrote to its own file.
    fn with_messages(&self, error: Error) -> Error {
        let text = self.read_messages();
        let said: Vec<&str> = text.lines().filter(|line| line.contains("ERROR")).take(5).collect();
        if said.is_empty() { error } else { Error::new(error.kind(), format!("{error}: {}", said.join("; "))) }
    }

    fn read_messages(&self) -> String {
        let mut bytes = Vec::new();
        if let Ok(file) = std::fs::File::open(&self.messages.0) {
            let _ = std::io::Read::read_to_end(&mut std::io::Read::take(file, MESSAGES_BYTES_MAX), &mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Held for HeldStream<'_> {
    fn next_entry(&mut self) -> Result<Option<Entry>> {
        let entry = self.entry.take();
        if entry.is_none() {
            let mut buffer = vec![0; 64 << 10];
            while self.read(&mut buffer)? > 0 {}
        }
        Ok(entry)
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let count = if self.ahead.is_empty() {
            match &mut self.running {
                Some(running) => running.read(buffer, self.progress)?,
                None => 0,
            }
        } else {
            let count = self.ahead.len().min(buffer.len());
            buffer[..count].copy_from_slice(&self.ahead[..count]);
            self.ahead.drain(..count);
            count
        };
        self.bytes += count as u64;
        Ok(count)
    }

    fn finish(mut self: Box<Self>) -> Result<Account> {
        let mut buffer = vec![0; 64 << 10];
        while self.read(&mut buffer)? > 0 {}
        if let Some(running) = self.running.take() {
            running.finish(self.progress)?.check().map_err(|error| self.with_messages(error))?;
        }
        Ok(Account {
            name: self.firebird.name.clone(),
            kind: "firebird".to_owned(),
            method: "gbak".to_owned(),
            origin: self.firebird.address.text(),
            version: self.version.clone(),
            begun_at: self.begun_at,
            ended_at: self.first_byte_at.unwrap_or(self.begun_at),
            bytes: self.bytes,
            facts: row_facts(&rows_of(&self.read_messages())),
        })
    }
}
