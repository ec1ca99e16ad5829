//! What may have happened to the objects of a repository.

use std::sync::OnceLock;

use strongroom::storage::{MemoryStorage, Storage};

use super::bench::Bench;

/// What happened to one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    Deleted,
    Emptied,
    Truncated,
    /// A bit flipped, so many quarters of its length from the beginning.
    Flipped(usize),
    /// Another of its kind, written before it, lies under its name.
    Older,
    /// It is `repository.json`, and another repository's lies there, with the key slots of that one.
    Foreign,
    /// The same, and all other objects of that repository lie among ours.
    Merged,
    /// All objects of another repository but `repository.json` lie among ours.
    Joined,
}

impl Harm {
    /// Whether objects of another repository lie among ours.
    fn brings(self, name: &str) -> bool {
        let (is_description, is_slot) = (name == "repository.json", name.starts_with("keys/"));
        match self {
            Self::Foreign => is_description || is_slot,
            Self::Merged => true,
            Self::Joined => !is_description,
            _ => false,
        }
    }
}

/// Another repository, which the same key opens.
fn other() -> &'static MemoryStorage {
    static OTHER: OnceLock<MemoryStorage> = OnceLock::new();
    OTHER.get_or_init(|| Bench::new(2, true).disk)
}

/// The objects of another repository that a harm brings, with their bytes.
pub fn brought(damage: &Damage) -> Vec<(String, Vec<u8>)> {
    let is_brought = |name: &str| damage.iter().any(|(_, harm)| harm.brings(name));
    let names = other().list("").unwrap().into_iter().map(|listed| listed.name).filter(|name| name != "reserve" && is_brought(name));
    names.map(|name| (name.clone(), other().read(&name, u64::MAX).unwrap())).collect()
}

pub const ALL: [Harm; 8] =
    [Harm::Deleted, Harm::Emptied, Harm::Truncated, Harm::Flipped(0), Harm::Flipped(1), Harm::Flipped(3), Harm::Flipped(4), Harm::Older];

/// Objects that were harmed, each in its way; none for a whole repository.
pub type Damage = Vec<(String, Harm)>;

/// Gives an object these bytes, durably, whatever was there.
pub fn put(disk: &MemoryStorage, name: &str, bytes: &[u8]) {
    let _ = disk.remove(name);
    let area = name.split_once('/').map_or("", |(area, _)| area);
    let mut upload = disk.create(area).unwrap();
    upload.write(bytes).unwrap();
    upload.publish(name).unwrap();
    disk.sync(&[name.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned()]).unwrap();
}

/// A copy of the disk with this damage.
pub fn damaged(disk: &MemoryStorage, damage: &Damage) -> MemoryStorage {
    let copy = disk.image();
    for (name, harm) in damage {
        let mut bytes = disk.read(name, u64::MAX).unwrap();
        match harm {
            Harm::Deleted => {
                copy.remove(name).unwrap();
                continue;
            }
            Harm::Emptied => bytes.clear(),
            Harm::Truncated => bytes.truncate(bytes.len() / 2),
            Harm::Flipped(quarters) => {
                let at = (bytes.len() * quarters / 4).min(bytes.len() - 1);
                bytes[at] ^= 0x10;
            }
            Harm::Older => {
                let folder = name.split_once('/').map_or("", |(folder, _)| folder);
                let others = disk.list(folder).unwrap();
                let Some(other) = others.iter().find(|other| other.name != *name && !folder.is_empty()) else { continue };
                bytes = disk.read(&other.name, u64::MAX).unwrap();
            }
            Harm::Foreign | Harm::Merged | Harm::Joined => continue,
        }
        put(&copy, name, &bytes);
    }
    for (name, bytes) in brought(damage) {
        put(&copy, &name, &bytes);
    }
    copy
}

/// Everything that can happen to one object, and nothing.
pub fn of_one(disk: &MemoryStorage) -> Vec<Damage> {
    let names = disk.list("").unwrap().into_iter().map(|listed| listed.name).filter(|name| name != "reserve");
    let harmed = names.flat_map(|name| ALL.map(|harm| vec![(name.clone(), harm)]));
    std::iter::once(Damage::new()).chain(harmed).collect()
}

/// What can happen to two or more at once: a pack with each segment, two packs, two segments, all
/// objects of a kind, the description and another object; and another repository's objects among ours.
pub fn of_several(disk: &MemoryStorage) -> Vec<Damage> {
    let names = |folder: &str| disk.list(folder).unwrap().into_iter().map(|listed| listed.name).collect::<Vec<_>>();
    let (packs, segments) = (names("packs"), names("index"));
    let mut all: Vec<Damage> = [Harm::Foreign, Harm::Merged, Harm::Joined].map(|harm| vec![("repository.json".to_owned(), harm)]).into();
    for pack in &packs {
        for segment in &segments {
            for harms in [[Harm::Deleted; 2], [Harm::Truncated, Harm::Flipped(1)], [Harm::Flipped(1), Harm::Deleted]] {
                all.push(vec![(pack.clone(), harms[0]), (segment.clone(), harms[1])]);
            }
        }
    }
    for (at, first) in segments.iter().enumerate() {
        for second in &segments[at + 1..] {
            for harms in [[Harm::Deleted; 2], [Harm::Flipped(1); 2], [Harm::Deleted, Harm::Truncated]] {
                all.push(vec![(first.clone(), harms[0]), (second.clone(), harms[1])]);
            }
        }
    }
    for (at, first) in packs.iter().enumerate() {
        for second in &packs[at + 1..] {
            all.push(vec![(first.clone(), Harm::Deleted), (second.clone(), Harm::Flipped(2))]);
        }
    }
    for folder in ["index", "records", "keys", "packs", "snapshots"] {
        all.extend(
            [Harm::Deleted, Harm::Emptied, Harm::Flipped(1)].map(|harm| names(folder).into_iter().map(|name| (name, harm)).collect()),
        );
    }
    for other in ["packs", "index", "records", "keys"].iter().flat_map(|folder| names(folder)) {
        all.push(vec![("repository.json".to_owned(), Harm::Deleted), (other, Harm::Deleted)]);
    }
    all
}
