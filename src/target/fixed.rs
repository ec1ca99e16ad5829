//! What the system would not let go: entries with a flag, and folders that this user may not change. Asked
//! before anything is removed, so that what stays for that reason stays whole.

use std::os::fd::BorrowedFd;

use rustix::fs::{Access, AtFlags, StatxAttributes, StatxFlags, accessat, statx};

/// Of an entry with a flag.
const FLAGGED: &str = "it is immutable or append-only (chattr)";
/// Of a folder that has one.
const IN_FLAGGED: &str = "its folder is immutable or append-only (chattr)";
/// Of a folder that keeps the user out.
const IN_CLOSED: &str = "its folder may not be changed by this user";

/// Why the entry `name` of a folder cannot be removed or replaced, by its flags.
pub(super) fn why_entry_is_fixed(folder: BorrowedFd<'_>, name: &[u8]) -> Option<&'static str> {
    has_flag(folder, name, StatxAttributes::IMMUTABLE | StatxAttributes::APPEND).then_some(FLAGGED)
}

/// Why nothing in an open folder can be removed or replaced.
pub(super) fn why_entries_are_fixed(folder: BorrowedFd<'_>) -> Option<&'static str> {
    if has_flag(folder, b"", StatxAttributes::APPEND) {
        return Some(IN_FLAGGED);
    }
    why_nothing_is_made(folder)
}

/// Why nothing can be made in an open folder. In one that is append-only folders can.
pub(super) fn why_nothing_is_made(folder: BorrowedFd<'_>) -> Option<&'static str> {
    if has_flag(folder, b"", StatxAttributes::IMMUTABLE) {
        return Some(IN_FLAGGED);
    }
    let is_closed = accessat(folder, c".", Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS).is_err();
    is_closed.then_some(IN_CLOSED)
}

fn has_flag(folder: BorrowedFd<'_>, name: &[u8], flags: StatxAttributes) -> bool {
    let mut how = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    if name.is_empty() {
        how |= AtFlags::EMPTY_PATH;
    }
    // Where it cannot be asked the call itself will say so.
    statx(folder, name, how, StatxFlags::empty()).is_ok_and(|found| found.stx_attributes.intersects(flags))
}
