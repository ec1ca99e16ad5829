//! What this machine knows of a lock that it asked for, written and synced before it asks.
//!
//! A database that stays locked grows a difference file until the disk is full, and nobody may release a lock that is not
//! his own: another backup may be reading. So whoever finds a lock has to be able to prove whose it is. A record is a file
//! of two lines. The first says what will be locked, by which process, and which lock the database had before; it is
//! durable before the server is asked. The second says which number the server drew; it is appended afterwards, because
//! the file must stay the same one: we hold a lock on it, as do the tools that we start, and that lock ends when the last
//! of them has, however they end.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::header::{Header, State, shown};
use crate::error::{Error, ErrorKind, Result};
use crate::platform::lock::{Share, try_take};
use crate::platform::{Failure, durability, host_name, open, private, process, random, start_name};
use crate::units::Timestamp;

/// The folder of the records within the state folder.
const FOLDER: &str = "firebird-locks";
/// The name of a record that is not yet whole begins so.
const UNFINISHED: &str = ".new-";
/// A server that has not locked within this time has not locked for us: the tool that asks is ended by then.
pub const ASKING_SECONDS: i64 = 60;
/// Clocks of file systems stand still between two ticks.
const CLOCK_SECONDS: i64 = 2;
const RECORD_BYTES_MAX: u64 = 64 << 10;

/// The first line: what is about to be locked, and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The file of the database.
    pub database: PathBuf,
    /// How the server is asked for it.
    pub address: String,
    /// Where its difference file will be, as far as that is known.
    pub difference: PathBuf,
    /// The name of the machine.
    pub host: String,
    /// Its start.
    pub start: Option<String>,
    /// The number of our process.
    pub process: u32,
    /// When that began.
    pub process_begun: Option<u64>,
    /// When it was written.
    pub asked_at: Timestamp,
    /// The number of the lock that the database had last.
    pub lock_before: Option<String>,
}

/// The second line: what the server answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// The number of the lock.
    pub lock: String,
    /// Pages to be read.
    pub pages: u64,
    /// Where the difference file is.
    pub difference: PathBuf,
}

/// A record that somebody left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// What was asked for.
    pub asked: Asked,
    /// What was answered; none where we were killed before that was written down.
    pub answered: Option<Answered>,
}

/// A record and the lock on its file: as long as we have it, or a tool that we started, nobody else touches either.
#[derive(Debug)]
pub struct LockRecord {
    path: PathBuf,
    file: Arc<File>,
    content: Content,
}

/// What is found in the place of a record.
#[derive(Debug)]
pub enum Found {
    /// One whose process is gone, now ours.
    Left(LockRecord),
    /// One whose process, or a tool that it started, is still there.
    InUse(Content),
    /// A file that is no record: nothing was asked for after it, because it is not whole.
    Unreadable(PathBuf),
}

impl Found {
    /// The database that it is about, where that can be read.
    pub fn database(&self) -> Option<&Path> {
        match self {
            Self::Left(record) => Some(&record.content.asked.database),
            Self::InUse(content) => Some(&content.asked.database),
            Self::Unreadable(_) => None,
        }
    }
}

impl Asked {
    /// What this process is about to ask for.
    pub fn now(database: &Path, address: String, difference: &Path, header: &Header) -> Self {
        Self {
            database: database.to_owned(),
            address,
            difference: difference.to_owned(),
            host: host_name(),
            start: start_name(),
            process: std::process::id(),
            process_begun: process::begun(std::process::id()),
            asked_at: Timestamp::now(),
            lock_before: header.lock_id.map(|id| id.to_string()),
        }
    }
}

impl Content {
    /// Whether the process that wrote it is gone. A process of the same number that began at another time is another.
    fn is_abandoned(&self) -> bool {
        let asked = &self.asked;
        if asked.host != host_name() {
            return false;
        }
        asked.start != start_name()
            || process::begun(asked.process).is_none_or(|begun| asked.process_begun.is_some_and(|ours| begun != ours))
    }

    /// Whether the lock that a database has is the one that this record asked for.
    ///
    /// With an answer that is so when the numbers are equal. Without one, when the lock is another than the one that was
    /// there before we asked, and its difference file was born within the minute in which our tool asked. Somebody else's
    /// lock could only pass for ours if it was made by hand in that minute, on a database that was not locked when we
    /// asked, after our process had been killed.
    pub fn proves(&self, header: &Header) -> bool {
        let Some(id) = header.lock_id.map(|id| id.to_string()).filter(|_| header.state != State::Normal) else { return false };
        match &self.answered {
            Some(answered) => answered.lock == id,
            None => self.asked.lock_before.as_ref() != Some(&id) && self.was_born_while_we_asked(),
        }
    }

