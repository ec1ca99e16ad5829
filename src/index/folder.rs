//! The folder of table files: names, temporary files, and what a killed process left behind.
//!
//! A table appears under its name only when it is complete. Its bytes are not synced: after a power
//! cut the checksums find what is missing and the table is made again from its segments, which is
//! cheaper than a sync on every run.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};
use crate::id::{SegmentId, to_hex};
use crate::platform::lock::{self, Share};
use crate::platform::{content, durability, private};

const TABLE_SUFFIX: &str = ".table";
const PARTIAL_SUFFIX: &str = ".partial";

/// The name of the table of these segments, sorted: a hash, so that equal sets share a file.
pub(super) fn table_name(segments: &[SegmentId]) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("strongroom index table name, version 1");
    for segment in segments {
        hasher.update(&segment.0);
    }
    to_hex(hasher.finalize().as_bytes()) + TABLE_SUFFIX
}

/// The table files of `folder`, which is made if it is not there. Temporary files that no process
/// is writing any more are removed on the way.
///
/// # Errors
/// Those of the operating system.
pub(super) fn list_tables(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |error| Error::io("cannot list", folder.display(), error);
    fs::create_dir_all(folder).map_err(|error| Error::io("cannot create", folder.display(), error))?;
    let mut tables = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if name.ends_with(TABLE_SUFFIX) {
            tables.push(path);
        } else if name.ends_with(PARTIAL_SUFFIX) {
            remove_if_abandoned(&path);
        }
    }
    tables.sort();
    Ok(tables)
}

/// A writer holds a lock on its temporary file, and the kernel lets go of it when the writer dies.
fn remove_if_abandoned(path: &Path) {
    if let Ok(file) = File::open(path)
        && lock::try_take(&file, Share::Alone).is_ok()
    {
        // Best effort: the next run tries again.
        let _ = fs::remove_file(path);
    }
}

/// A table file that is being written; dropping it without publishing removes it.
#[derive(Debug)]
pub(super) struct PartialFile {
    file: File,
    path: PathBuf,
    is_published: bool,
}

impl PartialFile {
    /// A new file of `bytes` bytes whose space is reserved, so that a full disk is met here.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn create(folder: &Path, bytes: u64) -> Result<Self> {
        static SEQUENCE: AtomicU64 = AtomicU64::new(0);
        let sequence = SEQUENCE.fetch_add(1, Ordering::Relaxed);
        // Processes in containers can share a folder and a process id, hence `create_new` below.
        let path = folder.join(format!("{}-{sequence}{PARTIAL_SUFFIX}", std::process::id()));
        let failed = |error: io::Error| Error::io("cannot create", path.display(), error);
        let open = || private::new_file_to_read(&path);
        let file = open()
            .or_else(|error| {
                remove_if_abandoned(&path);
                if error.kind() == io::ErrorKind::AlreadyExists { open() } else { Err(error) }
            })
            .map_err(failed)?;
        let partial = Self { file, path: path.clone(), is_published: false };
        // Without the lock a neighbour may take the file for abandoned; the rename then fails.
        let _ = lock::try_take(&partial.file, Share::Alone);
        // Where that is not to be had writing reserves the space; it goes through plain writes, which report a full disk.
        durability::reserve(&partial.file, bytes.max(1)).map_err(|failure| failed(failure.into()))?;
        partial.file.set_len(bytes).map_err(failed)?;
        Ok(partial)
    }

    /// Writes `bytes` at `offset`.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        content::write_all_at(&self.file, bytes, offset).map_err(|error| Error::io("cannot write", self.path.display(), error))
    }

    /// Gives the file its name, over a file that has it already: the old one is equal or damaged.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn publish(mut self, name: &str) -> Result<(File, PathBuf)> {
        let path = self.path.with_file_name(name);
        fs::rename(&self.path, &path).map_err(|error| Error::io("cannot rename", self.path.display(), error))?;
        self.is_published = true;
        let file = self.file.try_clone().map_err(|error| Error::io("cannot open", path.display(), error))?;
        Ok((file, path))
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        if !self.is_published {
            // Best effort: a later run finds it abandoned.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_abandoned_temporary_file_is_removed_and_a_live_one_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("1-0.partial"), b"left behind").unwrap();
        let live = PartialFile::create(folder.path(), 10).unwrap();
        assert!(list_tables(folder.path()).unwrap().is_empty());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        drop(live);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_published_file_has_its_name_and_its_whole_length() {
        let folder = tempfile::tempdir().unwrap();
        let partial = PartialFile::create(folder.path(), 10).unwrap();
        partial.write_at(3, b"abc").unwrap();
        let (_, path) = partial.publish(&table_name(&[SegmentId([1; 32])])).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"\0\0\0abc\0\0\0\0");
        assert_eq!(list_tables(folder.path()).unwrap(), [path]);
    }
}
