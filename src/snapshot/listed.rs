//! What a folder had when it was listed, and what has come since.
//!
//! Entries are renamed while a run goes on. The new name was not listed, and the old one is gone when the
//! run comes to it: the entry would be in no snapshot. So a folder that changed is listed once more, and
//! what it did not have before is taken as well. A name with another inode counts as new: something was
//! renamed to it.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::error::Result;
use crate::source::{Folder, ListedEntry};

/// The nodes of a folder with at most this many entries are kept until all of them are there, so that what
/// comes late can be put in its place.
const HELD_ENTRIES_MAX: usize = 16 << 10;
/// A folder with more entries is listed again at most this often: each time costs as much as the first.
const LISTINGS_MAX: u32 = 8;
/// A folder that changes each time that it is listed again is given up after this many times.
pub(super) const ROUNDS_MAX: u32 = 3;

/// All that was listed of one folder, shared by the walk and the workers.
#[derive(Debug)]
pub(super) struct Listed {
    /// One row for each entry: its inode in eight bytes, its name, a NUL. Most are never looked at.
    rows: Mutex<Vec<u8>>,
    is_held: bool,
    listings_left: AtomicU32,
    /// The walk is about to leave the folder, or has left it.
    is_left: AtomicBool,
    /// A worker has found that something moved, and left it to the walk to look for it.
    has_moved: AtomicBool,
}

/// An entry that came after the folder was listed.
#[derive(Debug)]
pub(super) struct Late {
    pub name: Vec<u8>,
    /// Nothing of this name was listed before.
    pub is_new_name: bool,
    /// Its name comes behind all others.
    pub is_last: bool,
}

impl Listed {
    /// These entries.
    pub(super) fn of(entries: &[ListedEntry]) -> Self {
        let mut rows = Vec::with_capacity(entries.iter().map(|entry| entry.name.len() + 9).sum());
        entries.iter().for_each(|entry| add_row(&mut rows, &entry.name, entry.inode));
        Self {
            rows: Mutex::new(rows),
            is_held: entries.len() <= HELD_ENTRIES_MAX,
            listings_left: AtomicU32::new(LISTINGS_MAX),
            is_left: AtomicBool::new(false),
            has_moved: AtomicBool::new(false),
        }
    }

    /// Whether what comes late can be put in its place among the others.
    pub(super) fn is_held(&self) -> bool {
        self.is_held
    }

    /// A worker tells that something moved: true when the walk looks for it, which can take folders too, before
    /// it leaves. Otherwise the worker has to look.
    pub(super) fn leave_to_walk(&self) -> bool {
        // In this order, as the walk does the two in the other: one of them sees the other.
        self.has_moved.store(true, Ordering::SeqCst);
        !self.is_left.load(Ordering::SeqCst)
    }

    /// The walk is about to leave: true when a worker has left something to it.
    pub(super) fn begin_to_leave(&self) -> bool {
        self.is_left.store(true, Ordering::SeqCst);
        self.has_moved.swap(false, Ordering::SeqCst)
    }

    /// The walk goes on in the folder.
    pub(super) fn stay(&self) {
        self.is_left.store(false, Ordering::SeqCst);
    }

    /// Notes that `name` was found to be of another inode than was listed.
    pub(super) fn note(&self, name: &[u8], inode: u64) {
        add_row(&mut self.rows.lock().unwrap_or_else(PoisonError::into_inner), name, inode);
    }