    fn was_born_while_we_asked(&self) -> bool {
        let born = std::fs::metadata(&self.asked.difference).and_then(|found| found.created());
        let Ok(since) = born.map(|time| time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs() as i64) else {
            return false;
        };
        let asked_at = self.asked.asked_at.seconds;
        (asked_at - CLOCK_SECONDS..=asked_at + ASKING_SECONDS + CLOCK_SECONDS).contains(&since)
    }

    /// Whether a server may still lock because of what a killed process of ours asked for.
    pub fn may_still_come(&self) -> bool {
        let age = Timestamp::now().seconds.saturating_sub(self.asked.asked_at.seconds);
        self.answered.is_none() && self.asked.start == start_name() && (0..=ASKING_SECONDS).contains(&age)
    }
}

impl LockRecord {
    /// Writes a record and waits until it is on the disk.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn write(state_folder: &Path, asked: Asked) -> Result<Self> {
        let folder = state_folder.join(FOLDER);
        let failed = |error: std::io::Error| Error::io("cannot write the record of a lock in", shown(&folder), error);
        private::make_folder(&folder).map_err(failed)?;
        let mut number = [0; 8];
        random::fill(&mut number).map_err(|failure| failed(failure.into()))?;
        let name = format!("{:016x}.json", u64::from_le_bytes(number));
        let path = folder.join(&name);
        let unfinished = folder.join(format!("{UNFINISHED}{name}"));
        let file = private::new_file_to_read(&unfinished).map_err(failed)?;
        let written = try_take(&file, Share::Alone).map_err(std::io::Error::from).and_then(|()| {
            append(&file, &asked)?;
            let handle = open::folder(&folder)?;
            crate::platform::entries::rename_to_free(&handle, format!("{UNFINISHED}{name}"), &name)?;
            durability::sync_names(&handle)?;
            // The folder itself may be new.
            durability::sync_names(open::folder(state_folder)?)?;
            Ok(())
        });
        if let Err(error) = written {
            let _ = std::fs::remove_file(&unfinished);
            let _ = std::fs::remove_file(&path);
            return Err(failed(error));
        }
        Ok(Self { path, file: Arc::new(file), content: Content { asked, answered: None } })
    }

    /// Adds what the server answered, and waits until that is on the disk.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn complete(&mut self, answered: Answered) -> Result<()> {
        append(&self.file, &answered).map_err(|error| Error::io("cannot write", shown(&self.path), error))?;
        self.content.answered = Some(answered);
        Ok(())
    }

    /// What it says.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// Its file, for tools that are to keep it in use.
    pub fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// Removes it: the database is no longer locked. That it may come back after a power cut harms nothing: then it proves
    /// nothing.
    pub fn remove(self) {
        let _ = std::fs::remove_file(&self.path);
    }

    /// All records of a state folder.
    ///
    /// # Errors
    /// When the folder is there and cannot be read.
    pub fn all(state_folder: &Path) -> Result<Vec<Found>> {
        let folder = state_folder.join(FOLDER);
        let failed = |error| Error::io("cannot read", shown(&folder), error);
        let entries = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(failed)?,
        };
        let mut paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<Vec<_>>>().map_err(failed)?;
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "json") && !is_unfinished(path));
        paths.sort();
        paths.into_iter().filter_map(|path| Self::find(path).transpose()).collect()
    }

    /// None where it was removed meanwhile.
    fn find(path: PathBuf) -> Result<Option<Found>> {
        let failed = |error| Error::io("cannot read the record of a lock", shown(&path), error);
        let file = match std::fs::OpenOptions::new().read(true).append(true).open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(failed)?,
        };
        let taken = try_take(&file, Share::Alone);
        let mut text = String::new();
        std::io::Read::read_to_string(&mut std::io::Read::take(&file, RECORD_BYTES_MAX), &mut text).map_err(failed)?;
        let Some(content) = decode(&text) else { return Ok(Some(Found::Unreadable(path))) };
        match taken {
            Ok(()) if content.is_abandoned() => {
                // Somebody else may have had it in between, and removed it.
                let is_there = path.exists();
                Ok(is_there.then(|| Found::Left(Self { path, file: Arc::new(file), content })))
            }
            Ok(()) | Err(Failure::WOULD_WAIT) => Ok(Some(Found::InUse(content))),
            // A folder without locks: the number of the process alone has to do.
            Err(_) if content.is_abandoned() => Ok(Some(Found::Left(Self { path, file: Arc::new(file), content }))),
            Err(_) => Ok(Some(Found::InUse(content))),
        }
    }
}

fn is_unfinished(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(UNFINISHED))
}

fn append(mut file: &File, line: &impl Serialize) -> std::io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    file.write_all(&text)?;
    durability::sync_content(file)?;
    Ok(())
}

/// A second line that is not whole was not written: the answer is unknown.
fn decode(text: &str) -> Option<Content> {
    let mut lines = text.split_inclusive('\n').map_while(|line| line.strip_suffix('\n'));
    let asked = serde_json::from_str(lines.next()?).ok()?;
    Some(Content { asked, answered: lines.next().and_then(|line| serde_json::from_str(line).ok()) })
}

