//! Tells what an init that died half-way has left from everything else in a folder.
//!
//! Leftovers are set aside, so nothing may be taken for one by its name alone: other programs have folders
//! called `keys` and `packs` too. What counts has a name of ours, in its folder, and begins with our magic.

use super::keys;
use super::layout;
use super::reserve::{RESERVE, RESERVE_BYTES_MIN};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{PackId, RecordId, SegmentId, SlotId, SnapshotId};
use crate::pack;
use crate::storage::{Found, LOCK, PRUNE_LOCK, Storage, is_temporary};
use crate::units::PathText;

/// What a thing in the folder of a new repository is.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    /// An init may have left it.
    Leftover,
    /// Part of a repository; it lies in this folder.
    Part(&'static str),
    /// `repository.json`.
    Description,
    /// Not ours.
    Stranger,
}

/// Passes what an init that died may have left at `location`, for [`crate::storage::look_at_all`].
///
/// # Errors
/// `Exists` for a part of a repository; `Invalid` for anything else: the folder is not empty.
pub fn judge_leftover(location: &str, name: &[u8], found: &Found) -> Result<()> {
    let meaning = std::str::from_utf8(name).map_or(Meaning::Stranger, |name| meaning(name, found));
    match meaning {
        Meaning::Leftover => Ok(()),
        Meaning::Part(folder) => {
            let message = format!("{location} holds {folder} of a repository whose {} is missing", layout::DESCRIPTION);
            Err(Error::new(ErrorKind::Exists, message).with_hint(layout::DESCRIPTION_HINT))
        }
        Meaning::Description => Err(is_there(location)),
        Meaning::Stranger => {
            let message = format!(
                "the folder {location} is not empty: \"{}\" is there; give the repository a folder of its own, such as one below this",
                PathText(name)
            );
            Err(Error::new(ErrorKind::Invalid, message))
        }
    }
}

/// The error for a location that has a repository already.
pub(super) fn is_there(location: &str) -> Error {
    Error::new(ErrorKind::Exists, format!("there is a repository at {location} already"))
}

fn meaning(name: &str, found: &Found) -> Meaning {
    match found {
        Found::Folder if is_our_folder(name) => Meaning::Leftover,
        Found::File { bytes, head } => meaning_of_file(name, *bytes, head),
        _ => Meaning::Stranger,
    }
}

fn is_our_folder(name: &str) -> bool {
    let name = name.strip_prefix(layout::DAMAGED).and_then(|rest| rest.strip_prefix('/')).unwrap_or(name);
    [layout::PACKS, layout::INDEX, layout::SNAPSHOTS, layout::RECORDS, layout::KEYS, layout::DAMAGED].contains(&name)
        || (0..=u8::MAX).any(|first| layout::pack_folder(first) == name)
}

/// Whether an init set this aside: it stays where it is.
fn is_set_aside(name: &str) -> bool {
    name.strip_prefix(layout::DAMAGED).is_some_and(|rest| rest.starts_with('/'))
}

fn meaning_of_file(name: &str, bytes: u64, head: &[u8]) -> Meaning {
    if is_set_aside(name) {
        // Under the whole name that it had, and a second one with a number.
        let name = name[layout::DAMAGED.len() + 1..].split('.').next().unwrap_or_default();
        let is_small = [layout::KEYS, layout::RECORDS].iter().any(|folder| name.split_once('/').is_some_and(|(first, _)| first == *folder));
        return if is_small { meaning_of_file(name, bytes, head) } else { Meaning::Stranger };
    }
    let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
    let is_sealed = head == pack::OBJECT_MAGIC;
    let or_stranger = |is_ours: bool, meaning| if is_ours { meaning } else { Meaning::Stranger };
    match folder {
        "" if file == layout::DESCRIPTION => Meaning::Description,
        "" if file == LOCK || file == PRUNE_LOCK => or_stranger(bytes == 0, Meaning::Leftover),
        // It has no magic; whether the objects are there that an init makes before it is looked at later.
        "" if file == RESERVE => or_stranger(bytes == RESERVE_BYTES_MIN, Meaning::Leftover),
        // An init writes in these folders only, and what has no name yet may have no magic yet.
        "" | layout::KEYS | layout::RECORDS if is_temporary(file) => Meaning::Leftover,
        layout::KEYS => or_stranger(head == keys::MAGIC && SlotId::parse(file).is_ok(), Meaning::Leftover),
        layout::RECORDS => or_stranger(is_sealed && RecordId::parse(file).is_ok(), Meaning::Leftover),
        layout::INDEX => or_stranger((is_sealed && SegmentId::parse(file).is_ok()) || is_temporary(file), Meaning::Part(layout::INDEX)),
        layout::SNAPSHOTS => or_stranger(is_sealed && SnapshotId::parse(file).is_ok(), Meaning::Part(layout::SNAPSHOTS)),
        layout::PACKS => or_stranger(is_temporary(file), Meaning::Part(layout::PACKS)),
        _ => {
            let is_pack = is_sealed && PackId::parse(file).is_ok_and(|id| layout::pack_name(&id) == name);
            or_stranger(is_pack, Meaning::Part(layout::PACKS))
        }
    }
}

