//! A picture of a folder: everything that a restore is to bring back, of every entry, taken without
//! the code under test.
//!
//! Entries are reached through open folders, so that no path is too long. Content is a digest of the
//! blocks that are not all zeros, so that a terabyte of holes is looked at in a moment and a hole
//! counts as the zeros that it reads as.

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::fmt;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, SeekFrom, StatxFlags};
use rustix::io::Errno;

/// Blocks of zeros of this many bytes do not count.
const BLOCK_BYTES: usize = 4096;

/// One entry, without the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The type, and what belongs to it: length and digest, target, device numbers.
    pub content: String,
    /// Twelve permission bits.
    pub mode: u32,
    /// Owner and group.
    pub owner: (u32, u32),
    /// Seconds and nanoseconds.
    pub mtime: (i64, u32),
    /// Name and value, sorted.
    pub xattrs: Vec<(String, Vec<u8>)>,
    /// The first path of the same inode, where there are several in the picture.
    pub same_as: Option<String>,
}

/// What is known of an entry but not restored, or not always.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    /// Units of 512 bytes.
    pub blocks: u64,
    /// `FS_IOC_GETFLAGS`, 0 for what cannot be opened.
    pub inode_flags: u32,
    /// Creation.
    pub birth: Option<(i64, u32)>,
}

/// All entries below a folder and the folder itself, as `.`; paths are escaped.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Picture {
    pub entries: BTreeMap<String, Entry>,
    pub beside: BTreeMap<String, Beside>,
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.entries).finish()
    }
}

impl Picture {
    /// Looks at everything below `folder`.
    pub fn of(folder: &Path) -> Self {
        let mut picture = Self::default();
        let mut firsts = BTreeMap::new();
        let handle = open(CWD.as_fd(), folder.as_os_str().as_bytes(), OFlags::DIRECTORY).unwrap();
        picture.look(handle.as_fd(), b".", ".", &mut firsts);
        picture.look_into(&handle, "", &mut firsts);
        picture
    }

    /// Fails the test and says what differs, unless `self` is what `restored` is.
    #[track_caller]
    pub fn assert_same(&self, restored: &Picture) {
        let mut differences = Vec::new();
        for (path, entry) in &self.entries {
            match restored.entries.get(path) {
                None => differences.push(format!("{path} is missing")),
                Some(other) if other != entry => differences.push(format!("{path}:\n   saved {entry:?}\nrestored {other:?}")),
                Some(_) => {}
            }
        }
        differences.extend(restored.entries.keys().filter(|path| !self.entries.contains_key(*path)).map(|path| format!("{path} is new")));
        let shown = differences.iter().take(10).map(|line| line.chars().take(3000).collect()).collect::<Vec<String>>();
        assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), shown.join("\n"));
    }

    fn look_into(&mut self, folder: &OwnedFd, path: &str, firsts: &mut BTreeMap<(u64, u64), String>) {
        let mut names: Vec<Vec<u8>> = Dir::read_from(folder).unwrap().map(|entry| entry.unwrap().file_name().to_bytes().to_vec()).collect();
        names.retain(|name| name != b"." && name != b"..");
        names.sort();
        for name in names {
            let below = format!("{path}/{}", name.escape_ascii());
            if self.look(folder.as_fd(), &name, &below, firsts) {
                let handle = open(folder.as_fd(), &name, OFlags::DIRECTORY).unwrap();
                self.look_into(&handle, &below, firsts);
            }
        }
    }

    /// Looks at one entry; true for a folder.
    fn look(&mut self, folder: std::os::fd::BorrowedFd<'_>, name: &[u8], path: &str, firsts: &mut BTreeMap<(u64, u64), String>) -> bool {
        let mask = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
        let stat = rustix::fs::statx(folder, name, AtFlags::SYMLINK_NOFOLLOW, mask).unwrap();
        let file_type = FileType::from_raw_mode(u32::from(stat.stx_mode));
        let device = (stat.stx_rdev_major, stat.stx_rdev_minor);
        let mut inode_flags = 0;
        let content = match file_type {
            FileType::RegularFile => {
                let file = open(folder, name, OFlags::empty()).unwrap();
                inode_flags = rustix::fs::ioctl_getflags(&file).map_or(0, |flags| flags.bits());
                format!("file of {} bytes, {}", stat.stx_size, digest(&file))
            }
            FileType::Directory => {
                let file = open(folder, name, OFlags::DIRECTORY).unwrap();
                inode_flags = rustix::fs::ioctl_getflags(&file).map_or(0, |flags| flags.bits());
                "directory".to_owned()
            }
            FileType::Symlink => format!("link to {}", target(folder, name)),
            other => format!("{other:?} {device:?}"),
        };
        let identity = (u64::from(stat.stx_dev_major) << 32 | u64::from(stat.stx_dev_minor), stat.stx_ino);
        let is_directory = file_type == FileType::Directory;
        let same_as = if is_directory { None } else { firsts.get(&identity).cloned() };
        firsts.entry(identity).or_insert_with(|| path.to_owned());
        let entry = Entry {
            content,
            mode: u32::from(stat.stx_mode) & 0o7777,
            owner: (stat.stx_uid, stat.stx_gid),
            mtime: (stat.stx_mtime.tv_sec, stat.stx_mtime.tv_nsec),
            xattrs: xattrs(folder, name),
            same_as,
        };
        let has_birth = stat.stx_mask & StatxFlags::BTIME.bits() != 0;
        let birth = has_birth.then_some((stat.stx_btime.tv_sec, stat.stx_btime.tv_nsec));
        self.entries.insert(path.to_owned(), entry);
        self.beside.insert(path.to_owned(), Beside { blocks: stat.stx_blocks, inode_flags, birth });
        is_directory
    }
}

