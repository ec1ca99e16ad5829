//! What the kernel says of one inode, in the words of this crate.
//!
//! statx gives what the older calls do not: the time of creation, and device numbers and times that
//! do not depend on the machine's word size. Where it is missing (Linux before 4.11, some
//! containers) the older call fills all but the creation time.

use rustix::fs::{AtFlags, Statx, StatxFlags, StatxTimestamp};
use rustix::io::{Errno, retry_on_intr};

use super::handle::AsHandle;
use crate::error::{Error, ErrorKind, Result};
use crate::units::{PathText, Timestamp};

/// What an inode is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileType {
    /// A regular file.
    File,
    /// A folder.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A named pipe.
    Fifo,
    /// A socket: it means something only to the process that listens, so it is noted and skipped.
    Socket,
    /// A character device: major, minor.
    CharDevice(u32, u32),
    /// A block device: major, minor.
    BlockDevice(u32, u32),
}

/// What the kernel says of one inode; a symbolic link is never followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// What it is.
    pub file_type: FileType,
    /// Permission bits with setuid, setgid and sticky: `0o7777` at most.
    pub mode: u32,
    /// Owner as a number.
    pub uid: u32,
    /// Group as a number.
    pub gid: u32,
    /// Length in bytes; for a symbolic link that of its target, for a folder whatever the file
    /// system likes to say.
    pub size: u64,
    /// The file system's device number: changes at a mount point, and may change with every mount.
    pub device: u64,
    /// Inode number, unique on its device.
    pub inode: u64,
    /// How many names the inode has.
    pub links: u32,
    /// Last change of the content.
    pub mtime: Timestamp,
    /// Last change of the inode.
    pub ctime: Timestamp,
    /// Creation, where the file system knows it.
    pub birth: Option<Timestamp>,
    /// Space taken, in units of 512 bytes whatever the block size is.
    pub blocks: u64,
    /// The inode flags that statx tells of; their bits are those of `FS_IOC_GETFLAGS`, but most
    /// flags are missing. For entries that cannot be opened.
    pub attributes: u32,
}

impl Stat {
    /// True for a regular file.
    pub fn is_file(&self) -> bool {
        self.file_type == FileType::File
    }

    /// True for a folder.
    pub fn is_directory(&self) -> bool {
        self.file_type == FileType::Directory
    }

    /// What tells two inodes apart: device and inode number.
    pub fn identity(&self) -> (u64, u64) {
        (self.device, self.inode)
    }

    /// True when a regular file takes less space than it is long: only then it can have holes that
    /// are worth asking for. Compressing file systems answer true as well, which costs a question.
    pub fn may_have_holes(&self) -> bool {
        self.is_file() && self.blocks.saturating_mul(512) < self.size
    }

    /// Looks at the entry `name` of an open folder; with an empty name, at the handle itself.
    /// `shown` names it in the error.
    ///
    /// # Errors
    /// `NotFound` when it is gone, `Denied`, `Unsupported` when its type is unknown.
    pub fn read(handle: impl AsHandle, name: &[u8], shown: &[u8]) -> Result<Self> {
        // Without NO_AUTOMOUNT a mere look would mount things.
        let mut flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        if name.is_empty() {
            flags |= AtFlags::EMPTY_PATH;
        }
        let mask = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
        let stat = match retry_on_intr(|| rustix::fs::statx(handle.as_handle(), name, flags, mask)) {
            Ok(found) => Self::from_statx(&found),
            Err(Errno::NOSYS) => retry_on_intr(|| rustix::fs::statat(handle.as_handle(), name, flags))
                .map(|found| Self::from_old_stat(&found))
                .map_err(|errno| Error::io("cannot look at", PathText(shown), errno))?,
            Err(errno) => return Err(Error::io("cannot look at", PathText(shown), errno)),
        };
        stat.ok_or_else(|| Error::new(ErrorKind::Unsupported, format!("{} is of an unknown type", PathText(shown))))
    }

    fn from_statx(found: &Statx) -> Option<Self> {
        let mode = u32::from(found.stx_mode);
        // A file system that does not know a time leaves its bit clear and the field zero.
        let has_birth = found.stx_mask & StatxFlags::BTIME.bits() != 0;
        Some(Self {
            file_type: file_type(mode, found.stx_rdev_major, found.stx_rdev_minor)?,
            mode: mode & 0o7777,
            uid: found.stx_uid,
            gid: found.stx_gid,
            size: found.stx_size,
            device: rustix::fs::makedev(found.stx_dev_major, found.stx_dev_minor),
            inode: found.stx_ino,
            links: found.stx_nlink,
            mtime: timestamp(&found.stx_mtime),
            ctime: timestamp(&found.stx_ctime),
            birth: has_birth.then(|| timestamp(&found.stx_btime)),
            blocks: found.stx_blocks,
            attributes: (found.stx_attributes & found.stx_attributes_mask).bits() as u32,
        })
    }

    // The fields have other widths on other machines.
    #[allow(clippy::unnecessary_cast)]
    fn from_old_stat(found: &rustix::fs::Stat) -> Option<Self> {
        let (major, minor) = (rustix::fs::major(found.st_rdev as _), rustix::fs::minor(found.st_rdev as _));
        let mode = found.st_mode as u32;
        Some(Self {
            file_type: file_type(mode, major, minor)?,
            mode: mode & 0o7777,
            uid: found.st_uid as u32,
            gid: found.st_gid as u32,
            size: found.st_size as u64,
            device: found.st_dev as u64,
            inode: found.st_ino as u64,
            links: found.st_nlink as u32,
            mtime: legal_time(found.st_mtime as i64, found.st_mtime_nsec as u32),
            ctime: legal_time(found.st_ctime as i64, found.st_ctime_nsec as u32),
            birth: None,
            blocks: found.st_blocks as u64,
            attributes: 0,
        })
    }
}

fn file_type(mode: u32, major: u32, minor: u32) -> Option<FileType> {
    use rustix::fs::FileType as Raw;
    match Raw::from_raw_mode(mode) {
        Raw::RegularFile => Some(FileType::File),
        Raw::Directory => Some(FileType::Directory),
        Raw::Symlink => Some(FileType::Symlink),
        Raw::Fifo => Some(FileType::Fifo),
        Raw::Socket => Some(FileType::Socket),
        Raw::CharacterDevice => Some(FileType::CharDevice(major, minor)),
        Raw::BlockDevice => Some(FileType::BlockDevice(major, minor)),
        _ => None,
    }
}

fn timestamp(time: &StatxTimestamp) -> Timestamp {
    legal_time(time.tv_sec, time.tv_nsec)
}

/// A manifest refuses nanoseconds beyond a second, so what a broken file system says stops here.
fn legal_time(seconds: i64, nanoseconds: u32) -> Timestamp {
    Timestamp::new(seconds, nanoseconds.min(999_999_999))
}

#[cfg(test)]
mod tests;
