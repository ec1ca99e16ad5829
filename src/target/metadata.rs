//! Owner, attributes, mode, times and inode flags of what was restored, in an order that matters:
//!
//! 1. owner: changing it clears setuid, setgid and capabilities, so it comes first;
//! 2. extended attributes: capabilities, and ACLs, which change the mode;
//! 3. mode: with setuid and setgid only if the owner is right by now;
//! 4. mtime: everything before could touch it; atime is left alone;
//! 5. inode flags, if asked for: an immutable file takes no change any more, not even a rename or
//!    another link, so they are set when the file has all its names.
//!
//! Nothing here fails a restore: what could not be set comes back as notes in words.

use super::accounts::Names;
use super::attributes::{self, group_bits_without_acl, reason};
use super::disk::{Disk, NO_MODES, NO_OWNERS, NO_SUCH_TIMES};
use super::folder::Folder;
use super::inode_flags::apply_inode_flags;
use super::rights::Rights;
use super::system_error;
use super::unfinished::unmark;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Metadata, check_name};
use crate::platform::times::Times;
use crate::platform::{AsHandle, EntryType, HandleRef, Identity, Subject};
use crate::units::{PathText, Timestamp};

const SETUID_SETGID: u32 = 0o6000;

/// How metadata is restored. Shared by all threads of a restore.
#[derive(Debug)]
pub struct ApplyOptions {
    /// Owners by number, even where the name exists on this machine.
    pub numeric_owner: bool,
    /// Set inode flags (`chattr`) too.
    pub inode_flags: bool,
    /// Restore setuid, setgid and capabilities (on by default; only ever for the right owner).
    pub set_id: bool,
    /// Restore attributes of the namespace `trusted`.
    pub trusted_xattrs: bool,
    /// Names of this machine.
    pub names: Names,
    /// What this process may set.
    pub rights: Rights,
}

impl Default for ApplyOptions {
    fn default() -> Self {
        Self {
            numeric_owner: false,
            inode_flags: false,
            set_id: true,
            trusted_xattrs: false,
            names: Names::default(),
            rights: Rights::default(),
        }
    }
}

/// Sets the metadata of an open regular file, all but inode flags (see [`apply_inode_flags`]).
/// Returns what could not be set, in words.
pub fn apply_to_file(handle: impl AsHandle, metadata: &Metadata, options: &ApplyOptions) -> Vec<String> {
    apply(&Subject::Opened(handle.as_handle()), None, metadata, options, &Disk::default())
}

/// A regular file that was just made, and what is known of it without asking again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fresh {
    /// Its owner and group.
    pub owner: (u32, u32),
    /// True when its folder may have given it attributes.
    pub has_inherited: bool,
}

/// As [`apply_to_file`], for a file that this restore has made.
pub(super) fn apply_to_fresh_file(
    handle: HandleRef<'_>,
    fresh: Fresh,
    metadata: &Metadata,
    options: &ApplyOptions,
    disk: &Disk,
) -> Vec<String> {
    apply(&Subject::Opened(handle), Some(fresh), metadata, options, disk)
}

/// Sets the metadata of a folder whose entries are complete, inode flags included.
pub fn apply_to_folder(folder: &Folder, metadata: &Metadata, options: &ApplyOptions) -> Vec<String> {
    let subject = Subject::Opened(folder.as_handle());
    let mut notes = apply(&subject, None, metadata, options, folder.disk());
    unmark(&subject);
    notes.extend(apply_inode_flags(folder.as_handle(), metadata, options));
    notes
}

/// Sets the time of a folder whose entries are complete and whose other metadata is right.
pub fn apply_time_to_folder(folder: &Folder, metadata: &Metadata) -> Vec<String> {
    let mut notes = Vec::new();
    apply_mtime(&Subject::Opened(folder.as_handle()), metadata.mtime, folder.disk(), &mut notes);
    notes
}

