//! How a repository is known by what lies in a folder, and what such a folder takes from a restore.
//!
//! It may be damaged or copied in part, and a mount or a link may show one of its folders alone. A backup is
//! no file that is too many, and the names in one are given by its content: nothing that is put there comes
//! from a user.

use super::folders::split_last;
use super::outcome::Count;
use super::task::Task;
use crate::error::Result;
use crate::id::{PackId, SlotId};
use crate::pack::OBJECT_MAGIC;
use crate::platform::listing::names_in;
use crate::platform::{AsHandle, Failure, HandleRef, content, look, open};
use crate::progress::FindingKind;
use crate::repository::{DESCRIPTION, INDEX, KEYS, PACKS, RECORDS, SLOT_MAGIC, SNAPSHOTS};
use crate::target::{Destination, Folder};

/// Why an entry in a repository is left.
pub(super) const IN_REPOSITORY: &str = "left as it is: a repository is here, and nothing is restored into one";

/// What a folder of the destination takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Takes {
    /// Whatever is asked for.
    #[default]
    All,
    /// Only what is missing: it is of a repository that a killed restore has begun, or this one makes.
    Missing,
    /// Nothing: it is of a repository that is there.
    Nothing,
}

impl Takes {
    /// What `folder` takes, by what the folder around it does; `is_new` when this restore makes it, or an
    /// earlier one did not finish it, `names` what it had before.
    pub fn of(folder: &Folder, around: Self, is_new: bool, names: &[Vec<u8>]) -> Self {
        if around == Self::All && (names.is_empty() || !(holds_repository(folder.as_handle()) || holds_objects(folder.as_handle(), names)))
        {
            Self::All
        } else if is_new && around != Self::Nothing {
            Self::Missing
        } else {
            Self::Nothing
        }
    }

    /// Whether the folder `relative` would change a repository that is there, which is told, by what the folder
    /// around it takes.
    ///
    /// # Errors
    /// What ends the restore; anything else is reported.
    pub fn refuses(self, task: &Task<'_>, destination: &Destination, relative: &[u8]) -> Result<bool> {
        if self == Self::All {
            return Ok(false);
        }
        let (above, name) = split_last(relative);
        match destination.folder(above).and_then(|within| self.refuses_folder(&within, name)) {
            Ok(false) => return Ok(false),
            Ok(true) => {
                task.tally.add(Count::Left);
                task.report(FindingKind::LeftAsIs, relative, IN_REPOSITORY);
            }
            Err(error) => task.fail_entry(relative, error)?,
        }
        Ok(true)
    }

    /// Whether a folder cannot be had under `name` in `within`: something else would have to go, or it would
    /// have to be made where nothing is.
    ///
    /// # Errors
    /// Those of looking.
    pub fn refuses_folder(self, within: &Folder, name: &[u8]) -> Result<bool> {
        if self == Self::All {
            return Ok(false);
        }
        Ok(within.stat(name)?.map_or(self == Self::Nothing, |existing| !existing.is_directory()))
    }
}

/// Whether the folder is a repository, or one of the folders in it.
pub(super) fn is_of_repository(folder: HandleRef<'_>) -> bool {
    holds_repository(folder) || holds_objects(folder, &names_in(folder).unwrap_or_default())
}

/// Whether the folder holds a repository, perhaps a damaged one, or the part of one that was copied so far.
pub(super) fn holds_repository(folder: HandleRef<'_>) -> bool {
    let is_there = |name: &&str| look::at_entry(folder, name).is_ok();
    let others: Vec<&str> = [SNAPSHOTS, INDEX, RECORDS, KEYS].into_iter().filter(is_there).collect();
    match (is_there(&PACKS), is_there(&DESCRIPTION)) {
        (true, true) => true,
        (false, false) => others.into_iter().any(|name| holds_objects_in(folder, name)),
        // One of the two is lost, and perhaps more.
        (has_packs, _) => {
            others.len() >= 2
                || has_packs && holds_objects_in(folder, PACKS)
                || others.into_iter().any(|name| holds_objects_in(folder, name))
        }
    }
}

