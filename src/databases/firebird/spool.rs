//! What was read of a locked database and is not yet taken: first in memory, then in a file without a name.
//!
//! A lock must last no longer than reading takes. So what is read does not wait for who takes it: a slow repository fills
//! this, and not the difference file of the database. Bytes come out in the order in which they came in: as soon as the
//! file is in use, what follows goes there too, until all of it was taken.

use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::header::shown;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::{content, open, private, random};

/// What came out of a [`Spool`].
#[derive(Debug)]
pub enum Taken {
    /// The next bytes.
    Bytes(Vec<u8>),
    /// Nothing yet.
    NotYet,
    /// All was taken.
    End,
    /// What reads has failed.
    Failed(Error),
}

/// A queue of bytes with two bounds.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    memory_bytes_max: u64,
    file_bytes_max: u64,
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    memory: VecDeque<Vec<u8>>,
    memory_bytes: u64,
    file: Option<File>,
    /// Lengths of the pieces in the file that were not taken, in order; they follow each other.
    in_file: VecDeque<u64>,
    file_begin: u64,
    file_end: u64,
    most_file_bytes: u64,
    has_ended: bool,
    failure: Option<Error>,
    is_unwanted: bool,
}

impl Spool {
    /// One that keeps at most so many bytes in memory and in a file in `folder`.
    pub fn new(folder: &Path, memory_bytes_max: u64, file_bytes_max: u64) -> Self {
        Self { folder: folder.to_owned(), memory_bytes_max, file_bytes_max, inner: Mutex::default(), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds bytes, and waits while neither memory nor file has room. False when nobody wants them any more.
    ///
    /// # Errors
    /// When the file cannot be made or written.
    pub fn put(&self, bytes: Vec<u8>) -> Result<bool> {
        let count = bytes.len() as u64;
        let mut inner = self.lock();
        loop {
            if inner.is_unwanted {
                return Ok(false);
            }
            let is_in_order = inner.in_file.is_empty();
            // One piece always fits, however small the bound is.
            if is_in_order && (inner.memory.is_empty() || inner.memory_bytes + count <= self.memory_bytes_max) {
                inner.memory_bytes += count;
                inner.memory.push_back(bytes);
                break;
            }
            if inner.file_end + count <= self.file_bytes_max {
                // Who takes waits for this write; so it does for the disk that it reads from.
                self.append(&mut inner, &bytes)?;
                break;
            }
            inner = self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
        self.changed.notify_all();
        Ok(true)
    }

    fn append(&self, inner: &mut Inner, bytes: &[u8]) -> Result<()> {
        let failed = |error: std::io::Error| Error::io("cannot write to a scratch file in", shown(&self.folder), error);
        if inner.file.is_none() {
            inner.file = Some(nameless(&self.folder).map_err(failed)?);
        }
        let Some(file) = &inner.file else { return Ok(()) };
        content::write_all_at(file, bytes, inner.file_end).map_err(|failure| failed(failure.into()))?;
        inner.in_file.push_back(bytes.len() as u64);
        inner.file_end += bytes.len() as u64;
        inner.most_file_bytes = inner.most_file_bytes.max(inner.file_end);
        Ok(())
    }

    /// Says that nothing more comes.
    pub fn end(&self) {
        self.lock().has_ended = true;
        self.changed.notify_all();
    }

    /// Says that what reads has failed: what is still here is of no use. The first failure counts.
    pub fn fail(&self, error: Error) {
        self.lock().failure.get_or_insert(error);
        self.changed.notify_all();
    }

    /// Says that nobody takes any more.
    pub fn leave(&self) {
        self.lock().is_unwanted = true;
        self.changed.notify_all();
    }

    /// How many bytes were in the file at most.
    pub fn most_file_bytes(&self) -> u64 {
        self.lock().most_file_bytes
    }

    /// Takes the next bytes, and waits for them at most for `time`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn take(&self, time: Duration) -> Result<Taken> {
        let mut inner = self.lock();
        let has_nothing =
            |inner: &mut Inner| inner.failure.is_none() && inner.memory.is_empty() && inner.in_file.is_empty() && !inner.has_ended;
        if has_nothing(&mut inner) {
            inner = self.changed.wait_timeout_while(inner, time, has_nothing).unwrap_or_else(PoisonError::into_inner).0;
        }
        if let Some(error) = inner.failure.take() {
            inner.failure = Some(Error::new(ErrorKind::Other, "reading the database has failed before"));
            return Ok(Taken::Failed(error));
        }
        if let Some(bytes) = inner.memory.pop_front() {
            inner.memory_bytes -= bytes.len() as u64;
            self.changed.notify_all();
            return Ok(Taken::Bytes(bytes));
        }
        if let Some(count) = inner.in_file.pop_front() {
            let mut bytes = vec![0; count as usize];
            let failed = |error| Error::io("cannot read a scratch file in", shown(&self.folder), error);
            if let Some(file) = &inner.file {
                content::read_exact_at(file, &mut bytes, inner.file_begin).map_err(failed)?;
            }
            inner.file_begin += count;
            if inner.in_file.is_empty() {
                (inner.file_begin, inner.file_end) = (0, 0);
            }
            self.changed.notify_all();
            return Ok(Taken::Bytes(bytes));
        }
        Ok(if inner.has_ended { Taken::End } else { Taken::NotYet })
    }
}

/// A file that has no name, or loses it at once where the file system cannot make one: it goes when we go.
fn nameless(folder: &Path) -> std::io::Result<File> {
    private::make_folder(folder)?;
    if let Ok(file) = open::nameless_file(&open::folder(folder)?) {
        return Ok(file);
    }
    let mut number = [0; 8];
    random::fill(&mut number)?;
    let path = folder.join(format!(".{:016x}.pages", u64::from_le_bytes(number)));
    let file = private::new_file_to_read(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(spool: &Spool) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            match spool.take(Duration::from_secs(60)).unwrap() {
                Taken::Bytes(bytes) => all.extend(bytes),
                Taken::End => return all,
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn bytes_come_out_in_order_through_memory_and_file() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path(), 25, 1000);
        let mut expected: Vec<u8> = Vec::new();
        for round in 0..4_u8 {
            for piece in 0..10_u8 {
                let bytes = vec![round * 10 + piece; 10];
                expected.extend(&bytes);
                assert!(spool.put(bytes).unwrap());
            }
            // A part is taken, so that memory has room while the file has not been emptied.
            for _ in 0..3 {
                let Taken::Bytes(bytes) = spool.take(Duration::ZERO).unwrap() else { panic!() };
                assert_eq!(bytes, expected.drain(..10).collect::<Vec<_>>());
            }
        }
        spool.end();
        assert_eq!(taken(&spool), expected);
        assert!(spool.most_file_bytes() > 100);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "its file has no name");
    }

    #[test]
    fn what_finds_no_room_waits_until_some_is_taken_or_nobody_wants_it() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path(), 10, 10);
        std::thread::scope(|scope| {
            let putting = scope.spawn(|| (0..50_u8).map(|piece| spool.put(vec![piece; 10]).unwrap()).filter(|wanted| *wanted).count());
            for piece in 0..20_u8 {
                let Taken::Bytes(bytes) = spool.take(Duration::from_secs(60)).unwrap() else { panic!() };
                assert_eq!(bytes, [piece; 10]);
            }
            spool.leave();
            assert!((20..=22).contains(&putting.join().unwrap()));
        });
        assert!(spool.most_file_bytes() <= 10);
    }

    #[test]
    fn the_first_failure_comes_out_before_what_is_left_and_every_time_after() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        let spool = Spool::new(&folder.path().join("file"), 10, 10);
        assert!(matches!(spool.take(Duration::ZERO).unwrap(), Taken::NotYet));
        spool.put(vec![1; 10]).unwrap();
        spool.fail(Error::new(ErrorKind::Full, "first"));
        spool.fail(Error::new(ErrorKind::Other, "second"));
        spool.end();
        assert!(matches!(spool.take(Duration::ZERO).unwrap(), Taken::Failed(error) if error.to_string() == "first"));
        assert!(matches!(spool.take(Duration::ZERO).unwrap(), Taken::Failed(_)));
        assert!(spool.put(vec![1; 10]).is_err(), "its file has no folder");
    }
}