impl LockRecord {
    /// The error for a lock that is held by a process that is still there.
    pub fn in_use(content: &Content) -> Error {
        let (process, database) = (content.asked.process, shown(&content.asked.database));
        Error::new(ErrorKind::Busy, format!("{database} is locked by another run (process {process}), or by a tool that it started"))
            .with_hint("wait until that has ended")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(state: State, id: Option<u8>) -> Header {
        let mut page = vec![0; 1024];
        page[0] = 1;
        page[16..20].copy_from_slice(&[0, 32, 12, 128]);
        page[43] = match state {
            State::Normal => 0,
            State::Locked => 4,
            State::Merging => 8,
        };
        if let Some(id) = id {
            page[132..134].copy_from_slice(&[7, 16]);
            page[134..150].fill(id);
        }
        Header::decode(&page).unwrap()
    }

    fn asked(folder: &Path) -> Asked {
        Asked::now(&folder.join("a.fdb"), "localhost:/a.fdb".to_owned(), &folder.join("a.fdb.delta"), &header(State::Normal, Some(1)))
    }

    #[test]
    fn a_record_is_in_use_as_long_as_its_process_is_there_and_comes_back_whole() {
        let folder = tempfile::tempdir().unwrap();
        let mut record = LockRecord::write(folder.path(), asked(folder.path())).unwrap();
        record.complete(Answered { lock: "ab".to_owned(), pages: 7, difference: "/d".into() }).unwrap();
        let found = LockRecord::all(folder.path()).unwrap();
        assert!(matches!(&found[..], [Found::InUse(content)] if content == record.content()), "{found:?}");
        // Also without a lock on the file the process is still there.
        drop((found, record));
        let found = LockRecord::all(folder.path()).unwrap();
        assert!(matches!(&found[..], [Found::InUse(_)]), "{found:?}");
    }

    #[test]
    fn a_process_of_another_beginning_or_of_another_start_is_gone_and_one_of_another_machine_is_unknown() {
        let folder = tempfile::tempdir().unwrap();
        let ours = asked(folder.path());
        let is_abandoned = |change: fn(&mut Asked)| {
            let mut asked = ours.clone();
            change(&mut asked);
            Content { asked, answered: None }.is_abandoned()
        };
        assert!(!is_abandoned(|_| ()));
        assert!(is_abandoned(|asked| asked.process = u32::MAX));
        assert!(is_abandoned(|asked| asked.process_begun = Some(1)));
        assert!(is_abandoned(|asked| asked.start = Some("another".to_owned())));
        assert!(!is_abandoned(|asked| (asked.host, asked.process) = ("elsewhere".to_owned(), u32::MAX)));
    }

    #[test]
    fn a_lock_is_ours_by_its_number_or_by_when_its_difference_file_was_born() {
        let folder = tempfile::tempdir().unwrap();
        let mut content = Content { asked: asked(folder.path()), answered: None };
        // No difference file, another lock than before: not proved.
        assert!(!content.proves(&header(State::Locked, Some(2))));
        std::fs::write(&content.asked.difference, "").unwrap();
        assert!(content.proves(&header(State::Locked, Some(2))));
        assert!(content.proves(&header(State::Merging, Some(2))));
        assert!(!content.proves(&header(State::Normal, Some(2))));
        assert!(!content.proves(&header(State::Locked, Some(1))), "the lock that was there before");
        assert!(!content.proves(&header(State::Locked, None)));
        // Asked for long before the file was born.
        content.asked.asked_at.seconds -= 2 * ASKING_SECONDS;
        assert!(!content.proves(&header(State::Locked, Some(2))));
        let lock = header(State::Locked, Some(2)).lock_id.unwrap().to_string();
        content.answered = Some(Answered { lock, pages: 1, difference: "/d".into() });
        assert!(content.proves(&header(State::Locked, Some(2))));
        assert!(!content.proves(&header(State::Locked, Some(3))));
    }

    #[test]
    fn half_a_second_line_is_no_answer_and_half_a_first_one_no_record() {
        let folder = tempfile::tempdir().unwrap();
        let mut record = LockRecord::write(folder.path(), asked(folder.path())).unwrap();
        record.complete(Answered { lock: "ab".to_owned(), pages: 7, difference: "/d".into() }).unwrap();
        let text = std::fs::read_to_string(&record.path).unwrap();
        let first = text.find('\n').unwrap() + 1;
        for cut in 0..text.len() {
            let read = decode(&text[..cut]);
            assert_eq!(read.is_some(), cut >= first, "{cut}");
            assert!(read.is_none_or(|content| content.answered.is_none()), "{cut}");
        }
        assert!(decode(&text).unwrap().answered.is_some());
    }
}
