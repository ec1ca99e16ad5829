//! Which names are of one file, and how many of them are still to come.

use std::collections::HashMap;
use std::sync::Arc;

use crate::target::Identity;
use crate::units::Timestamp;

/// Of entries that are alike but for what a further name changes, at most so many groups are looked at.
pub(super) const GROUPS_LOOKED_AT: usize = 16;

/// Names of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::restore) struct LinkKey {
    /// Which file: inode numbers are given twice.
    pub number: u64,
    /// The inode number in the snapshot.
    pub inode: u64,
}

/// What names of one file have in common: the source, the inode, and a digest of content and metadata.
pub(super) type Likeness = (usize, u64, [u8; 32]);

pub(super) struct Group {
    pub likeness: Likeness,
    /// What a further name that is made or removed during a run changes.
    pub changed: (Timestamp, u32),
    /// Names that may still join.
    pub names_to_join: u32,
    /// Names that are still to be made, without the first.
    pub names_left: u32,
    /// False when its first was not restored, until another name takes its part.
    pub has_first: bool,
    /// Where the first is, once it is complete.
    pub placed: Option<Placed>,
}

/// The files with several names.
#[derive(Default)]
pub(super) struct Groups {
    pub by_key: HashMap<LinkKey, Group>,
    pub alike: HashMap<Likeness, Vec<LinkKey>>,
    pub count: u64,
}

impl Groups {
    pub fn remove(&mut self, key: LinkKey) {
        let Some(group) = self.by_key.remove(&key) else { return };
        if let Some(keys) = self.alike.get_mut(&group.likeness) {
            keys.retain(|other| *other != key);
            if keys.is_empty() {
                self.alike.remove(&group.likeness);
            }
        }
    }

    /// One more of the further names is dealt with.
    pub fn settle_one(&mut self, key: LinkKey) {
        let Some(group) = self.by_key.get_mut(&key) else { return };
        group.names_left = group.names_left.saturating_sub(1);
        if group.names_left == 0 {
            self.remove(key);
        }
    }
}

#[derive(Clone)]
pub(super) struct Placed {
    pub folder: Arc<[u8]>,
    pub name: Vec<u8>,
    pub identity: Identity,
}
