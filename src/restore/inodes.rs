//! Which files of the destination have several names, and whether those are the names that the snapshot
//! has of them.
//!
//! What is set on one name is set on all, also on those that nobody asked for: in another place, or of
//! another file of the snapshot. So nothing is set on an inode that has, or had, names beside the one that
//! was looked at: a file of its own takes the name, and the other names keep what they have.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::links::Role;
use crate::target::{Existing, Identity};

/// What is known of an inode with several names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Met {
    /// One of its names was looked at, and does not stay.
    Seen,
    /// It stays: as a name of the file that had this inode number in the snapshot, or as one that had one name
    /// there. Names of one file in two sources are no links there, and still the same file.
    Stays(Option<u64>),
}

/// The inodes with several names that were met. Grows with those, not with files.
#[derive(Debug, Default)]
pub(super) struct Inodes {
    met: Mutex<HashMap<Identity, Met>>,
}

impl Inodes {
    fn lock(&self) -> MutexGuard<'_, HashMap<Identity, Met>> {
        // Each change is one call that leaves the map whole.
        self.met.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether what is set on the entry would be set on another name as well. One that had several when it
    /// was first met counts, although this restore may have replaced them since: a dry run replaces none.
    pub fn is_shared(&self, existing: &Existing) -> bool {
        let mut met = self.lock();
        if existing.links > 1 {
            met.entry(existing.identity).or_insert(Met::Seen);
        }
        met.contains_key(&existing.identity)
    }

    /// Whether the entry is one file with another that stays, and that the snapshot does not have as a
    /// name of the same file.
    pub fn is_of_another(&self, existing: &Existing, role: Role) -> bool {
        match self.lock().get(&existing.identity) {
            Some(Met::Stays(saved)) => saved.is_none() || *saved != saved_inode(role),
            Some(Met::Seen) | None => false,
        }
    }

    /// The entry stays.
    pub fn stays(&self, existing: &Existing, role: Role) {
        if existing.links > 1 {
            self.lock().insert(existing.identity, Met::Stays(saved_inode(role)));
        }
    }
}

/// The inode number in the snapshot, of what has several names there.
fn saved_inode(role: Role) -> Option<u64> {
    match role {
        Role::Alone => None,
        Role::First(key) | Role::Later(key) => Some(key.inode),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::EntryType;
    use crate::units::Timestamp;

    fn existing(inode: u64, links: u64) -> Existing {
        let identity = Identity { device: 1, inode };
        let mtime = Timestamp::new(0, 0);
        Existing { entry_type: EntryType::File, identity, bytes: 0, mtime, mode: 0o644, uid: 0, gid: 0, links }
    }

    #[test]
    fn an_inode_that_had_several_names_is_shared_until_the_end() {
        let inodes = Inodes::default();
        assert!(!inodes.is_shared(&existing(1, 1)));
        assert!(inodes.is_shared(&existing(1, 2)) && inodes.is_shared(&existing(1, 1)));
    }

    #[test]
    fn only_names_of_one_inode_may_be_one_file() {
        let (inodes, links) = (Inodes::default(), super::super::links::Links::default());
        let role = |root, inode| {
            let metadata = crate::manifest::Metadata { inode, links: 2, ..Default::default() };
            let (name, content, extensions) = (b"a".to_vec(), crate::manifest::Content::Fifo, crate::wire::Extensions::none());
            links.join(root, &crate::manifest::Node { name, metadata, content, flags: 0, extensions })
        };
        let (one, other) = (existing(1, 2), existing(2, 2));
        inodes.stays(&one, role(0, 7));
        assert!(!inodes.is_of_another(&one, role(0, 7)));
        assert!(!inodes.is_of_another(&one, role(1, 7)), "a name in another source");
        assert!(inodes.is_of_another(&one, role(0, 8)) && inodes.is_of_another(&one, Role::Alone));
        inodes.stays(&other, Role::Alone);
        assert!(inodes.is_of_another(&other, Role::Alone));
    }
}
