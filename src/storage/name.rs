//! What may be the name of an object or a folder, checked in one place for every storage.
//!
//! Names come from listings, manifests and the command line. Because only a small alphabet is
//! allowed and every part is checked, no name can lead out of the repository, and what one storage
//! accepts all others accept too.

use crate::error::{Error, ErrorKind, Result};

/// The lock that snapshots share and a sweep holds alone.
pub const LOCK: &str = "lock";
/// The lock that a prune holds alone for its whole life.
pub const PRUNE_LOCK: &str = "prune.lock";

/// Objects without a name yet begin with this; no listing shows them.
pub(super) const TEMPORARY_PREFIX: &str = ".tmp-";
/// Digits of a temporary name.
const TEMPORARY_DIGITS: usize = 16;

/// Whether a file is called like a temporary of this program: other programs have other names that begin so.
pub fn is_temporary(file: &str) -> bool {
    let digits = file.strip_prefix(TEMPORARY_PREFIX).unwrap_or_default();
    digits.len() == TEMPORARY_DIGITS && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}
/// A listing looks so many folders deep below where it starts; the layout of a repository needs one.
pub(super) const FOLDERS_DEEP_MAX: usize = 4;
/// No file system in use takes a longer part.
const PART_BYTES_MAX: usize = 255;
/// Well below what the kernel takes, with room for the folder in front.
const NAME_BYTES_MAX: usize = 1024;

/// True when one part of a name is made of the allowed characters and leads nowhere else.
pub(super) fn is_part(part: &[u8]) -> bool {
    !matches!(part, b"" | b"." | b"..")
        && part.len() <= PART_BYTES_MAX
        && part.iter().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-'))
}

/// True when a link of this name is followed to the folder that it leads to: folders of objects, called by the
/// first digits of theirs, may lie on another disk. Any other link leads to what is no object.
pub(super) fn may_be_linked(part: &str) -> bool {
    part.len() == 2 && part.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

/// True when this valid name is never listed: a temporary object or a lock file.
pub(super) fn is_hidden(name: &str) -> bool {
    name == LOCK || name == PRUNE_LOCK || name.split('/').any(|part| part.starts_with(TEMPORARY_PREFIX))
}

/// Checks the name of an object.
///
/// # Errors
/// `Invalid` when it is empty, has other characters, leads elsewhere, or is hidden from listings.
pub(super) fn check_object(name: &str) -> Result<()> {
    if is_path(name) && !is_hidden(name) { Ok(()) } else { Err(refuse("the name of an object", name)) }
}

/// Checks the name of a folder; the empty one is the top.
///
/// # Errors
/// `Invalid`, as for an object.
pub(super) fn check_folder(folder: &str) -> Result<()> {
    if folder.is_empty() || (is_path(folder) && !is_hidden(folder)) { Ok(()) } else { Err(refuse("the name of a folder", folder)) }
}

/// Checks the name of a lock.
///
/// # Errors
/// `Invalid` when it is not one of the two.
pub(super) fn check_lock(name: &str) -> Result<()> {
    if name == LOCK || name == PRUNE_LOCK { Ok(()) } else { Err(refuse("the name of a lock", name)) }
}

/// Checks that an upload of `area` may be published as `name`. Where a write has failed, some bytes
/// are missing and no name will do.
///
/// # Errors
/// `Invalid`.
pub(super) fn check_upload(area: &str, name: &str, has_failed: bool) -> Result<()> {
    check_object(name)?;
    if has_failed {
        return Err(Error::new(ErrorKind::Invalid, format!("`{name}` cannot be published: a write failed")));
    }
    let is_below = match area {
        "" => !name.contains('/'),
        area => name.strip_prefix(area).is_some_and(|rest| rest.starts_with('/')),
    };
    if is_below { Ok(()) } else { Err(Error::new(ErrorKind::Invalid, format!("`{name}` does not lie in the area `{area}`"))) }
}

/// The folder that a name lies in; empty for the top.
pub(super) fn parent(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// `name` below `folder`, where the empty folder is the top.
pub(super) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// A folder and all folders above it, highest first, without the top.
pub(super) fn ancestors(folder: &str) -> impl Iterator<Item = &str> {
    folder.match_indices('/').map(|(at, _)| at).chain((!folder.is_empty()).then_some(folder.len())).map(|end| &folder[..end])
}

fn is_path(name: &str) -> bool {
    name.len() <= NAME_BYTES_MAX && name.split('/').all(|part| is_part(part.as_bytes()))
}

fn refuse(what: &str, name: &str) -> Error {
    Error::new(ErrorKind::Invalid, format!("`{}` cannot be {what}", name.escape_debug()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in ["", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a b", "é", "a\0", "a\n", "*", "lost+found"] {
            assert!(check_object(name).is_err(), "{name:?}");
        }
        assert!(check_object(&"a".repeat(256)).is_err());
        assert!(check_object(&"a/".repeat(600)).is_err());
        for name in ["a", "repository.json", "packs/3f/3fab", "..a", "A-Z_09.", "keys/lock"] {
            check_object(name).unwrap();
        }
    }

    #[test]
    fn what_no_listing_shows_cannot_be_an_object() {
        for name in ["lock", "prune.lock", ".tmp-1", "packs/.tmp-1"] {
            assert!(check_object(name).is_err(), "{name:?}");
        }
        assert!(check_lock("other.lock").is_err());
    }

    #[test]
    fn ancestors_come_highest_first() {
        assert_eq!(ancestors("a/b/c").collect::<Vec<_>>(), ["a", "a/b", "a/b/c"]);
        assert_eq!(ancestors("").count(), 0);
        assert_eq!((parent("a/b"), parent("a"), join("", "a"), join("a", "b")), ("a", "", "a".into(), "a/b".into()));
    }
}
