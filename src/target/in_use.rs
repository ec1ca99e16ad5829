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

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;

use super::destination::Destination;
use super::existing::Identity;
use super::folder::Folder;
use super::mount::look;
use super::mount_list::{FileSystem, MountList};

/// The range that is locked, which nobody else locks by chance.
const LOCKED_FROM: u32 = 0x7374_7267;
const LOCKED_BYTES: u32 = 109;

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
    handle: Arc<OwnedFd>,
}

impl Locks {
    fn list(&self) -> MutexGuard<'_, Vec<Locked>> {
        // Each change is one call that leaves it whole.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the shared lock on an open folder that is the first of its mount. Where there are no such locks
    /// nobody can ask for one either.
    pub fn take_for_mount(&self, folder: BorrowedFd<'_>) {
        if let Some((identity, mount)) = look_at(folder) {
            self.take_for(folder, identity, mount);
        }
    }

    /// As [`Locks::take_for_mount`], of a folder that was looked at.
    pub fn take_for(&self, folder: BorrowedFd<'_>, identity: Identity, mount: Option<u64>) {
        let mut held = self.list();
        if held.iter().any(|locked| locked.mount == mount) {
            return;
        }
        if fcntl(folder, FcntlArg::F_OFD_SETLK(&range(libc::F_RDLCK))).is_ok()
            && let Ok(handle) = rustix::io::fcntl_dupfd_cloexec(folder, 0)
        {
            held.push(Locked { identity, mount, handle: Arc::new(handle) });
        }
    }

    fn find(&self, identity: Identity) -> Option<Arc<OwnedFd>> {
        self.list().iter().find(|locked| locked.identity == identity).map(|locked| Arc::clone(&locked.handle))
    }
}

fn range(kind: i32) -> libc::flock {
    libc::flock { l_type: kind as _, l_whence: libc::SEEK_SET as _, l_start: LOCKED_FROM.into(), l_len: LOCKED_BYTES.into(), l_pid: 0 }
}

/// Whether somebody else holds the lock.
fn is_locked(folder: BorrowedFd<'_>) -> Option<bool> {
    let mut wanted = range(libc::F_WRLCK);
    fcntl(folder, FcntlArg::F_OFD_GETLK(&mut wanted)).ok()?;
    Some(i32::from(wanted.l_type) != libc::F_UNLCK)
}

impl Destination {
    /// Whether another restore may be at work in `folder`, which lies in this destination. Whoever wants to
    /// remove what such a one left lists it first and asks then: what is begun later has other names.
    pub fn use_of(&self, folder: &Folder) -> Use {
        if folder.disk().is_shared() {
            return Use::Unknown;
        }
        self.look_upward(folder.as_fd()).unwrap_or(Use::Unknown)
    }

    fn look_upward(&self, folder: BorrowedFd<'_>) -> Option<Use> {
        let mut here = open(folder, c".")?;
        let (mut identity, mut mount) = look_at(&here)?;
        // The mounts on the way up, the one of the folder first.
        let mut mounts = vec![mount];
        for _ in 0..DEPTH_MAX {
            // By the handle that holds it one's own lock is none.
            let own = self.locks.as_ref().and_then(|locks| locks.find(identity));
            if is_locked(own.as_ref().map_or(here.as_fd(), |own| own.as_fd()))? {
                return Some(Use::Busy);
            }
            let above = open(here.as_fd(), c"..")?;
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
        let is_busy = held_by_restores(&std::fs::read_to_string("/proc/locks").ok()?).iter().any(is_above);
        Some(if is_busy { Use::Busy } else { Use::Free })
    }
}

/// A lock of a restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    inode: u64,
    on: FileSystem,
}

/// Those locks of the kernel's list that restores hold.
fn held_by_restores(list: &str) -> Vec<Held> {
    let (first, last) = (LOCKED_FROM.to_string(), (LOCKED_FROM + LOCKED_BYTES - 1).to_string());
    let of_line = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, "OFDLCK", _, _, _, place, begin, end] = fields.as_slice() else { return None };
        let (device, inode) = place.rsplit_once(':')?;
        let (major, minor) = device.split_once(':')?;
        let number = |digits| u32::from_str_radix(digits, 16).ok();
        let held = Held { inode: inode.parse().ok()?, on: FileSystem::new(number(major)?, number(minor)?) };
        (*begin == first && *end == last).then_some(held)
    };
    list.lines().filter_map(of_line).collect()
}

/// Which folder it is, and in which mount.
fn look_at(folder: impl AsFd) -> Option<(Identity, Option<u64>)> {
    let (existing, mount) = look(folder.as_fd(), b"").ok()?;
    Some((existing.identity, mount.id()))
}

fn open(folder: BorrowedFd<'_>, name: &std::ffi::CStr) -> Option<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    loop {
        match openat(folder, name, flags, Mode::empty()) {
            Err(Errno::INTR) => {}
            other => return other.ok(),
        }
    }
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
        if let Ok(list) = std::fs::read_to_string("/proc/locks") {
            assert!(held_by_restores(&list).iter().any(|held| held.inode == name), "{list}");
        }
        assert_eq!(one.use_of(&folder), Use::Free);
        assert_eq!(beside.use_of(&beside.folder(b"").unwrap()), Use::Free);
    }

    #[test]
    fn only_locks_of_restores_are_found_in_the_list_of_the_kernel() {
        let list = "1: OFDLCK ADVISORY  READ -1 08:1f:77 1937011303 1937011411\n\
                    1: -> OFDLCK ADVISORY  READ -1 08:01:78 1937011303 1937011411\n\
                    2: OFDLCK ADVISORY  READ -1 08:01:79 100 101\n\
                    3: POSIX  ADVISORY  WRITE 9 08:01:80 1937011303 1937011411\n\
                    4: FLOCK  ADVISORY  WRITE 9 08:01:81 0 EOF\n garbage";
        assert_eq!(held_by_restores(list), [Held { inode: 77, on: FileSystem::new(8, 31) }]);
    }
}