/// Sets the metadata of a symbolic link, pipe or device, itself and not what it points at.
///
/// # Errors
/// `Damaged` for an impossible name; `NotFound`, `Denied` when it cannot be reached at all.
pub fn apply_to_link_or_special(folder: &Folder, name: &[u8], metadata: &Metadata, options: &ApplyOptions) -> Result<Vec<String>> {
    check_name(name)?;
    let subject = Subject::pin(folder.as_handle(), name).map_err(|failure| system_error("cannot reach", &folder.path_of(name), failure))?;
    Ok(apply(&subject, None, metadata, options, folder.disk()))
}

/// As [`apply_to_link_or_special`], for anything but a folder that was there before, as long as it is the
/// inode `identity` and has one name: what is set on one is set on all.
///
/// # Errors
/// As there; `Changed` when it is another one by now, or has other names.
pub fn apply_to_existing(
    folder: &Folder,
    name: &[u8],
    identity: Identity,
    metadata: &Metadata,
    options: &ApplyOptions,
) -> Result<Vec<String>> {
    check_name(name)?;
    let fail = |failure| system_error("cannot reach", &folder.path_of(name), failure);
    let subject = Subject::pin(folder.as_handle(), name).map_err(fail)?;
    let found = subject.look().map_err(fail)?;
    if found.identity != identity || found.links > 1 {
        let message = format!("{} was replaced or linked during the restore", PathText(&folder.path_of(name)));
        return Err(Error::new(ErrorKind::Changed, message));
    }
    Ok(apply(&subject, None, metadata, options, folder.disk()))
}

fn apply(subject: &Subject<'_>, fresh: Option<Fresh>, metadata: &Metadata, options: &ApplyOptions, disk: &Disk) -> Vec<String> {
    let mut notes = Vec::new();
    let (owner, is_symlink) = match fresh {
        Some(fresh) => (fresh.owner, false),
        None => match subject.look() {
            Ok(found) => ((found.uid, found.gid), found.entry_type == EntryType::Symlink),
            Err(failure) => return vec![format!("metadata not restored: {}", reason(failure))],
        },
    };
    let owner_is_right = apply_owner(subject, owner, metadata, options, disk, &mut notes);
    let has_none = fresh.is_some_and(|fresh| !fresh.has_inherited);
    let attributes = attributes::apply(subject, has_none, metadata, options, disk, &mut notes);
    if !is_symlink {
        let (mode, note) = permitted_mode(metadata, owner_is_right, options.set_id, attributes.access_acl_is_missing);
        if disk.holds().modes {
            notes.extend(note.map(str::to_owned));
            apply_mode(subject, mode, &mut notes);
        } else if subject.set_mode(mode).is_err() || subject.look().is_ok_and(|found| found.mode != metadata.mode & 0o7777) {
            notes.push(NO_MODES.to_owned());
        }
    }
    apply_mtime(subject, metadata.mtime, disk, &mut notes);
    notes
}

/// Whether a note says that an owner could not be set, or what follows from that.
pub(super) fn is_about_owner(note: &str) -> bool {
    ["owner ", "group ", "setuid and setgid not restored: the owner"].iter().any(|begin| note.starts_with(begin))
}

/// Sets owner and group; true when both are right afterwards.
fn apply_owner(
    subject: &Subject<'_>,
    current: (u32, u32),
    metadata: &Metadata,
    options: &ApplyOptions,
    disk: &Disk,
    notes: &mut Vec<String>,
) -> bool {
    let (uid, gid) = options.names.owner(metadata, options.numeric_owner);
    if current == (uid, gid) {
        return true;
    }
    if !disk.holds().owners {
        notes.push(NO_OWNERS.to_owned());
        return false;
    }
    let Err(failure) = subject.set_owner(Some(uid), Some(gid)) else { return true };
    // A user may not give a file away, but may give it to another of their own groups.
    let group_is_right = current.1 == gid || subject.set_owner(None, Some(gid)).is_ok();
    let owner_is_right = current.0 == uid;
    let (what, number) = if owner_is_right { ("group", gid) } else { ("owner", uid) };
    if !(owner_is_right && group_is_right) {
        notes.push(format!("{what} {number} not restored: {}", reason(failure)));
    }
    owner_is_right && group_is_right
}

