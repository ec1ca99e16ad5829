//! What is known of a file system by its kind.
//!
//! Three things follow from the number that statfs gives: whether there is anything to save at all,
//! whose clock makes the time stamps, and which of them can be trusted to tell that a file is
//! unchanged. A kind that is not listed is treated as a local disk with the strictest comparison,
//! which can cost reading but never miss a change.

use super::folder::Folder;
use crate::error::{Error, Result};
use crate::manifest::StatTrust;
use crate::platform::{Failure, file_systems, look};
use crate::units::PathText;

/// The file system that a folder is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSystem {
    /// The kernel's number for the kind.
    magic: u32,
    /// Tells file systems apart: `f_fsid`, or the device number where there is none. The second is
    /// another one after every mount, so that what is remembered under it is forgotten, not mistaken.
    pub id: u64,
    /// It lies on a block device of this machine.
    has_device: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    /// Shows the state of the kernel, or of programs; there is nothing to save.
    Pseudo,
    /// On this machine, under its clock.
    Local(StatTrust),
    /// Another machine, or a program, makes the time stamps.
    Foreign(StatTrust),
}

use Sort::{Foreign, Local, Pseudo};
use StatTrust::{Full, Mtime, NoInode};

/// Those of the shared ones that keep inode numbers and change times as a local disk does. Of the others inode numbers
/// come from the client, or from a program that may count anew every time.
const KEEPS_INODES: [u32; 6] = [0x6969, 0x00c3_6400, 0x0bd0_0bd0, 0x4750_4653, 0x7461_636f, 0x0116_1970];

/// Kind number, name, sort, of all that are not shared with others. The numbers are those of `linux/magic.h` and of the drivers.
const KNOWN: &[(u32, &str, Sort)] = &[
    (0xef53, "ext4", Local(Full)),
    (0x5846_5342, "xfs", Local(Full)),
    (0x9123_683e, "btrfs", Local(Full)),
    (0x2fc1_2fc1, "zfs", Local(Full)),
    (0xca45_1a4e, "bcachefs", Local(Full)),
    (0xf2f5_2010, "f2fs", Local(Full)),
    (0x0102_1994, "tmpfs", Local(Full)),
    (0x8584_58f6, "ramfs", Local(Full)),
    (0x3153_464a, "jfs", Local(Full)),
    (0x5265_4973, "reiserfs", Local(Full)),
    (0x3434, "nilfs2", Local(Full)),
    (0x7366_746e, "ntfs3", Local(Full)),
    (0x482b, "hfsplus", Local(Full)),
    (0x4858, "hfsx", Local(Full)),
    (0x9660, "iso9660", Local(Full)),
    (0x1501_3346, "udf", Local(Full)),
    (0x7371_7368, "squashfs", Local(Full)),
    (0xe0f5_e1e2, "erofs", Local(Full)),
    (0xf15f, "ecryptfs", Local(Full)),
    (0x0187, "autofs", Local(Full)),
    // Inode numbers can change with the next mount.
    (0x794c_7630, "overlayfs", Local(NoInode)),
    // Inode numbers are made up at every mount, and there is no time of a change of the inode.
    (0x4d44, "vfat", Local(Mtime)),
    (0x2011_bab0, "exfat", Local(Mtime)),
    (0x4244, "hfs", Local(Mtime)),
    (0x9fa0, "proc", Pseudo),
    (0x9fa1, "openpromfs", Pseudo),
    (0x6265_6572, "sysfs", Pseudo),
    (0x0027_e0eb, "cgroup", Pseudo),
    (0x6367_7270, "cgroup2", Pseudo),
    (0x1cd1, "devpts", Pseudo),
    (0x6462_6720, "debugfs", Pseudo),
    (0x7472_6163, "tracefs", Pseudo),
    (0x7363_6673, "securityfs", Pseudo),
    (0xf97c_ff8c, "selinuxfs", Pseudo),
    (0x4341_5d53, "smackfs", Pseudo),
    (0x5a3c_69f0, "apparmorfs", Pseudo),
    (0xcafe_4a11, "bpf", Pseudo),
    (0x6165_676c, "pstore", Pseudo),
    (0xde5e_81e4, "efivarfs", Pseudo),
    (0x6265_6570, "configfs", Pseudo),
    (0x1980_0202, "mqueue", Pseudo),
    (0x9584_58f6, "hugetlbfs", Pseudo),
    (0x6573_5543, "fusectl", Pseudo),
    (0x4249_4e4d, "binfmt_misc", Pseudo),
    (0x6e73_6673, "nsfs", Pseudo),
    (0x6759_6969, "rpc_pipefs", Pseudo),
    (0x6e66_7364, "nfsd", Pseudo),
    (0x0765_5821, "resctrl", Pseudo),
    (0x6c6f_6f70, "binder", Pseudo),
    (0xabba_1974, "xenfs", Pseudo),
    (0x9fa2, "usbfs", Pseudo),
    (0x0904_1934, "anon_inodefs", Pseudo),
    (0x5049_5045, "pipefs", Pseudo),
    (0x534f_434b, "sockfs", Pseudo),
    (0x6264_6576, "bdev", Pseudo),
];

