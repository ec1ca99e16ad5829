//! Files that are complete and wait for their names until their content is durable.
//!
//! After a power cut a file system may have kept names, lengths and times, and not the bytes: such a
//! file could not be told from a good one by its looks. So content is synced first, many files at a
//! time, and names are given after that. A sync that fails gives no names and ends the restore.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use super::files::FileInWork;
use super::request::WindowLimits;
use super::writer::Writer;
use crate::error::Result;
use crate::target::NewFile;

/// What waits.
#[derive(Default)]
pub(super) struct Staging {
    files: Mutex<Vec<(Arc<FileInWork>, Arc<NewFile>)>>,
    bytes: AtomicU64,
}

impl Staging {
    /// Takes in a file of so many bytes that is complete but for its name.
    pub fn add(&self, file: &Arc<FileInWork>, new: Arc<NewFile>, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.lock().push((Arc::clone(file), new));
    }

    /// Whether no more should wait, beside so many other entries.
    pub fn is_full(&self, others: usize, limits: &WindowLimits) -> bool {
        self.bytes.load(Ordering::Relaxed) >= limits.unnamed_bytes || self.lock().len() + others >= limits.unnamed_entries
    }

    /// Makes what waits durable, and then gives it its names.
    ///
    /// # Errors
    /// Those of the sync: there are no names then, and the files are removed.
    pub fn name_all(&self, writer: &Writer<'_>) -> Result<()> {
        let mut files = std::mem::take(&mut *self.lock());
        self.bytes.store(0, Ordering::Relaxed);
        // What is empty has nothing to lose.
        let with_content = || files.iter().filter(|(file, _)| !file.is_empty()).map(|(_, new)| &**new);
        if with_content().next().is_some() {
            writer.destination.sync_for(with_content())?;
        }
        // In the order of the walk the files of a folder come together.
        files.par_sort_unstable_by_key(|(file, _)| file.ordinal());
        files.into_par_iter().for_each(|(file, new)| file.give_name(writer, &new));
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Arc<FileInWork>, Arc<NewFile>)>> {
        // Whole between any two calls.
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
