//! A spool between a thread that must be quick and one that may be slow: in memory while it is short, then in a file that
//! has no name.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard};

use crate::error::{Error, Result};
use crate::platform::private;

/// So many bytes wait in memory.
const MEMORY_BYTES: usize = 64 << 20;

/// A spool. The writer never waits for the reader.
#[derive(Debug)]
pub(super) struct Spool {
    state: Mutex<State>,
    changed: Condvar,
    folder: std::path::PathBuf,
}

#[derive(Debug, Default)]
struct State {
    memory: VecDeque<Vec<u8>>,
    memory_bytes: usize,
    /// What did not fit, in order; from the first byte in it on, all goes there until it is empty.
    file: Option<File>,
    written: u64,
    read: u64,
    /// How it ended; the reader may still have to read.
    end: Option<std::result::Result<(), String>>,
    /// Nobody reads any more.
    is_abandoned: bool,
}

impl Spool {
    /// A spool whose file, if it needs one, lies in `folder`.
    pub(super) fn new(folder: &Path) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), folder: folder.to_owned() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// Those of the file; `Interrupted` when nobody reads any more.
    pub(super) fn write(&self, bytes: &[u8]) -> Result<()> {
        let mut state = self.lock();
        if state.is_abandoned {
            return Err(Error::new(crate::error::ErrorKind::Interrupted, "interrupted"));
        }
        if state.file.is_none() && state.memory_bytes + bytes.len() <= MEMORY_BYTES {
            state.memory_bytes += bytes.len();
            state.memory.push_back(bytes.to_vec());
        } else {
            let failed = |error: io::Error| Error::io("cannot spool a database in", self.folder.display(), error);
            if state.file.is_none() {
                state.file = Some(private::nameless_file(&self.folder).map_err(failed)?);
                (state.written, state.read) = (0, 0);
            }
            let at = state.written;
            if let Some(file) = state.file.as_mut() {
                file.seek(SeekFrom::Start(at)).and_then(|_| file.write_all(bytes)).map_err(failed)?;
            }
            state.written += bytes.len() as u64;
        }
        self.changed.notify_all();
        Ok(())
    }

    /// Says that nothing more comes, and whether what came is whole.
    pub(super) fn end(&self, outcome: std::result::Result<(), String>) {
        let mut state = self.lock();
        state.end.get_or_insert(outcome);
        self.changed.notify_all();
    }

    /// Says that nobody reads any more.
    pub(super) fn abandon(&self) {
        self.lock().is_abandoned = true;
    }

    /// Reads on, waiting for bytes; 0 at the end.
    ///
    /// # Errors
    /// What the writer ended with; those of the file.
    pub(super) fn read(&self, buffer: &mut [u8]) -> Result<usize> {
        let mut state = self.lock();
        loop {
            if let Some(mut front) = state.memory.pop_front() {
                let bytes = buffer.len().min(front.len());
                buffer[..bytes].copy_from_slice(&front[..bytes]);
                state.memory_bytes -= bytes;
                if bytes < front.len() {
                    state.memory.push_front(front.split_off(bytes));
                }
                return Ok(bytes);
            }
            if state.read < state.written {
                let wanted = buffer.len().min(usize::try_from(state.written - state.read).unwrap_or(usize::MAX));
                let at = state.read;
                let Some(file) = state.file.as_mut() else { return Ok(0) };
                let read = file.seek(SeekFrom::Start(at)).and_then(|_| file.read(&mut buffer[..wanted]));
                let bytes = read.map_err(|error| Error::io("cannot read the spool in", self.folder.display(), error))?;
                state.read += bytes as u64;
                return Ok(bytes);
            }
            // All of the file was read: what comes next may stay in memory again.
            state.file = None;
            (state.read, state.written) = (0, 0);
            match &state.end {
                Some(Ok(())) => return Ok(0),
                Some(Err(why)) => return Err(Error::new(crate::error::ErrorKind::Other, why.clone())),
                None => state = self.changed.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_in_order_whether_they_fit_into_memory_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path());
        let piece = |number: u8| vec![number; 9 << 20];
        std::thread::scope(|threads| {
            threads.spawn(|| {
                (0..20).for_each(|number| spool.write(&piece(number)).unwrap());
                spool.end(Ok(()));
            });
            let (mut all, mut buffer) = (Vec::new(), vec![0; 1 << 20]);
            loop {
                match spool.read(&mut buffer).unwrap() {
                    0 => break,
                    bytes => all.extend_from_slice(&buffer[..bytes]),
                }
            }
            assert_eq!(all.len(), 20 * (9 << 20));
            assert!((0..20u8).all(|number| all[usize::from(number) * (9 << 20)..][..9 << 20] == piece(number)[..]));
        });
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the file has no name");
    }

    #[test]
    fn the_reader_hears_why_the_writer_ended_and_the_writer_that_nobody_reads() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path());
        spool.write(b"abc").unwrap();
        spool.end(Err("the server has gone".to_owned()));
        let mut buffer = [0; 8];
        assert_eq!(spool.read(&mut buffer).unwrap(), 3);
        assert_eq!(spool.read(&mut buffer).unwrap_err().to_string(), "the server has gone");
        spool.abandon();
        assert!(spool.write(b"d").is_err());
    }
}