/// Lives in memory: nothing is written out, and no page becomes clean.
const IN_MEMORY: [u32; 2] = [0x0102_1994, 0x8584_58f6];
/// Never written to.
const READ_ONLY: [u32; 3] = [0x9660, 0x7371_7368, 0xe0f5_e1e2];

/// Whether a file system of the kind with this number keeps changed pages in the memory of this machine,
/// and writes them to a disk of this machine later. (Where another machine or a program does it, a sync
/// could wait for ever.)
pub(super) fn is_written_back_here(magic: u32) -> bool {
    let of_kind = FileSystem { magic, id: 0, has_device: false };
    matches!(of_kind.sort(), Local(_)) && !of_kind.is_in_memory() && !READ_ONLY.contains(&magic)
}

impl FileSystem {
    /// True when it lives in memory (tmpfs): programs may change what they have mapped and leave no trace.
    pub fn is_in_memory(&self) -> bool {
        IN_MEMORY.contains(&self.magic)
    }

    /// The file system that the folder is on.
    ///
    /// # Errors
    /// Whatever statfs fails with.
    pub fn of(folder: &Folder) -> Result<Self> {
        let failed = |failure: Failure| Error::io("cannot look at the file system of", PathText(folder.shown()), failure);
        let magic = file_systems::kind(folder).map_err(failed)?;
        let id = match file_systems::number(folder).map_err(failed)? {
            0 => folder.stat_self()?.device,
            id => id,
        };
        let has_device = file_systems::is_on_disk(look::at_handle(folder).map_err(failed)?.identity.device);
        Ok(Self { magic, id, has_device })
    }

