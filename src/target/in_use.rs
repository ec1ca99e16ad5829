//! Whether another restore is at work somewhere: by locks, which end with whoever held them.
//!
//! A restore holds a shared lock on its destination for as long as it runs, and on the top of each mount
//! below it that it comes to, which another way may lead to. It is a lock of the open
//! folder, not of the process, so that it is asked for without being taken, and one's own does not count.
//! What lies in a folder may belong to a restore into that folder or into any above it.
//!
//! Where only a part of a file system is mounted, no way leads to the folders above that part. The kernel
//! lists all locks by file system and inode, whatever they were reached by, and ours can be told by their
//! range: there, any restore into that file system counts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::destination::Destination;
use super::folder::Folder;
use crate::platform::mount_list::MountList;
use crate::platform::range_lock::{Held, Range};
use crate::platform::{self, AsHandle, Handle, HandleRef, Identity, look, open};

/// The range that is locked, which nobody else locks by chance.
const LOCKED: Range = Range { from: 0x7374_7267, bytes: 109 };

/// Folders nest no deeper.
const DEPTH_MAX: usize = 65_536;

/// What is known of other restores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// None is at work.
    Free,
    /// One is.
    Busy,
    /// It cannot be told: a folder above cannot be opened, or other machines have the same files.
    Unknown,
}

/// The locks that a restore holds.
#[derive(Debug, Default)]
pub(super) struct Locks {
    held: Mutex<Vec<Locked>>,
}

/// A folder that is locked: the first one of its mount that this restore came to.
#[derive(Clone, Debug)]
struct Locked {
    identity: Identity,
    mount: Option<u64>,
    /// The handle that the lock belongs to: asked by it, the lock is none.
    handle: Arc<Handle>,
}

impl Locks {
    fn list(&self) -> MutexGuard<'_, Vec<Locked>> {
        // Each change is one call that leaves it whole.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the shared lock on an open folder that is the first of its mount. Where there are no such locks
    /// nobody can ask for one either.
    pub fn take_for_mount(&self, folder: HandleRef<'_>) {
        if let Some((identity, mount)) = look_at(folder) {
            self.take_for(folder, identity, mount);
        }
    }

    /// As [`Locks::take_for_mount`], of a folder that was looked at.
    pub fn take_for(&self, folder: HandleRef<'_>, identity: Identity, mount: Option<u64>) {
        let mut held = self.list();
        if held.iter().any(|locked| locked.mount == mount) {
            return;
        }
        if LOCKED.take_shared(folder)
            && let Ok(handle) = platform::duplicate(folder)
        {
            held.push(Locked { identity, mount, handle: Arc::new(handle) });
        }
    }

    fn find(&self, identity: Identity) -> Option<Arc<Handle>> {
        self.list().iter().find(|locked| locked.identity == identity).map(|locked| Arc::clone(&locked.handle))
    }
}

impl Destination {
    /// Whether another restore may be at work in `folder`, which lies in this destination. Whoever wants to
    /// remove what such a one left lists it first and asks then: what is begun later has other names.
    pub fn use_of(&self, folder: &Folder) -> Use {
        if folder.disk().is_shared() {
            return Use::Unknown;
        }
        self.look_upward(folder.as_handle()).unwrap_or(Use::Unknown)
    }

    fn look_upward(&self, folder: HandleRef<'_>) -> Option<Use> {
        let mut here = open::folder_in(folder, ".").ok()?;
        let (mut identity, mut mount) = look_at(&here)?;
        // The mounts on the way up, the one of the folder first.
        let mut mounts = vec![mount];
        for _ in 0..DEPTH_MAX {
            // By the handle that holds it one's own lock is none.
            let own = self.locks.as_ref().and_then(|locks| locks.find(identity));
            if LOCKED.is_held(own.as_ref().map_or(here.as_handle(), |own| own.as_handle()))? {
                return Some(Use::Busy);
            }
            let above = open::folder_in(&here, "..").ok()?;
            let (identity_above, mount_above) = look_at(&above)?;
            if identity_above == identity && mount_above == mount {
                return self.look_at_parts(&mounts);
            }
            if mount_above != mount {
                mounts.push(mount_above);
            }
            (here, identity, mount) = (above, identity_above, mount_above);
        }
        None
    }

    /// As nothing was found on the way up through `mounts`: looks whether a restore may be at work above
    /// what is mounted of a file system, where that is a part of it.
    fn look_at_parts(&self, mounts: &[Option<u64>]) -> Option<Use> {
        let list = MountList::read();
        let parts = mounts.iter().filter_map(|mount| list.part_of(*mount)).collect::<Vec<_>>();
        if parts.is_empty() {
            return Some(Use::Free);
        }
        let own = self.locks.as_ref().map(|locks| locks.list().clone()).unwrap_or_default();
        let is_own = |held: &Held| own.iter().any(|own| own.identity.inode == held.inode && list.file_system(own.mount).may_be(held.on));
        let is_above = |held: &Held| !is_own(held) && parts.iter().any(|part| part.may_be(held.on));
        let is_busy = LOCKED.all_held()?.iter().any(is_above);
        Some(if is_busy { Use::Busy } else { Use::Free })
    }
}

/// Which folder it is, and in which mount.
fn look_at(folder: impl AsHandle) -> Option<(Identity, Option<u64>)> {
    let (existing, mount) = look::closely(folder, b"").ok()?;
    Some((existing.identity, mount.id()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn a_restore_into_a_folder_or_one_above_it_is_noticed_and_ones_own_is_not() {
        let top = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(top.path().join("a/b")).unwrap();
        let open = |name: &str| Destination::open(top.path().join(name).as_os_str().as_bytes(), true).unwrap();
        let one = open("a");
        let folder = one.folder(b"b").unwrap();
        if one.use_of(&folder) == Use::Unknown {
            eprintln!("skipped: needs to open the folders above");
            return;
        }
        assert_eq!(one.use_of(&folder), Use::Free);
        for other in ["", "a", "a/b"] {
            let other = open(other);
            assert_eq!(one.use_of(&folder), Use::Busy);
            drop(other);
            assert_eq!(one.use_of(&folder), Use::Free);
        }
        let beside = open("c");
        let name = top.path().join("a").metadata().map(|stat| std::os::unix::fs::MetadataExt::ino(&stat)).unwrap();
        if let Some(held) = LOCKED.all_held() {
            assert!(held.iter().any(|held| held.inode == name), "{held:?}");
        }
        assert_eq!(one.use_of(&folder), Use::Free);
        assert_eq!(beside.use_of(&beside.folder(b"").unwrap()), Use::Free);
    }
}