/// The mode to set, and a note when it is not the recorded one. A file that runs with the rights of
/// its owner must not do so for another owner.
pub(super) fn permitted_mode(metadata: &Metadata, owner_is_right: bool, set_id: bool, acl_is_missing: bool) -> (u32, Option<&'static str>) {
    let mut mode = metadata.mode & 0o7777;
    let mut note = None;
    if acl_is_missing {
        mode = mode & !0o070 | group_bits_without_acl(metadata) << 3;
    }
    if mode & SETUID_SETGID != 0 && !(owner_is_right && set_id) {
        mode &= !SETUID_SETGID;
        note = Some(if set_id {
            "setuid and setgid not restored: the owner is not the recorded one"
        } else {
            "setuid and setgid not restored: privileges are not restored"
        });
    }
    (mode, note)
}

fn apply_mode(subject: &Subject<'_>, mode: u32, notes: &mut Vec<String>) {
    if let Err(failure) = subject.set_mode(mode) {
        notes.push(format!("mode {mode:04o} not restored: {}", reason(failure)));
    } else if mode & SETUID_SETGID != 0 {
        // The kernel drops setgid without a word when the user is not in the group.
        let is_kept = subject.look().is_ok_and(|found| found.mode == mode);
        if !is_kept {
            notes.push(format!("mode {mode:04o} not restored: the system cleared bits of it"));
        }
    }
}

fn apply_mtime(subject: &Subject<'_>, mtime: Timestamp, disk: &Disk, notes: &mut Vec<String>) {
    // Above 999,999,999 stand magic values that mean "now" and "leave it".
    let nanoseconds = mtime.nanoseconds.min(999_999_999);
    let mut times = Times { accessed: None, modified: Timestamp { seconds: mtime.seconds, nanoseconds } };
    if disk.needs_both_times()
        && let Ok(found) = subject.times()
    {
        times.accessed = found.accessed;
    }
    if let Err(failure) = subject.set_times(&times) {
        notes.push(format!("mtime not restored: {}", reason(failure)));
    } else if !disk.holds().modes {
        // A disk of another system: it rounds, which is said by nobody, and its calendar is short.
        let is_near = |found: i64| found.abs_diff(mtime.seconds) <= 2;
        if !subject.times().is_ok_and(|found| is_near(found.modified.seconds)) {
            notes.push(NO_SUCH_TIMES.to_owned());
        }
    } else if !(0..1 << 31).contains(&mtime.seconds) {
        // Every file system holds 1970 to 2038. Beyond what it holds it takes the nearest time
        // without a word.
        let is_kept = subject.times().is_ok_and(|found| found.modified.seconds == mtime.seconds);
        if !is_kept {
            notes.push(format!("mtime {} not restored: beyond the range of the file system", mtime.seconds));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setuid_is_kept_only_for_the_right_owner() {
        let metadata = Metadata { mode: 0o6755, ..Metadata::default() };
        assert_eq!(permitted_mode(&metadata, true, true, false), (0o6755, None));
        let (mode, note) = permitted_mode(&metadata, false, true, false);
        assert_eq!(mode, 0o755);
        assert!(note.unwrap().contains("owner"));
        let (mode, note) = permitted_mode(&metadata, true, false, false);
        assert_eq!((mode, note.is_some()), (0o755, true));
    }

    #[test]
    fn the_sticky_bit_needs_no_owner() {
        let metadata = Metadata { mode: 0o1777, ..Metadata::default() };
        assert_eq!(permitted_mode(&metadata, false, false, false), (0o1777, None));
    }
}
