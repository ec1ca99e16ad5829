//! What stands under a name: what the rooms that write need to know of it. Those that save ask [`super::Stat`].

use rustix::fs::{FileType, Stat, Statx};

use crate::units::Timestamp;

/// Which inode it is: two names with the same identity are one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The device number of the file system.
    pub device: u64,
    /// The inode number on it.
    pub inode: u64,
}

/// What sort of entry it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryType {
    /// A regular file.
    File,
    /// A folder.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A named pipe.
    Fifo,
    /// A character device: major, minor.
    CharDevice(u32, u32),
    /// A block device: major, minor.
    BlockDevice(u32, u32),
    /// A socket, or something newer.
    Other,
}

/// An entry, as the system describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Existing {
    /// What it is.
    pub entry_type: EntryType,
    /// Which inode it is.
    pub identity: Identity,
    /// Its length in bytes; of a link the length of its target.
    pub bytes: u64,
    /// Last change of its content.
    pub mtime: Timestamp,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u32,
    /// Owner as a number.
    pub uid: u32,
    /// Group as a number.
    pub gid: u32,
    /// How many names the inode has.
    pub links: u64,
}

impl Identity {
    pub(super) fn of(stat: &Stat) -> Self {
        Self { device: stat.st_dev, inode: stat.st_ino }
    }
}

impl EntryType {
    fn of(mode: u32, device: (u32, u32)) -> Self {
        match FileType::from_raw_mode(mode) {
            FileType::RegularFile => EntryType::File,
            FileType::Directory => EntryType::Directory,
            FileType::Symlink => EntryType::Symlink,
            FileType::Fifo => EntryType::Fifo,
            FileType::CharacterDevice => EntryType::CharDevice(device.0, device.1),
            FileType::BlockDevice => EntryType::BlockDevice(device.0, device.1),
            _ => EntryType::Other,
        }
    }
}

impl Existing {
    pub(super) fn of_statx(stat: &Statx) -> Self {
        let mode = u32::from(stat.stx_mode);
        Self {
            entry_type: EntryType::of(mode, (stat.stx_rdev_major, stat.stx_rdev_minor)),
            identity: Identity { device: rustix::fs::makedev(stat.stx_dev_major, stat.stx_dev_minor), inode: stat.stx_ino },
            bytes: stat.stx_size,
            mtime: Timestamp::new(stat.stx_mtime.tv_sec, stat.stx_mtime.tv_nsec),
            mode: mode & 0o7777,
            uid: stat.stx_uid,
            gid: stat.stx_gid,
            links: stat.stx_nlink.into(),
        }
    }

    pub(super) fn of(stat: &Stat) -> Self {
        let device = (rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev));
        Self {
            entry_type: EntryType::of(stat.st_mode, device),
            identity: Identity::of(stat),
            bytes: stat.st_size.max(0) as u64,
            mtime: Timestamp::new(stat.st_mtime, stat.st_mtime_nsec as u32),
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            // Narrower on some processors.
            #[allow(clippy::unnecessary_cast)]
            links: stat.st_nlink as u64,
        }
    }

    /// True for a folder.
    pub fn is_directory(&self) -> bool {
        self.entry_type == EntryType::Directory
    }
}
