//! Folders that a restore has made and not finished: what a killed one leaves is told from what a user made.
//!
//! A folder carries an attribute until it has its metadata; that goes last, so that whoever finds it knows
//! that the folder is not finished, whatever its mode is by then. Where there are no attributes, the mode
//! that a folder is made with has to do, which hardly any other folder has.

use std::os::fd::AsFd;

use rustix::fs::XattrFlags;
use rustix::io::Errno;

use super::folder::Folder;
use super::subject::Subject;
use crate::error::Result;

/// For its owner only, and sticky.
pub(super) const UNFINISHED_MODE: u32 = 0o1700;
/// The attribute, which is part of no snapshot and of no comparison.
pub(super) const MARK: &[u8] = b"user.repo-restore.unfinished";

/// Marks a folder that was just made. Without the mark its mode tells, or nobody.
pub(super) fn mark(folder: &Folder) {
    let _ = rustix::fs::fsetxattr(folder.as_fd(), MARK, b"1", XattrFlags::empty());
}

/// Says that the folder has its metadata.
pub(super) fn unmark(subject: &Subject<'_>) {
    let _ = subject.remove_xattr(MARK);
}

impl Folder {
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
