//! Locks on folders that are asked for without being taken, and that belong to the handle and not to the process: one's
//! own is none, asked by the handle that holds it.
//!
//! They lie on a range of bytes that nobody else locks by chance, by which they are told in the system's list of all
//! locks: where only a part of a file system is mounted, no way leads to the folders above that part.

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::handle::AsHandle;
use super::mount_list::FileSystem;

/// The bytes that are locked.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// The first one.
    pub from: u32,
    /// How many.
    pub bytes: u32,
}

/// A lock that somebody on this machine holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The number of the folder.
    pub inode: u64,
    /// Where that is.
    pub on: FileSystem,
}

impl Range {
    fn as_lock(self, kind: i32) -> libc::flock {
        libc::flock { l_type: kind as _, l_whence: libc::SEEK_SET as _, l_start: self.from.into(), l_len: self.bytes.into(), l_pid: 0 }
    }

    /// Takes the lock on an open folder, shared; false where there are no such locks.
    pub fn take_shared(self, folder: impl AsHandle) -> bool {
        fcntl(folder.as_handle(), FcntlArg::F_OFD_SETLK(&self.as_lock(libc::F_RDLCK))).is_ok()
    }

    /// Whether somebody else holds the lock; none where that cannot be asked.
    pub fn is_held(self, folder: impl AsHandle) -> Option<bool> {
        let mut wanted = self.as_lock(libc::F_WRLCK);
        fcntl(folder.as_handle(), FcntlArg::F_OFD_GETLK(&mut wanted)).ok()?;
        Some(i32::from(wanted.l_type) != libc::F_UNLCK)
    }

    /// All locks on this range, on whatever folder; none where the system does not list them.
    pub fn all_held(self) -> Option<Vec<Held>> {
        Some(self.held_of(&std::fs::read_to_string("/proc/locks").ok()?))
    }

    fn held_of(self, list: &str) -> Vec<Held> {
        let (first, last) = (self.from.to_string(), (self.from + self.bytes - 1).to_string());
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_locks_of_restores_are_found_in_the_list_of_the_kernel() {
        let list = "1: OFDLCK ADVISORY  READ -1 08:1f:77 1937011303 1937011411\n\
                    1: -> OFDLCK ADVISORY  READ -1 08:01:78 1937011303 1937011411\n\
                    2: OFDLCK ADVISORY  READ -1 08:01:79 100 101\n\
                    3: POSIX  ADVISORY  WRITE 9 08:01:80 1937011303 1937011411\n\
                    4: FLOCK  ADVISORY  WRITE 9 08:01:81 0 EOF\n garbage";
        let range = Range { from: 1_937_011_303, bytes: 109 };
        assert_eq!(range.held_of(list), [Held { inode: 77, on: FileSystem::new(8, 31) }]);
    }
}
