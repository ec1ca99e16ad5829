//! The entries of one folder with their stats, made by a worker ahead of the walk.

use std::collections::BTreeSet;
use std::sync::Arc;

use rayon::prelude::*;

use super::listed::Listed;
use crate::error::{Error, ErrorKind, Result};
use crate::source::{Folder, ListedEntry, Stat};

/// Stats are taken for so many entries at a time: a folder of a million entries is not held whole.
const WINDOW_ENTRIES: usize = 4096;
/// Fewer stats than this are not worth sharing out.
const PARALLEL_ENTRIES: usize = 256;

/// One entry of a folder.
pub(super) struct Entry {
    pub name: Vec<u8>,
    pub stat: Result<Stat>,
}

/// An open folder and its entries, in order of their names.
pub(super) struct FolderListing {
    /// Closed in the upper levels of a very deep walk, see [`FolderListing::close`].
    folder: Option<Arc<Folder>>,
    pub stat: Stat,
    entries: std::vec::IntoIter<ListedEntry>,
    window: std::vec::IntoIter<Entry>,
    /// All that was listed; none of a listing of some names only.
    listed: Option<Arc<Listed>>,
}

impl FolderListing {
    /// Lists `folder` and takes the first stats.
    pub(super) fn read(folder: Folder) -> Result<Self> {
        let stat = folder.stat_self()?;
        let entries = folder.list()?;
        let listed = Some(Arc::new(Listed::of(&entries)));
        let mut listing = Self { folder: None, stat, entries: entries.into_iter(), window: Vec::new().into_iter(), listed };
        listing.refill(&folder);
        listing.folder = Some(Arc::new(folder));
        Ok(listing)
    }

    /// A listing of `names` only, whether `folder` can be listed or not. Those that are not there are left
    /// out.
    pub(super) fn of_names(folder: Arc<Folder>, names: &BTreeSet<Vec<u8>>) -> Result<Self> {
        let stat = folder.stat_self()?;
        let (none, window) = (Vec::new().into_iter(), Vec::new().into_iter());
        let mut listing = Self { folder: None, stat, entries: none, window, listed: None };
        let entries = names.iter().map(|name| Entry { stat: folder.stat(name), name: name.clone() });
        let there = |entry: &Entry| !entry.stat.as_ref().is_err_and(Error::is_not_found);
        listing.window = entries.filter(there).collect::<Vec<_>>().into_iter();
        listing.folder = Some(folder);
        Ok(listing)
    }

    /// The open folder; `reopen` opens it again where it was closed.
    pub(super) fn folder(&mut self, reopen: impl FnOnce() -> Result<Folder>) -> Result<Arc<Folder>> {
        if let Some(folder) = &self.folder {
            return Ok(Arc::clone(folder));
        }
        let folder = reopen()?;
        if folder.stat_self()?.identity() != self.stat.identity() {
            return Err(Error::new(ErrorKind::Changed, "the folder was replaced while it was read"));
        }
        let folder = Arc::new(folder);
        self.folder = Some(Arc::clone(&folder));
        Ok(folder)
    }

    /// Gives the handle back: a walk of 10,000 levels must not hold as many.
    pub(super) fn close(&mut self) {
        self.folder = None;
    }

    fn refill(&mut self, folder: &Folder) {
        let listed: Vec<ListedEntry> = self.entries.by_ref().take(WINDOW_ENTRIES).collect();
        let take = |ListedEntry { name, .. }| Entry { stat: folder.stat(&name), name };
        let entries: Vec<Entry> = if listed.len() < PARALLEL_ENTRIES {
            listed.into_iter().map(take).collect()
        } else {
            listed.into_par_iter().map(take).collect()
        };
        self.window = entries.into_iter();
    }

    /// The next entry; `None` at the end. `folder` is the listing's own.
    pub(super) fn next_entry(&mut self, folder: &Folder) -> Option<Entry> {
        if self.window.len() == 0 && self.entries.len() > 0 {
            self.refill(folder);
        }
        self.window.next()
    }

    /// What was listed, when that was all that the folder had.
    pub(super) fn listed(&self) -> Option<&Arc<Listed>> {
        self.listed.as_ref()
    }

    /// Goes on with entries of these names, when those that were listed are at their end.
    pub(super) fn go_on(&mut self, names: impl Iterator<Item = Vec<u8>>) {
        // The inode that a listing gives was compared already.
        self.entries = names.map(|name| ListedEntry { name, inode: 0 }).collect::<Vec<_>>().into_iter();
    }

    /// How many entries are to come.
    pub(super) fn remaining(&self) -> usize {
        self.window.len() + self.entries.len()
    }

    /// The entries that were taken and not yet handed out.
    pub(super) fn upcoming(&self) -> &[Entry] {
        self.window.as_slice()
    }
}