    /// Takes back that `name` was listed: it was gone before it could be saved. What has the name now is new, also when
    /// the file system gave it the number of the one before.
    pub(super) fn forget(&self, name: &[u8]) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let mut kept = Vec::with_capacity(rows.len());
        Rows(&rows).filter(|(other, _)| *other != name).for_each(|(other, inode)| add_row(&mut kept, other, inode));
        *rows = kept;
    }

    /// What `folder` has now and has not had, sorted by name. It counts as listed from here on: whoever asks
    /// next does not get it. `None` when the folder is too large to be listed so often.
    ///
    /// # Errors
    /// Those of the listing.
    pub(super) fn take_late(&self, folder: &Folder) -> Result<Option<Vec<Late>>> {
        let has_turn = |left: u32| left.checked_sub(1);
        if !self.is_held && self.listings_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, has_turn).is_err() {
            return Ok(None);
        }
        let mut now = folder.list()?;
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let known: HashSet<(&[u8], u64)> = Rows(&rows).collect();
        now.retain(|entry| !known.contains(&(&entry.name, entry.inode)));
        let names: HashSet<&[u8]> = known.iter().map(|(name, _)| *name).collect();
        let last = names.iter().max().copied().unwrap_or_default();
        let late: Vec<Late> = now
            .iter()
            .map(|entry| Late {
                name: entry.name.clone(),
                is_new_name: !names.contains(entry.name.as_slice()),
                is_last: entry.name.as_slice() > last,
            })
            .collect();
        now.iter().for_each(|entry| add_row(&mut rows, &entry.name, entry.inode));
        Ok(Some(late))
    }
}

fn add_row(rows: &mut Vec<u8>, name: &[u8], inode: u64) {
    rows.extend_from_slice(&inode.to_le_bytes());
    rows.extend_from_slice(name);
    rows.push(0);
}

/// Reads rows again.
struct Rows<'r>(&'r [u8]);

impl<'r> Iterator for Rows<'r> {
    type Item = (&'r [u8], u64);

    fn next(&mut self) -> Option<Self::Item> {
        let (inode, rest) = self.0.split_first_chunk()?;
        let end = rest.iter().position(|byte| *byte == 0)?;
        self.0 = &rest[end + 1..];
        Some((&rest[..end], u64::from_le_bytes(*inode)))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn what_came_since_is_given_once_and_what_went_or_stayed_is_not() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        for name in ["a", "b", "m", "y"] {
            fs::write(path(name), name).unwrap();
        }
        let folder = Folder::open(place.path().as_os_str().as_bytes()).unwrap();
        let listed = Listed::of(&folder.list().unwrap());
        let late = || -> Vec<(String, bool, bool)> {
            let taken = listed.take_late(&folder).unwrap().unwrap();
            taken.iter().map(|late| (String::from_utf8_lossy(&late.name).into_owned(), late.is_new_name, late.is_last)).collect()
        };
        assert_eq!(late(), []);
        fs::remove_file(path("m")).unwrap();
        assert_eq!(late(), []);
        fs::rename(path("a"), path("c")).unwrap();
        fs::rename(path("b"), path("y")).unwrap();
        fs::write(path("z"), "new").unwrap();
        assert_eq!(late(), [("c".to_owned(), true, false), ("y".to_owned(), false, false), ("z".to_owned(), true, true)]);
        assert_eq!(late(), []);
    }

    #[test]
    fn what_was_gone_before_it_was_saved_is_new_when_it_is_made_again_with_the_number_it_had() {
        let (place, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (path, kept) = (|name: &str| place.path().join(name), elsewhere.path().join("kept"));
        fs::write(path("a"), "a").unwrap();
        fs::write(path("b"), "b").unwrap();
        let folder = Folder::open(place.path().as_os_str().as_bytes()).unwrap();
        let listed = Listed::of(&folder.list().unwrap());
        // A second name keeps the number, as if it was given again at once.
        fs::hard_link(path("a"), &kept).unwrap();
        fs::remove_file(path("a")).unwrap();
        listed.forget(b"a");
        assert!(listed.take_late(&folder).unwrap().unwrap().is_empty());
        fs::hard_link(&kept, path("a")).unwrap();
        let late = listed.take_late(&folder).unwrap().unwrap();
        assert_eq!(late.iter().map(|late| (&late.name[..], late.is_new_name)).collect::<Vec<_>>(), [(&b"a"[..], true)]);
    }

    #[test]
    fn what_a_worker_finds_is_left_to_the_walk_until_that_leaves_and_is_then_for_the_worker() {
        let listed = Listed::of(&[]);
        assert!(listed.leave_to_walk());
        assert!(listed.begin_to_leave(), "so the walk looks");
        listed.stay();
        assert!(!listed.begin_to_leave(), "once");
        assert!(!listed.leave_to_walk(), "nobody else would look");
    }
}
