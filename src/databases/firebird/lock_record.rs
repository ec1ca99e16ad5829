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

use serde::Serialize;

use super::asked::{ASKING_SECONDS, Answered, Asked, Content, decode};
use super::header::shown;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::lock::{Share, try_take};
use crate::platform::{Failure, durability, open, private, random};

/// The folder of the records within the state folder.
const FOLDER: &str = "firebird-locks";
/// The name of a record that is not yet whole begins so.
const UNFINISHED: &str = ".new-";
const RECORD_BYTES_MAX: u64 = 64 << 10;

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
        paths.iter().filter(|path| is_unfinished(path)).for_each(|path| remove_abandoned(path));
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

/// Removes what a process that was killed had not finished writing: nothing was asked for after it. What is not whole does
/// not say whose it is, and goes when nobody can be writing it any more.
fn remove_abandoned(path: &Path) {
    let Ok(file) = File::open(path) else { return };
    let mut text = String::new();
    let _ = std::io::Read::read_to_string(&mut std::io::Read::take(&file, RECORD_BYTES_MAX), &mut text);
    let is_old = || {
        let age = file.metadata().and_then(|metadata| metadata.modified()).ok().and_then(|time| time.elapsed().ok());
        age.is_some_and(|age| age.as_secs() as i64 > ASKING_SECONDS)
    };
    if decode(&text).map_or_else(is_old, |content| content.is_abandoned()) {
        // Whoever looks at the same time may have been first; it is looked for again in any case.
        let _ = std::fs::remove_file(path);
    }
}

fn append(mut file: &File, line: &impl Serialize) -> std::io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    file.write_all(&text)?;
    durability::sync_content(file)?;
    Ok(())
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
    use crate::databases::firebird::asked::header;
    use crate::databases::firebird::header::State;

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
    fn what_a_killed_process_had_not_finished_writing_goes_and_that_of_a_living_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        drop(LockRecord::write(folder.path(), asked(folder.path())).unwrap());
        let unfinished = |name: &str| folder.path().join(FOLDER).join(format!("{UNFINISHED}{name}.json"));
        let gone = Asked { process: u32::MAX, ..asked(folder.path()) };
        std::fs::write(unfinished("gone"), serde_json::to_string(&gone).unwrap() + "\n").unwrap();
        std::fs::write(unfinished("there"), serde_json::to_string(&asked(folder.path())).unwrap() + "\n").unwrap();
        std::fs::write(unfinished("young"), "").unwrap();
        let old = File::create(unfinished("old")).unwrap();
        old.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(2 * ASKING_SECONDS as u64)).unwrap();
        assert_eq!(LockRecord::all(folder.path()).unwrap().len(), 1);
        assert_eq!(["gone", "there", "young", "old"].map(|name| unfinished(name).exists()), [false, true, true, false]);
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
