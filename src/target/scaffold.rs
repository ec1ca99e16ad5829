//! Folders that are only the way to something: what they get when a restore makes them.

use super::folder::Folder;
use super::metadata::{ApplyOptions, apply_to_folder, is_about_owner, permitted_mode};
use super::unfinished::unmark;
use crate::manifest::Metadata;
use crate::platform::{AsHandle, Subject};

/// Gives a folder that was just made as the way to a source its owner and mode: nothing else was saved of
/// it. Nobody asked for the folder itself, so what cannot be set is no failure.
///
/// With `is_in_work` its owner can still write into it, whatever the mode says.
pub fn apply_to_ancestor(folder: &Folder, metadata: &Metadata, options: &ApplyOptions, is_in_work: bool) {
    let subject = Subject::Opened(folder.as_handle());
    let (uid, gid) = options.names.owner(metadata, options.numeric_owner);
    let owner_is_right = subject.set_owner(Some(uid), Some(gid)).is_ok() || {
        // A group of one's own can be given.
        let _ = subject.set_owner(None, Some(gid));
        subject.look().is_ok_and(|found| (found.uid, found.gid) == (uid, gid))
    };
    let (mode, _) = permitted_mode(metadata, owner_is_right, options.set_id, false);
    let _ = subject.set_mode(if is_in_work { mode | 0o700 } else { mode });
    unmark(&subject);
}

/// As [`apply_to_folder`], for a folder that a restore made only because something below it was asked
/// for: that its owner cannot be set is no failure.
pub fn apply_to_passed(folder: &Folder, metadata: &Metadata, options: &ApplyOptions) -> Vec<String> {
    let mut notes = apply_to_folder(folder, metadata, options);
    notes.retain(|note| !is_about_owner(note));
    notes
}