/// The objects in `storage` that an init has left, when there is nothing else. The caller holds the
/// locks.
///
/// # Errors
/// As [`judge_leftover`]; those of the storage.
pub(super) fn find_leftovers(storage: &dyn Storage) -> Result<Vec<String>> {
    let (location, mut leftovers, mut reserve) = (storage.location(), Vec::new(), None);
    for listed in storage.list("")? {
        let mut head = vec![0; usize::try_from(listed.bytes).map_or(keys::MAGIC.len(), |bytes| bytes.min(keys::MAGIC.len()))];
        let found = match storage.read_range(&listed.name, 0, &mut head) {
            Ok(()) => Found::File { bytes: listed.bytes, head },
            Err(error) if error.is_damage() => Found::Other,
            Err(error) => return Err(error),
        };
        judge_leftover(&location, listed.name.as_bytes(), &found)?;
        if listed.name == RESERVE {
            reserve = Some(found);
        } else if !is_set_aside(&listed.name) {
            leftovers.push(listed.name);
        }
    }
    match reserve {
        // Without the records that an init makes first, it is not the reserve of one.
        Some(_) if leftovers.is_empty() => judge_leftover(&location, RESERVE.as_bytes(), &Found::Other)?,
        _ => {}
    }
    Ok(leftovers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, bytes: u64, head: &[u8]) -> Meaning {
        meaning(name, &Found::File { bytes, head: head.to_vec() })
    }

    #[test]
    fn only_our_names_with_our_magic_in_our_folders_are_leftovers() {
        let id = "0123456789abcdef".repeat(4);
        for (name, head) in [
            (format!("keys/{id}"), keys::MAGIC),
            (format!("records/{id}"), pack::OBJECT_MAGIC),
            (format!("damaged/keys/{id}"), keys::MAGIC),
            (format!("damaged/records/{id}.2"), pack::OBJECT_MAGIC),
            ("keys/.tmp-0123456789abcdef".to_owned(), b"STRONGRK"),
        ] {
            assert_eq!(file(&name, 100, head), Meaning::Leftover, "{name}");
        }
        for (name, head) in [
            (format!("keys/{id}"), &b"{\"hmac\":"[..]),
            (format!("keys/{id}"), b""),
            (format!("keys/{id}.bak"), keys::MAGIC),
            (format!("keys/{}", id.to_uppercase()), keys::MAGIC),
            (format!("keys/sub/{id}"), keys::MAGIC),
            (format!("records/{id}"), keys::MAGIC),
            (id.clone(), keys::MAGIC),
            (format!("damaged/keys/{id}"), pack::OBJECT_MAGIC),
            (format!("damaged/snapshots/{id}"), pack::OBJECT_MAGIC),
            (format!("packs/00/{id}"), pack::OBJECT_MAGIC),
            ("keys/.tmp-x".to_owned(), keys::MAGIC),
            ("snapshots/.tmp-0123456789abcdef".to_owned(), b""),
        ] {
            assert_eq!(file(&name, 100, head), Meaning::Stranger, "{name}");
        }
        assert_eq!(file(&format!("packs/01/{id}"), 100, pack::OBJECT_MAGIC), Meaning::Part("packs"));
        assert_eq!((file("lock", 0, b""), file("lock", 5, b"12345")), (Meaning::Leftover, Meaning::Stranger));
        assert_eq!(file("reserve", 100, b""), Meaning::Stranger);
        for (folder, expected) in [
            ("packs/0a", Meaning::Leftover),
            ("packs/0A", Meaning::Stranger),
            ("damaged", Meaning::Leftover),
            ("damaged/mine", Meaning::Stranger),
        ] {
            assert_eq!(meaning(folder, &Found::Folder), expected, "{folder}");
        }
        assert_eq!(meaning("keys", &Found::Other), Meaning::Stranger, "a link may lead to the keys of somebody else");
    }
}
