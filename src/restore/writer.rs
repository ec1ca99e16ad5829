//! The destination of one restore, and what was done to names in it.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::links::Links;
use super::staging::Staging;
use super::task::{Task, join};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::Metadata;
use crate::progress::FindingKind;
use crate::target::{ApplyOptions, Destination, is_left_behind};

/// So many other names are tried for an entry whose own is taken.
const OTHER_NAMES_MAX: u32 = 1000;
/// The longest name of one entry, in bytes.
const NAME_BYTES_MAX: usize = 255;

/// What all threads that write share.
pub(super) struct Writer<'a> {
    pub task: &'a Task<'a>,
    pub destination: Arc<Destination>,
    pub options: ApplyOptions,
    pub links: Links,
    /// Files that wait for their names.
    pub staging: Staging,
    /// Files in work that hold a handle.
    pub open_files: AtomicUsize,
    /// Names given instead of those of the snapshot, by the path in the destination that was meant.
    other_names: Mutex<HashMap<Vec<u8>, Vec<u8>>>,
    /// Paths of the destination that this restore made and the snapshot does not have.
    kept: Mutex<HashSet<Vec<u8>>>,
    /// One bit for each file in the order of the walk: whether it was written.
    written: Mutex<Vec<u64>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each is changed by single calls that leave it whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> Writer<'a> {
    pub fn new(task: &'a Task<'a>, destination: Arc<Destination>) -> Self {
        Self {
            task,
            destination,
            options: task.request.apply_options(),
            links: Links::new(task.manifest.started_at),
            staging: Staging::default(),
            open_files: AtomicUsize::new(0),
            other_names: Mutex::default(),
            kept: Mutex::default(),
            written: Mutex::default(),
        }
    }

    /// Tries `place` with `NAME~2`, `NAME~3` … until a name is free, reports which one it is, and
    /// returns it with what `place` gave. For an entry whose name is taken although nothing had it:
    /// the file system takes two names for the same.
    ///
    /// # Errors
    /// Those of `place`.
    pub fn place_elsewhere<T>(&self, folder: &[u8], name: &[u8], mut place: impl FnMut(&[u8]) -> Result<T>) -> Result<(Vec<u8>, T)> {
        for number in 2..OTHER_NAMES_MAX {
            let other = other_name(name, number);
            match place(&other) {
                Err(error) if error.kind() == ErrorKind::Exists => {}
                Err(error) => return Err(error),
                Ok(placed) => {
                    let relative = join(folder, name);
                    let message = format!("restored as {}: another entry has this name here", crate::units::PathText(&other));
                    self.task.tally.add(super::outcome::Count::Notes);
                    self.task.report(FindingKind::NotRestored, &relative, message);
                    self.keep(folder, &other);
                    lock(&self.other_names).insert(relative, other.clone());
                    return Ok((other, placed));
                }
            }
        }
        Err(Error::new(ErrorKind::Exists, format!("{} is taken, and so are other names", crate::units::PathText(name))))
    }

    /// The name that was given instead of the last one of `relative`.
    pub fn other_name_of(&self, relative: &[u8]) -> Option<Vec<u8>> {
        lock(&self.other_names).get(relative).cloned()
    }

    /// Keeps `name` from being deleted as something that the snapshot does not have.
    pub fn keep(&self, folder: &[u8], name: &[u8]) {
        if self.task.request.delete {
            lock(&self.kept).insert(join(folder, name));
        }
    }

    /// Whether this restore made `relative`.
    pub fn is_kept(&self, relative: &[u8]) -> bool {
        lock(&self.kept).contains(relative)
    }

    /// Counts an entry of which something was saved that is not restored unless it is asked for.
    pub fn count_left_behind(&self, metadata: &Metadata) {
        if is_left_behind(metadata, &self.options) {
            self.task.tally.add(super::outcome::Count::Unasked);
        }
    }

    /// Remembers that the file with the number `ordinal` was written.
    pub fn mark_written(&self, ordinal: u64) {
        if self.task.request.verify {
            let (at, mut written) = ((ordinal / 64) as usize, lock(&self.written));
            if written.len() <= at {
                written.resize(at + 1, 0);
            }
            written[at] |= 1 << (ordinal % 64);
        }
    }

    /// Whether the file with the number `ordinal` was written.
    pub fn is_written(&self, ordinal: u64) -> bool {
        lock(&self.written).get((ordinal / 64) as usize).is_some_and(|bits| bits & 1 << (ordinal % 64) != 0)
    }
}

/// `NAME~2` and so on, with NAME cut so that all fits.
fn other_name(name: &[u8], number: u32) -> Vec<u8> {
    let suffix = format!("~{number}");
    let mut kept = name.len().min(NAME_BYTES_MAX - suffix.len());
    // Not through the middle of a character: go back over its later bytes.
    while kept < name.len() && kept > 1 && name[kept] & 0xc0 == 0x80 {
        kept -= 1;
    }
    [&name[..kept], suffix.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_names_fit_and_cut_no_character() {
        assert_eq!(other_name(b"README", 2), b"README~2");
        let cut = other_name("é".repeat(127).as_bytes(), 10);
        assert!(cut.len() <= 255 && std::str::from_utf8(&cut).is_ok() && cut.ends_with(b"~10"));
        assert_eq!(other_name(&[0x80; 255], 2).len(), 3);
    }
}