    fn known(&self) -> Option<&'static (u32, &'static str, Sort)> {
        KNOWN.iter().find(|(magic, ..)| *magic == self.magic)
    }

    fn sort(&self) -> Sort {
        if file_systems::shared_name(self.magic).is_some() {
            return Foreign(if KEEPS_INODES.contains(&self.magic) { Full } else { NoInode });
        }
        self.known().map_or(Local(Full), |(_, _, sort)| *sort)
    }

    /// The name of its kind, such as `ext4` (which stands for ext2 and ext3 as well); the kernel's
    /// number for a kind that is not known.
    pub fn kind_name(&self) -> String {
        let name = file_systems::shared_name(self.magic).or_else(|| self.known().map(|(_, name, _)| *name));
        name.map_or_else(|| format!("0x{:x}", self.magic), str::to_owned)
    }

    /// True when it shows the state of the kernel and there is nothing to save: `/proc`, `/sys` and
    /// the like. A tmpfs holds files, and devtmpfs cannot be told from it, so both are not.
    pub fn is_pseudo(&self) -> bool {
        self.sort() == Pseudo
    }

    /// True when a file may have content although its length is 0: those of `/proc` are made when they are
    /// read, and so is what some FUSE file systems show. A kind that is not known may be such a one.
    pub fn may_hide_content(&self) -> bool {
        // fuse, 9p
        self.is_pseudo()
            || matches!(self.magic, 0x6573_5546 | 0x0102_1997)
            || (self.known().is_none() && file_systems::shared_name(self.magic).is_none())
    }

    /// True when time stamps are made by another machine's clock or by a program: NFS, CIFS, FUSE
    /// and others.
    pub fn has_own_clock(&self) -> bool {
        matches!(self.sort(), Foreign(_))
    }

    /// What must be equal for a file on it to count as unchanged, unless the user says otherwise.
    pub fn default_stat_trust(&self) -> StatTrust {
        match self.sort() {
            Local(trust) | Foreign(trust) => trust,
            Pseudo => Full,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    fn of(path: &std::path::Path) -> FileSystem {
        FileSystem::of(&Folder::open(path.as_os_str().as_bytes()).unwrap()).unwrap()
    }

    fn with_magic(magic: u32) -> FileSystem {
        FileSystem { magic, id: 1, has_device: false }
    }

    #[test]
    fn proc_holds_nothing_to_save_and_a_folder_for_files_does() {
        let found = of("/proc".as_ref());
        assert_eq!((found.kind_name().as_str(), found.is_pseudo()), ("proc", true));
        let folder = tempfile::tempdir().unwrap();
        let found = of(folder.path());
        assert!(!found.is_pseudo());
        assert_ne!(found.id, 0);
        std::fs::create_dir(folder.path().join("below")).unwrap();
        assert_eq!(of(&folder.path().join("below")), found);
    }

    #[test]
    fn a_length_of_zero_is_believed_of_ordinary_disks_only() {
        for magic in [0x9fa0, 0x6265_6572, 0x6462_6720, 0x6573_5546, 0x0102_1997, 0x1234_5678] {
            assert!(with_magic(magic).may_hide_content(), "{magic:x}");
        }
        for magic in [0xef53, 0x0102_1994, 0x5846_5342, 0x9123_683e, 0x6969, 0xff53_4d42, 0x4d44] {
            assert!(!with_magic(magic).may_hide_content(), "{magic:x}");
        }
    }

    #[test]
    fn only_disks_of_this_machine_are_synced() {
        for magic in [0xef53, 0x5846_5342, 0x9123_683e, 0x794c_7630, 0x4d44, 0x1234_5678] {
            assert!(is_written_back_here(magic), "{magic:x}");
        }
        for magic in [0x0102_1994, 0x8584_58f6, 0x6969, 0xff53_4d42, 0x6573_5546, 0x0102_1997, 0x9fa0, 0x7371_7368] {
            assert!(!is_written_back_here(magic), "{magic:x}");
        }
    }

    #[test]
    fn each_kind_is_listed_once() {
        let magics: HashSet<_> = KNOWN.iter().map(|(magic, ..)| magic).collect();
        assert_eq!(magics.len(), KNOWN.len());
        assert!(KNOWN.iter().all(|(magic, ..)| file_systems::shared_name(*magic).is_none()));
        assert!(KEEPS_INODES.iter().all(|magic| file_systems::shared_name(*magic).is_some()));
    }

    #[test]
    fn trust_and_clock_follow_the_kind() {
        for (magic, own_clock, trust) in [
            (0xef53, false, Full),
            (0x0102_1994, false, Full),
            (0x6969, true, Full),
            (0xff53_4d42, true, NoInode),
            (0x6573_5546, true, NoInode),
            (0x4d44, false, Mtime),
        ] {
            let found = with_magic(magic);
            assert_eq!((found.has_own_clock(), found.default_stat_trust()), (own_clock, trust), "{}", found.kind_name());
        }
    }

    #[test]
    fn an_unknown_kind_is_compared_strictly_and_saved() {
        let found = with_magic(0x1234_5678);
        assert_eq!((found.is_pseudo(), found.has_own_clock(), found.default_stat_trust()), (false, false, Full));
        assert_eq!(found.kind_name(), "0x12345678");
    }
}
