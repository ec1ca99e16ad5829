//! Makes pages clean before they are read.
//!
//! Who writes to a file through a mapping (`mmap`) leaves a time stamp with the first write to a page;
//! until the kernel has written the page out, later writes to it leave none. What such a write changes
//! after a snapshot has read the page would be missed by every later run. So each file system is synced
//! before the first file on it is read: every page is clean then, and the next write to it is stamped,
//! after the beginning of the run, which the next run takes for "not settled".
//!
//! A run that reads no file syncs nothing. Where so much waits to be written that a sync may take
//! minutes, none is made, and the next run reads again what had younger stamps than it takes the
//! kernel to write a page out.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::manifest::Manifest;
use crate::platform::unwritten_bytes;
use crate::source::SourceFile;
use crate::wire::Extensions;

/// The extension of a manifest with the seconds after which stamps are settled.
const SETTLE_SECONDS: u16 = 8;
/// With clean pages: file systems stamp no more coarsely than this (vfat: two seconds).
const CLEAN_SECONDS: u64 = 2;
/// Without: the kernel begins to write a page after half a minute, and does it in this time unless the
/// disk is drowned. Also for snapshots that do not tell.
const DIRTY_SECONDS: u64 = 600;
/// With more than this to be written, on all disks together, a sync could take minutes.
const DIRTY_BYTES_MAX: u64 = 2 << 30;
/// No device has this number.
const NO_DEVICE: u64 = u64::MAX;

/// The file systems that a run has synced.
pub(super) struct Writeback {
    /// The last device that was seen to: nearly always that of the next file.
    last: AtomicU64,
    devices: Mutex<HashMap<u64, Arc<OnceLock<()>>>>,
    is_too_much: OnceLock<bool>,
    is_all_clean: AtomicBool,
    dirty_bytes: fn() -> Option<u64>,
}

impl Writeback {
    pub(super) fn new() -> Self {
        Self::with(unwritten_bytes)
    }

    fn with(dirty_bytes: fn() -> Option<u64>) -> Self {
        Self {
            last: AtomicU64::new(NO_DEVICE),
            devices: Mutex::default(),
            is_too_much: OnceLock::new(),
            is_all_clean: AtomicBool::new(true),
            dirty_bytes,
        }
    }

    /// To be called before the content of a file is read. Waits for the file system, once.
    pub(super) fn make_clean(&self, file: &SourceFile) {
        let device = file.opened().device;
        if self.last.load(Ordering::Acquire) == device {
            return;
        }
        let done = Arc::clone(self.devices.lock().unwrap_or_else(PoisonError::into_inner).entry(device).or_default());
        done.get_or_init(|| self.sync(file));
        self.last.store(device, Ordering::Release);
    }

    fn sync(&self, file: &SourceFile) {
        if !file.is_written_back_here() {
            return;
        }
        let is_too_much = || (self.dirty_bytes)().is_none_or(|bytes| bytes > DIRTY_BYTES_MAX);
        // An error may be that of any other file; ours are read, and then it is told.
        if *self.is_too_much.get_or_init(is_too_much) || file.sync_file_system().is_err() {
            self.is_all_clean.store(false, Ordering::Relaxed);
        }
    }

    /// Notes in the extensions of a manifest what holds for the files that the run has read.
    pub(super) fn note(&self, extensions: &mut Extensions) {
        let seconds = if self.is_all_clean.load(Ordering::Relaxed) { CLEAN_SECONDS } else { DIRTY_SECONDS };
        extensions.set(SETTLE_SECONDS, seconds.to_le_bytes().to_vec());
    }
}

/// So many seconds before the start of the run of `base` a stamp must be to be settled.
pub(super) fn settle_seconds(base: &Manifest) -> i64 {
    let told = base.extensions.get(SETTLE_SECONDS).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes);
    // Never less than file systems need.
    let seconds = told.unwrap_or(DIRTY_SECONDS).max(CLEAN_SECONDS);
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;
    use crate::source::Folder;

    fn seconds_after_reading(folder: &str, dirty: fn() -> Option<u64>) -> u64 {
        let place = tempfile::tempdir_in(folder).unwrap();
        std::fs::write(place.path().join("a"), "a").unwrap();
        let folder = Folder::open(place.path().as_os_str().as_bytes()).unwrap();
        let file = SourceFile::open(&folder, b"a", &folder.stat(b"a").unwrap()).unwrap();
        let (writeback, mut extensions) = (Writeback::with(dirty), Extensions::none());
        writeback.make_clean(&file);
        writeback.note(&mut extensions);
        u64::from_le_bytes(extensions.get(SETTLE_SECONDS).unwrap().try_into().unwrap())
    }

    #[test]
    fn where_too_much_waits_to_be_written_stamps_settle_late() {
        let target = env!("CARGO_MANIFEST_DIR");
        assert_eq!(seconds_after_reading(target, || Some(DIRTY_BYTES_MAX)), CLEAN_SECONDS);
        assert_eq!(seconds_after_reading(target, || Some(DIRTY_BYTES_MAX + 1)), DIRTY_SECONDS);
        assert_eq!(seconds_after_reading(target, || None), DIRTY_SECONDS);
        // Nothing is written out of a tmpfs, so there is nothing to wait for.
        assert_eq!(seconds_after_reading("/dev/shm", || None), CLEAN_SECONDS);
        assert!(unwritten_bytes().is_some());
    }
}
