//! One regular file in work: written by any thread in any order, completed by whoever writes its last
//! piece, and named when its content is durable.

use std::fs::File;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::clear::take_place;
use super::in_the_way::Way;
use super::links::LinkKey;
use super::missing::Missing;
use super::outcome::Count;
use super::task::join;
use super::writer::Writer;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::Metadata;
use crate::progress::FindingKind;
use crate::target::{NewFile, apply_inode_flags};
use crate::units::PathText;

/// Above so many handles a file lets go of its own when a piece is written. A process may hold 1,024
/// on most systems, and folders need some.
const OPEN_FILES_MAX: usize = 256;
/// A file in work.
pub(super) struct FileInWork {
    folder: Arc<[u8]>,
    name: Arc<[u8]>,
    metadata: Metadata,
    bytes: u64,
    way: Way,
    link: Option<LinkKey>,
    ordinal: u64,
    /// Pieces that are still to come, and one more while it is being planned.
    pending: AtomicU64,
    ends_with_hole: AtomicBool,
    /// True once it is given up.
    is_failed: AtomicBool,
    is_open: AtomicBool,
    file: Mutex<Option<Arc<NewFile>>>,
    missing: Mutex<Missing>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whole between any two calls.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FileInWork {
    /// A file of so many bytes to be made as `name` in `folder` of the destination.
    pub fn new(folder: Arc<[u8]>, name: Vec<u8>, metadata: Metadata, bytes: u64, way: Way, link: Option<LinkKey>, ordinal: u64) -> Self {
        Self {
            folder,
            name: Arc::from(name),
            metadata,
            bytes,
            way,
            link,
            ordinal,
            pending: AtomicU64::new(1),
            ends_with_hole: AtomicBool::new(false),
            is_failed: AtomicBool::new(false),
            is_open: AtomicBool::new(false),
            file: Mutex::default(),
            missing: Mutex::default(),
        }
    }

    /// Its number in the order of the walk.
    pub fn ordinal(&self) -> u64 {
        self.ordinal
    }

    /// True when it has no content.
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    fn relative(&self) -> Vec<u8> {
        join(&self.folder, &self.name)
    }

    /// One more piece will come.
    pub fn expect_piece(&self) {
        self.pending.fetch_add(1, Ordering::Relaxed);
    }

    /// Its end is a hole, which nothing will write.
    pub fn set_ends_with_hole(&self, ends_with_hole: bool) {
        self.ends_with_hole.store(ends_with_hole, Ordering::Relaxed);
    }

    /// These bytes cannot be had.
    pub fn add_missing(&self, range: Range<u64>) {
        lock(&self.missing).add(range);
    }

    /// So many pieces less are to come, or the planning, which counts as one, is over; true when they
    /// were the last.
    pub fn settle(&self, pieces: u64) -> bool {
        self.pending.fetch_sub(pieces, Ordering::AcqRel) == pieces
    }

    /// Writes so many pieces that lie one behind the other.
    pub fn write(&self, writer: &Writer<'_>, offset: u64, bytes: &[u8], pieces: u64) {
        if self.is_failed.load(Ordering::Relaxed) {
            return;
        }
        let outcome = self.open(writer).and_then(|file| {
            file.write_at(offset, bytes)?;
            let is_last = self.pending.load(Ordering::Relaxed) == pieces;
            if !is_last && writer.open_files.load(Ordering::Relaxed) > OPEN_FILES_MAX {
                file.close()?;
                self.forget_handle(writer);
            }
            Ok(())
        });
        match outcome {
            Ok(()) => {
                writer.task.tally.add_many(Count::BytesWritten, bytes.len() as u64);
                writer.task.progress.add_done(0, bytes.len() as u64);
            }
            Err(error) => self.give_up(writer, error),
        }
    }

    fn open(&self, writer: &Writer<'_>) -> Result<Arc<NewFile>> {
        let mut file = lock(&self.file);
        let open = match &*file {
            Some(open) => Arc::clone(open),
            None => {
                let new = NewFile::create(&writer.destination, Arc::clone(&self.folder), Arc::clone(&self.name))?;
                new.prepare(&self.metadata, &writer.options)?;
                if !writer.task.request.sparse {
                    new.reserve(self.bytes)?;
                }
                Arc::clone(file.insert(Arc::new(new)))
            }
        };
        if !self.is_open.swap(true, Ordering::Relaxed) {
            writer.open_files.fetch_add(1, Ordering::Relaxed);
        }
        Ok(open)
    }

    fn forget_handle(&self, writer: &Writer<'_>) {
        if self.is_open.swap(false, Ordering::Relaxed) {
            writer.open_files.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Gives the file up; what was written is removed.
    fn give_up(&self, writer: &Writer<'_>, error: Error) {
        if !self.is_failed.swap(true, Ordering::Relaxed) {
            if let Some(key) = self.link {
                writer.links.forget(key);
            }
            if let Err(error) = writer.task.fail_entry(&self.relative(), error) {
                writer.task.end(error);
            }
        }
        lock(&self.file).take();
        self.forget_handle(writer);
    }

    /// Sets its metadata and lets it wait for its name; called once, when nothing is pending.
    pub fn finish(self: &Arc<Self>, writer: &Writer<'_>) {
        if !self.is_failed.load(Ordering::Relaxed) {
            match self.complete(writer) {
                Ok(file) => writer.staging.add(self, file, self.bytes),
                Err(error) => self.give_up(writer, error),
            }
        }
        lock(&self.file).take();
        writer.task.progress.add_done(1, 0);
    }

    fn complete(&self, writer: &Writer<'_>) -> Result<Arc<NewFile>> {
        let file = self.open(writer)?;
        let is_whole = lock(&self.missing).is_empty();
        if !is_whole || self.ends_with_hole.load(Ordering::Relaxed) {
            file.set_length(self.bytes)?;
        }
        let notes = if is_whole {
            file.complete(&self.metadata, &writer.options)?
        } else {
            if let Some(key) = self.link {
                writer.links.forget(key);
            }
            file.complete_damaged(&self.metadata, &writer.options)?
        };
        notes.into_iter().for_each(|note| writer.task.note(&self.relative(), note));
        // Inode flags come last and need a handle; with too many of them it is opened again.
        let needs_handle = is_whole && self.link.is_none() && writer.options.inode_flags && self.metadata.inode_flags != 0;
        if !needs_handle || writer.open_files.load(Ordering::Relaxed) > OPEN_FILES_MAX {
            file.release();
            self.forget_handle(writer);
        }
        Ok(file)
    }

    /// Gives a complete file, whose content is durable, its name.
    pub fn give_name(&self, writer: &Writer<'_>, file: &NewFile) {
        let missing = std::mem::take(&mut *lock(&self.missing));
        let outcome = if missing.is_empty() { self.name_whole(writer, file) } else { self.name_damaged(writer, file, missing) };
        if let Err(error) = outcome {
            self.give_up(writer, error);
        }
        self.forget_handle(writer);
    }

    fn name_whole(&self, writer: &Writer<'_>, file: &NewFile) -> Result<()> {
        let is_replaced = self.way != Way::Free;
        let mut name = Arc::clone(&self.name);
        let given = if self.way == (Way::Replace { is_folder: true }) {
            let within = writer.destination.folder(&self.folder)?;
            take_place(writer.task, (&within, &self.folder), &self.name, || file.give_name(true))
        } else {
            file.give_name(is_replaced)
        };
        let handle = match given {
            Err(error) if error.kind() == ErrorKind::Exists && !is_replaced => {
                let place = |other: &[u8]| file.give_name_as(other, false);
                let (other, handle) = writer.place_elsewhere(&self.folder, &self.name, place)?;
                name = Arc::from(other);
                handle
            }
            other => other?,
        };
        if let Some(key) = self.link {
            if writer.options.inode_flags {
                writer.links.leave_flags(&self.folder, &name, &self.metadata);
            }
            writer.links.place(key, &self.folder, &name, file.identity());
        } else if writer.options.inode_flags {
            self.set_flags(writer, &name, handle);
        }
        writer.task.did(self.way.deed(), &join(&self.folder, &name));
        writer.mark_written(self.ordinal);
        writer.count_left_behind(&self.metadata);
        writer.task.tally.add(Count::Files);
        Ok(())
    }

    fn set_flags(&self, writer: &Writer<'_>, name: &[u8], handle: Option<Arc<File>>) {
        let notes = match handle {
            Some(handle) => apply_inode_flags(handle, &self.metadata, &writer.options),
            None => match writer.destination.folder(&self.folder).and_then(|within| within.open_file(name)) {
                Ok(file) => apply_inode_flags(file, &self.metadata, &writer.options),
                // It has none to set, and hardly any that it should not have.
                Err(_) if self.metadata.inode_flags == 0 => Vec::new(),
                Err(error) => vec![format!("inode flags not restored: {error}")],
            },
        };
        notes.into_iter().for_each(|note| writer.task.note(&self.relative(), note));
    }

    fn name_damaged(&self, writer: &Writer<'_>, file: &NewFile, missing: Missing) -> Result<()> {
        let name = file.give_damaged_name()?;
        writer.keep(&self.folder, &name);
        let message = format!("kept as {}: of {} bytes {} cannot be had", PathText(&name), self.bytes, missing.describe());
        writer.task.tally.add(Count::Damaged);
        writer.task.report(FindingKind::Damaged, &self.relative(), message);
        Ok(())
    }
}
