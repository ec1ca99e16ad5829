//! What the kernel says of one inode, in the words of this crate.
//!
//! statx gives what the older calls do not: the time of creation, and device numbers and times that
//! do not depend on the machine's word size. Where it is missing (Linux before 4.11, some
//! containers) the older call fills all but the creation time.

use rustix::fd::BorrowedFd;
use rustix::fs::{AtFlags, Statx, StatxFlags, StatxTimestamp};
use rustix::io::{Errno, retry_on_intr};

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
    pub(super) fn read(handle: BorrowedFd<'_>, name: &[u8], shown: &[u8]) -> Result<Self> {
        // Without NO_AUTOMOUNT a mere look would mount things.
        let mut flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        if name.is_empty() {
            flags |= AtFlags::EMPTY_PATH;
        }
        let mask = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
        let stat = match retry_on_intr(|| rustix::fs::statx(handle, name, flags, mask)) {
            Ok(found) => Self::from_statx(&found),
            Err(Errno::NOSYS) => retry_on_intr(|| rustix::fs::statat(handle, name, flags))
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
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;
    use std::path::Path;

    use rustix::fd::AsFd;
    use rustix::fs::{AtFlags, CWD, FileType as RawType, Mode, Timespec, Timestamps, makedev, mknodat, utimensat};

    use super::*;
    use crate::source::Folder;

    fn stat_of(path: &Path, name: &str) -> Stat {
        use std::os::unix::ffi::OsStrExt;
        Folder::open(path.as_os_str().as_bytes()).unwrap().stat(name.as_bytes()).unwrap()
    }

    /// False where the user may not make devices, so that the test says what it left out.
    fn make_node(path: &Path, kind: RawType, major: u32, minor: u32) -> bool {
        match mknodat(CWD, path, kind, Mode::from_raw_mode(0o644), makedev(major, minor)) {
            Ok(()) => true,
            Err(Errno::PERM) => {
                eprintln!("skipped: making devices needs root");
                false
            }
            Err(errno) => panic!("mknod: {errno}"),
        }
    }

    #[test]
    fn every_type_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), b"12345").unwrap();
        std::fs::create_dir(at("folder")).unwrap();
        symlink("folder", at("link")).unwrap();
        let _listener = UnixListener::bind(at("socket")).unwrap();
        assert!(make_node(&at("fifo"), RawType::Fifo, 0, 0));

        let file = stat_of(folder.path(), "file");
        assert_eq!((file.file_type, file.size, file.links), (FileType::File, 5, 1));
        assert_eq!(stat_of(folder.path(), "folder").file_type, FileType::Directory);
        let link = stat_of(folder.path(), "link");
        assert_eq!((link.file_type, link.size), (FileType::Symlink, 6));
        assert_eq!(stat_of(folder.path(), "socket").file_type, FileType::Socket);
        assert_eq!(stat_of(folder.path(), "fifo").file_type, FileType::Fifo);
        if make_node(&at("char"), RawType::CharacterDevice, 1, 300) && make_node(&at("block"), RawType::BlockDevice, 4000, 70_000) {
            assert_eq!(stat_of(folder.path(), "char").file_type, FileType::CharDevice(1, 300));
            assert_eq!(stat_of(folder.path(), "block").file_type, FileType::BlockDevice(4000, 70_000));
        }
    }

    #[test]
    fn numbers_agree_with_the_standard_library() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"x").unwrap();
        std::fs::hard_link(&path, folder.path().join("other")).unwrap();
        let (ours, theirs) = (stat_of(folder.path(), "file"), std::fs::symlink_metadata(&path).unwrap());
        assert_eq!((ours.device, ours.inode, ours.links), (theirs.dev(), theirs.ino(), 2));
        assert_eq!((ours.uid, ours.gid, ours.blocks), (theirs.uid(), theirs.gid(), theirs.blocks()));
        assert_eq!((ours.ctime.seconds, i64::from(ours.ctime.nanoseconds)), (theirs.ctime(), theirs.ctime_nsec()));
        assert_eq!(ours.identity(), stat_of(folder.path(), "other").identity());
    }

    #[test]
    fn setuid_setgid_and_sticky_bits_are_part_of_the_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"x").unwrap();
        for mode in [0o0, 0o4755, 0o2755, 0o1644, 0o7777] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(stat_of(folder.path(), "file").mode, mode);
        }
    }

    #[test]
    fn times_before_1970_and_after_2038_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"x").unwrap();
        // 1965 with a fraction, that counts forward from the second below; and the year 2200.
        for (seconds, nanoseconds) in [(-157_766_400, 250_000_000), (-1, 999_999_999), (7_258_118_400, 123_456_789)] {
            let time = Timespec { tv_sec: seconds, tv_nsec: nanoseconds };
            let times = Timestamps { last_access: time, last_modification: time };
            utimensat(CWD, &path, &times, AtFlags::empty()).unwrap();
            assert_eq!(stat_of(folder.path(), "file").mtime, Timestamp::new(seconds, nanoseconds as u32));
        }
    }

    #[test]
    fn the_old_call_says_the_same_but_for_the_birth() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), vec![1; 9000]).unwrap();
        let handle = std::fs::File::open(folder.path().join("file")).unwrap();
        let new = Stat::read(handle.as_fd(), b"", b"file").unwrap();
        let old = Stat::from_old_stat(&rustix::fs::fstat(&handle).unwrap()).unwrap();
        assert_eq!(old, Stat { birth: None, attributes: 0, ..new });
    }

    #[test]
    fn impossible_nanoseconds_are_cut_to_what_a_manifest_takes() {
        assert_eq!(legal_time(5, u32::MAX), Timestamp::new(5, 999_999_999));
    }

    #[test]
    fn an_entry_that_is_not_there_is_not_found() {
        let folder = tempfile::tempdir().unwrap();
        let error = Stat::read(std::fs::File::open(folder.path()).unwrap().as_fd(), b"gone", b"gone").unwrap_err();
        assert!(error.is_not_found());
        assert!(error.to_string().contains("gone"));
    }
}