/// As [`holds_objects`], of the folder `name`, or what a link of that name leads to.
fn holds_objects_in(folder: HandleRef<'_>, name: &str) -> bool {
    open::place_in(folder, name).is_ok_and(|within| {
        let names = names_in(within.as_handle()).unwrap_or_default();
        holds_objects(within.as_handle(), &names)
    })
}

/// Whether objects of a repository lie in the folder, which has these `names`: files that are named by an id and
/// begin as they do, or folders of such as `packs` has.
fn holds_objects(folder: HandleRef<'_>, names: &[Vec<u8>]) -> bool {
    let is_pack_folder = |name: &&Vec<u8>| name.len() == 2 && name.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    has_object_among(folder, names.iter())
        || names.iter().filter(is_pack_folder).any(|name| {
            let Ok(within) = open::folder_in(folder, name) else { return false };
            let packs = names_in(within.as_handle()).unwrap_or_default();
            has_object_among(within.as_handle(), packs.iter().filter(|pack| pack.starts_with(name)))
        })
}

fn has_object_among<'n>(folder: HandleRef<'_>, names: impl Iterator<Item = &'n Vec<u8>>) -> bool {
    let is_id = |name: &str| PackId::parse(name).is_ok() || SlotId::parse(name).is_ok();
    names.filter(|name| std::str::from_utf8(name).is_ok_and(is_id)).any(|name| is_object(folder, name))
}

/// Whether the file begins as an object or a key slot does. One that cannot be read may do so.
fn is_object(folder: HandleRef<'_>, name: &[u8]) -> bool {
    let mut head = [0; OBJECT_MAGIC.len()];
    match open::file_itself(folder, name).and_then(|file| content::read_at(&file, &mut head, 0)) {
        Ok(count) => count == head.len() && (head == *OBJECT_MAGIC || head == *SLOT_MAGIC),
        // Of what is no file nothing can be read in this way.
        Err(failure) => matches!(failure, Failure::DENIED | Failure::NOT_PERMITTED | Failure::DISK),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn put(top: &Path, name: &str, head: &[u8]) {
        let path = top.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, head).unwrap();
    }

    fn is_known(top: &Path) -> (bool, bool) {
        let handle = fs::File::open(top).unwrap();
        (holds_repository(handle.as_handle()), is_of_repository(handle.as_handle()))
    }

    #[test]
    fn one_object_in_its_folder_tells_a_repository_whatever_else_is_lost() {
        let id = "ab".repeat(32);
        for (name, head) in [
            (format!("packs/ab/{id}"), OBJECT_MAGIC),
            (format!("index/{id}"), OBJECT_MAGIC),
            (format!("snapshots/{id}"), OBJECT_MAGIC),
            (format!("records/{id}"), OBJECT_MAGIC),
            (format!("keys/{id}"), SLOT_MAGIC),
        ] {
            let top = tempfile::tempdir().unwrap();
            put(top.path(), &name, head);
            assert_eq!(is_known(top.path()), (true, true), "{name}");
            let alone = top.path().join(name.split('/').next().unwrap());
            assert_eq!(is_known(&alone), (false, true), "{name} alone");
        }
        let link = tempfile::tempdir().unwrap();
        put(link.path(), &format!("elsewhere/ab/{id}"), OBJECT_MAGIC);
        std::os::unix::fs::symlink("elsewhere", link.path().join("packs")).unwrap();
        assert_eq!(is_known(link.path()), (true, true));
    }

    #[test]
    fn what_has_only_the_names_is_no_repository() {
        let (top, id) = (tempfile::tempdir().unwrap(), "ab".repeat(32));
        for name in [format!("packs/ab/{id}"), format!("snapshots/{id}"), format!("ab/{id}"), id.clone()] {
            put(top.path(), &name, b"anything");
        }
        fs::remove_dir_all(top.path().join("snapshots")).unwrap();
        assert_eq!(is_known(top.path()), (false, false));
        put(top.path(), &format!("cd/{id}"), OBJECT_MAGIC);
        assert_eq!(is_known(top.path()), (false, false), "a pack lies in the folder of its first digits");
    }
}
