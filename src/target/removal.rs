//! Removes an entry of a folder with everything below it, never through a link.
//!
//! One handle is open at a time, whatever the depth. The way back up is `..`, which is trusted only
//! when it leads to the very inode that the way down came through. A mount below is never entered:
//! what lies there belongs to somebody else.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, SeekFrom, fstat, openat, unlinkat};
use rustix::io::{Errno, retry_on_intr};

use super::destination::join;
use super::existing::Identity;
use super::{beneath, system_error};
use crate::error::{Error, ErrorKind, Result};
use crate::units::PathText;

/// So many sub-folders are noted in one pass over a folder; a wider one is read again for the rest.
const NOTED_MAX: usize = 4096;

/// A folder on the way down.
struct Level {
    name: Vec<u8>,
    identity: Identity,
    /// Sub-folders that are still to be removed.
    noted: Vec<Vec<u8>>,
    /// True once a pass found nothing at all.
    is_empty: bool,
}

/// Removes `name` in `parent`, whatever it is; one that is gone is fine. `path` names it in errors.
pub(super) fn remove(parent: BorrowedFd<'_>, name: &[u8], path: &[u8]) -> Result<()> {
    let fail = |errno| system_error("cannot remove", path, errno);
    if !unlink(parent, name).map_err(fail)? {
        return Ok(());
    }
    if remove_empty(parent, name).map_err(fail)? {
        return Ok(());
    }
    let (mut here, level) = enter(parent, name).map_err(fail)?;
    let mut levels = vec![level];
    while let Some(level) = levels.last_mut() {
        let below = |errno| system_error("cannot remove", &join(path, b"..."), errno);
        if level.noted.is_empty() && !level.is_empty {
            level.sweep(here.as_fd()).map_err(below)?;
        }
        if let Some(child) = level.noted.pop() {
            if !remove_empty(here.as_fd(), &child).map_err(below)? {
                let (handle, level) = enter(here.as_fd(), &child).map_err(below)?;
                here = handle;
                levels.push(level);
            }
        } else if level.is_empty {
            let done = std::mem::take(&mut level.name);
            levels.pop();
            let Some(above) = levels.last() else { break };
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let up = retry_on_intr(|| openat(&here, c"..", flags, Mode::empty())).map_err(below)?;
            if Identity::of(&fstat(&up).map_err(below)?) != above.identity {
                return Err(Error::new(ErrorKind::Changed, format!("{} was moved while it was removed", PathText(path))));
            }
            unlinkat(&up, done.as_slice(), AtFlags::REMOVEDIR).map_err(below)?;
            here = up;
        }
    }
    unlinkat(parent, name, AtFlags::REMOVEDIR).map_err(fail)
}

/// Removes what is not a folder; true when it is one.
fn unlink(parent: BorrowedFd<'_>, name: &[u8]) -> rustix::io::Result<bool> {
    match unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(false),
        Err(Errno::ISDIR) => Ok(true),
        // Some file systems answer so for a folder; it also means "not allowed".
        Err(Errno::PERM) => {
            let stat = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
            if FileType::from_raw_mode(stat.st_mode).is_dir() { Ok(true) } else { Err(Errno::PERM) }
        }
        Err(errno) => Err(errno),
    }
}

/// Removes a folder if it is empty; false when it is not.
fn remove_empty(parent: BorrowedFd<'_>, name: &[u8]) -> rustix::io::Result<bool> {
    match unlinkat(parent, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => Ok(true),
        Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(false),
        Err(errno) => Err(errno),
    }
}

fn enter(parent: BorrowedFd<'_>, name: &[u8]) -> rustix::io::Result<(OwnedFd, Level)> {
    let handle = beneath::open_folder_in_mount(parent, name)?;
    let identity = Identity::of(&fstat(&handle)?);
    Ok((handle, Level { name: name.to_vec(), identity, noted: Vec::new(), is_empty: false }))
}

impl Level {
    /// One pass: removes what is not a folder and notes folders.
    fn sweep(&mut self, here: BorrowedFd<'_>) -> rustix::io::Result<()> {
        rustix::fs::seek(here, SeekFrom::Start(0))?;
        let mut found = false;
        visit_names(here, |name, kind| {
            found = true;
            if kind == FileType::Directory || unlink(here, name)? {
                self.noted.push(name.to_vec());
            }
            Ok(self.noted.len() < NOTED_MAX)
        })?;
        self.is_empty = !found;
        Ok(())
    }
}

/// Shows every name of a folder but `.` and `..` from the handle's position on, until `visit` says
/// false.
pub(super) fn visit_names(
    folder: BorrowedFd<'_>,
    mut visit: impl FnMut(&[u8], FileType) -> rustix::io::Result<bool>,
) -> rustix::io::Result<()> {
    let mut buffer = vec![MaybeUninit::uninit(); 32 * 1024];
    let mut entries = RawDir::new(folder, &mut buffer);
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." && !visit(name, entry.file_type())? {
            break;
        }
    }
    Ok(())
}
