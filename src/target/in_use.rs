//! Whether another restore is at work somewhere: by locks, which end with whoever held them.
//!
//! A restore holds a shared lock on its destination for as long as it runs. It is a lock of the open
//! folder, not of the process, so that it is asked for without being taken, and one's own does not count.
//! What lies in a folder may belong to a restore into that folder or into any above it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use rustix::fs::{Mode, OFlags, fstat, openat};
use rustix::io::Errno;

use super::destination::Destination;
use super::existing::Identity;
use super::folder::Folder;

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

/// Takes the shared lock. Where there are no such locks nobody can ask for one either.
pub(super) fn lock(folder: BorrowedFd<'_>) {
    let _ = fcntl(folder, FcntlArg::F_OFD_SETLK(&whole(libc::F_RDLCK)));
}

fn whole(kind: i32) -> libc::flock {
    libc::flock { l_type: kind as _, l_whence: libc::SEEK_SET as _, l_start: 0, l_len: 0, l_pid: 0 }
}

/// Whether somebody else holds the lock.
fn is_locked(folder: BorrowedFd<'_>) -> Option<bool> {
    let mut wanted = whole(libc::F_WRLCK);
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
        let own = Identity::of(&fstat(self.as_fd()).ok()?);
        let mut here = open(folder, c".")?;
        let mut identity = Identity::of(&fstat(&here).ok()?);
        for _ in 0..DEPTH_MAX {
            // By the handle that holds it one's own lock is none.
            let handle = if identity == own { self.as_fd() } else { here.as_fd() };
            if is_locked(handle)? {
                return Some(Use::Busy);
            }
            let above = open(here.as_fd(), c"..")?;
            let identity_above = Identity::of(&fstat(&above).ok()?);
            if identity_above == identity {
                return Some(Use::Free);
            }
            (here, identity) = (above, identity_above);
        }
        None
    }
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
        assert_eq!(one.use_of(&folder), Use::Free);
        assert_eq!(beside.use_of(&beside.folder(b"").unwrap()), Use::Free);
    }
}
