//! The entries of one folder with their stats, made by a worker ahead of the walk.

use std::collections::BTreeSet;
use std::sync::Arc;

use rayon::prelude::*;

use crate::error::{Error, ErrorKind, Result};
use crate::source::{Folder, Stat};

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
    names: std::vec::IntoIter<Vec<u8>>,
    window: std::vec::IntoIter<Entry>,
}

impl FolderListing {
    /// Lists `folder` and takes the first stats.
    pub(super) fn read(folder: Folder) -> Result<Self> {
        let stat = folder.stat_self()?;
        let names = folder.names()?.into_iter();
        let mut listing = Self { folder: None, stat, names, window: Vec::new().into_iter() };
        listing.refill(&folder);
        listing.folder = Some(Arc::new(folder));
        Ok(listing)
    }

    /// A listing of `names` only, whether `folder` can be listed or not. Those that are not there are left
    /// out.
    pub(super) fn of_names(folder: Arc<Folder>, names: &BTreeSet<Vec<u8>>) -> Result<Self> {
        let stat = folder.stat_self()?;
        let mut listing = Self { folder: None, stat, names: Vec::new().into_iter(), window: Vec::new().into_iter() };
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
        let names: Vec<Vec<u8>> = self.names.by_ref().take(WINDOW_ENTRIES).collect();
        let take = |name: Vec<u8>| Entry { stat: folder.stat(&name), name };
        let entries: Vec<Entry> =
            if names.len() < PARALLEL_ENTRIES { names.into_iter().map(take).collect() } else { names.into_par_iter().map(take).collect() };
        self.window = entries.into_iter();
    }

    /// The next entry; `None` at the end. `folder` is the listing's own.
    pub(super) fn next_entry(&mut self, folder: &Folder) -> Option<Entry> {
        if self.window.len() == 0 && self.names.len() > 0 {
            self.refill(folder);
        }
        self.window.next()
    }

    /// How many entries are to come.
    pub(super) fn remaining(&self) -> usize {
        self.window.len() + self.names.len()
    }

    /// The entries that were taken and not yet handed out.
    pub(super) fn upcoming(&self) -> &[Entry] {
        self.window.as_slice()
    }
}
