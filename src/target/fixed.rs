//! What the system would not let go: entries with a flag, and folders that this user may not change. Asked
//! before anything is removed, so that what stays for that reason stays whole.

use crate::platform::{AsHandle, look};

/// Of an entry with a flag.
const FLAGGED: &str = "it is immutable or append-only (chattr)";
/// Of a folder that has one.
const IN_FLAGGED: &str = "its folder is immutable or append-only (chattr)";
/// Of a folder that keeps the user out.
const IN_CLOSED: &str = "its folder may not be changed by this user";

/// Why the entry `name` of a folder cannot be removed or replaced, by its flags.
pub(super) fn why_entry_is_fixed(folder: impl AsHandle, name: &[u8]) -> Option<&'static str> {
    look::is_fixed(folder, name).then_some(FLAGGED)
}

/// Why nothing in an open folder can be removed or replaced.
pub(super) fn why_entries_are_fixed(folder: impl AsHandle) -> Option<&'static str> {
    if look::is_append_only(&folder) {
        return Some(IN_FLAGGED);
    }
    why_nothing_is_made(folder)
}

/// Why nothing can be made in an open folder. In one that is append-only folders can.
pub(super) fn why_nothing_is_made(folder: impl AsHandle) -> Option<&'static str> {
    if look::is_immutable(&folder) {
        return Some(IN_FLAGGED);
    }
    (!look::may_change(folder)).then_some(IN_CLOSED)
}
