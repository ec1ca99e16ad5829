//! Folders that a restore has made and not finished: what a killed one leaves is told from what a user made.
//!
//! A folder carries an attribute until it has its metadata; that goes last, so that whoever finds it knows
//! that the folder is not finished, whatever its mode is by then. Where there are no attributes, the mode
//! that a folder is made with has to do, which hardly any other folder has.

use super::folder::Folder;
use crate::error::Result;
use crate::platform::attributes::{self, Place};
use crate::platform::{AsHandle, Failure, Subject, process, rights};

/// For its owner only, and sticky.
pub(super) const UNFINISHED_MODE: u32 = 0o1700;
/// The attribute, which is part of no snapshot and of no comparison.
pub(super) const MARK: &[u8] = b"user.repo-restore.unfinished";

/// Marks a folder that was just made. Without the mark its mode tells, or nobody.
pub(super) fn mark(folder: impl AsHandle) {
    let _ = attributes::set(folder, MARK, b"1");
}

/// As [`mark`], for the destination itself, which is made by its path with the mode of a private folder.
pub(super) fn mark_destination(folder: impl AsHandle) {
    if attributes::set(&folder, MARK, b"1").is_err() {
        let _ = rights::set_mode(folder, UNFINISHED_MODE);
    }
}

/// Says that the folder has its metadata. A mode that keeps its owner from writing keeps a user from that too,
/// so it gives way for a moment.
pub(super) fn unmark(subject: &Subject<'_>) {
    if subject.remove_xattr(MARK) != Err(Failure::DENIED) {
        return;
    }
    let Ok(found) = subject.look() else { return };
    let mode = found.mode;
    if subject.set_mode(mode | 0o200).is_ok() {
        let _ = subject.remove_xattr(MARK);
        let _ = subject.set_mode(mode);
    }
}

impl Folder {
    /// Says of the destination that the restore has done all that was asked for. One that stands for no
    /// folder of the snapshot got no metadata, and stays private.
    ///
    /// # Errors
    /// Those of looking.
    pub fn end_unfinished(&self) -> Result<()> {
        if self.is_unfinished()? {
            let subject = Subject::Opened(self.as_handle());
            unmark(&subject);
            if self.stat_self()?.mode == UNFINISHED_MODE {
                let _ = subject.set_mode(UNFINISHED_MODE & 0o777);
            }
        }
        Ok(())
    }

    /// True for a folder as a restore makes it, that has not got its metadata: one that was interrupted has
    /// left it.
    ///
    /// # Errors
    /// Those of looking.
    pub fn is_unfinished(&self) -> Result<bool> {
        let existing = self.stat_self()?;
        let is_own = existing.uid == process::user();
        Ok(match Place::Handle(self.as_handle()).get(MARK, &mut [0; 1]) {
            Ok(_) | Err(Failure::NO_ROOM) => true,
            Err(Failure::UNSUPPORTED | Failure::NO_CALL) => is_own && existing.mode == UNFINISHED_MODE,
            Err(_) => false,
        })
    }
}
