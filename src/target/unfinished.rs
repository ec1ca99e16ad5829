//! Folders that a restore has made and not finished: what a killed one leaves is told from what a user made.
//!
//! A folder carries an attribute until it has its metadata; that goes last, so that whoever finds it knows
//! that the folder is not finished, whatever its mode is by then. Where there are no attributes, the mode
//! that a folder is made with has to do, which hardly any other folder has.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{Mode, XattrFlags};
use rustix::io::Errno;

use super::folder::Folder;
use super::subject::Subject;
use crate::error::Result;

/// For its owner only, and sticky.
pub(super) const UNFINISHED_MODE: u32 = 0o1700;
/// The attribute, which is part of no snapshot and of no comparison.
pub(super) const MARK: &[u8] = b"user.repo-restore.unfinished";

/// Marks a folder that was just made. Without the mark its mode tells, or nobody.
pub(super) fn mark(folder: BorrowedFd<'_>) {
    let _ = rustix::fs::fsetxattr(folder, MARK, b"1", XattrFlags::empty());
}

/// As [`mark`], for the destination itself, which is made by its path with the mode of a private folder.
pub(super) fn mark_destination(folder: BorrowedFd<'_>) {
    if rustix::fs::fsetxattr(folder, MARK, b"1", XattrFlags::empty()).is_err() {
        let _ = rustix::fs::fchmod(folder, Mode::from_raw_mode(UNFINISHED_MODE));
    }
}

/// Says that the folder has its metadata. A mode that keeps its owner from writing keeps a user from that too,
/// so it gives way for a moment.
pub(super) fn unmark(subject: &Subject<'_>) {
    if subject.remove_xattr(MARK) != Err(Errno::ACCESS) {
        return;
    }
    let Ok(stat) = subject.stat() else { return };
    let mode = stat.st_mode & 0o7777;
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
            let subject = Subject::Opened(self.as_fd());
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
        let is_own = existing.uid == rustix::process::geteuid().as_raw();
        Ok(match rustix::fs::fgetxattr(self.as_fd(), MARK, &mut [0u8; 1][..]) {
            Ok(_) | Err(Errno::RANGE) => true,
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => is_own && existing.mode == UNFINISHED_MODE,
            Err(_) => false,
        })
    }
}