fn open(folder: std::os::fd::BorrowedFd<'_>, name: &[u8], flags: OFlags) -> rustix::io::Result<OwnedFd> {
    rustix::fs::openat(folder, name, flags | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
}

fn target(folder: std::os::fd::BorrowedFd<'_>, name: &[u8]) -> String {
    rustix::fs::readlinkat(folder, name, Vec::new()).unwrap().as_bytes().escape_ascii().to_string()
}

/// The digest of the blocks that are not all zeros, with their places.
fn digest(file: &OwnedFd) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 256 * BLOCK_BYTES];
    let mut at = 0;
    loop {
        at = match rustix::fs::seek(file, SeekFrom::Data(at)) {
            Ok(start) => start - start % BLOCK_BYTES as u64,
            Err(Errno::NXIO) => return hasher.finalize().to_hex()[..16].to_owned(),
            Err(errno) => panic!("{errno}"),
        };
        // Read in whole blocks, so that the same bytes always give the same blocks.
        let mut filled = 0;
        while filled < buffer.len() {
            match rustix::io::pread(file, &mut buffer[filled..], at + filled as u64).unwrap() {
                0 => break,
                bytes => filled += bytes,
            }
        }
        for (number, block) in buffer[..filled].chunks(BLOCK_BYTES).enumerate() {
            if block.iter().any(|byte| *byte != 0) {
                hasher.update(&(at + (number * BLOCK_BYTES) as u64).to_le_bytes());
                hasher.update(block);
            }
        }
        at += filled as u64;
    }
}

/// All attributes but labels that the machine gives of itself.
fn xattrs(folder: std::os::fd::BorrowedFd<'_>, name: &[u8]) -> Vec<(String, Vec<u8>)> {
    // The calls take paths only; this one is never long.
    let path = [format!("/proc/self/fd/{}/", folder.as_raw_fd()).as_bytes(), name].concat();
    let mut names = vec![0; 1 << 16];
    let bytes = match rustix::fs::llistxattr(&path[..], &mut names[..]) {
        Ok(bytes) => bytes,
        Err(Errno::OPNOTSUPP) => 0,
        Err(errno) => panic!("{errno}"),
    };
    let mut found = Vec::new();
    for name in names[..bytes].split_inclusive(|byte| *byte == 0) {
        let name = CStr::from_bytes_with_nul(name).unwrap();
        let mut value = vec![0; 1 << 16];
        let bytes = rustix::fs::lgetxattr(&path[..], name, &mut value[..]).unwrap();
        value.truncate(bytes);
        found.push((name.to_bytes().escape_ascii().to_string(), value));
    }
    found.retain(|(name, _)| name != "security.selinux");
    found.sort();
    found
}

#[test]
fn a_picture_sees_every_change() {
    use rustix::fs::{Timespec, Timestamps, UTIME_OMIT};
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{FileExt, PermissionsExt, symlink};

    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["a", "b", "c"] {
        fs::write(path(name), vec![1; 10_000]).unwrap();
    }
    symlink("a", path("link")).unwrap();
    let set_time = |name: &str, nanoseconds: i64| {
        let last_access = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
        let times = Timestamps { last_access, last_modification: Timespec { tv_sec: 1, tv_nsec: nanoseconds } };
        rustix::fs::utimensat(CWD, path(name), &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
    };
    ["a", "b", "c", "link", "."].iter().for_each(|name| set_time(name, 5));
    let mut last = Picture::of(folder.path());
    last.assert_same(&Picture::of(folder.path()));
    let write = |bytes: &[u8], at: u64| fs::File::options().write(true).open(path("a")).unwrap().write_all_at(bytes, at).unwrap();
    let changes: [(&str, &dyn Fn()); 7] = [
        ("a byte", &|| write(&[2], 9_999)),
        ("zeros at the end", &|| write(&[0; 5000], 10_000)),
        ("mode", &|| fs::set_permissions(path("a"), Permissions::from_mode(0o4700)).unwrap()),
        ("target", &|| {
            fs::remove_file(path("link")).unwrap();
            symlink("b", path("link")).unwrap();
        }),
        ("hard link", &|| {
            fs::remove_file(path("c")).unwrap();
            fs::hard_link(path("b"), path("c")).unwrap();
        }),
        ("name", &|| fs::rename(path("a"), path("A")).unwrap()),
        ("one entry less", &|| fs::remove_file(path("A")).unwrap()),
    ];
    for (what, change) in changes {
        change();
        for name in ["A", "a", "b", "c", "link", "."] {
            if path(name).symlink_metadata().is_ok() {
                set_time(name, 5);
            }
        }
        let now = Picture::of(folder.path());
        assert_ne!(now.entries, last.entries, "{what}");
        last = now;
    }
    set_time("link", 6);
    assert_ne!(Picture::of(folder.path()).entries, last.entries);
}
