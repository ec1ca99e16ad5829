//! Kinds of file systems, and what is known of each.
//!
//! Three things follow from the kind: whether there is anything to save at all, whose clock makes the time stamps,
//! and which of them tell that a file is unchanged. A kind that is not listed is treated as a local disk with the
//! strictest comparison, which can cost reading but never miss a change.

use super::failure::{Failure, Result};
use super::handle::AsHandle;

/// A kind of file system, by the number that the kernel has for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Kind(u32);

/// What of an entry stays the same as long as its content does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamps {
    /// The number of the inode, and the times of its change and of its content's.
    All,
    /// All but the number of the inode.
    NoInode,
    /// The time of the content's change alone.
    Modified,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    /// Shows the state of the kernel, or of programs; there is nothing to save.
    Pseudo,
    /// On this machine, under its clock.
    Local(Stamps),
    /// Another machine, or a program, makes the time stamps.
    Foreign(Stamps),
}

use Sort::{Foreign, Local, Pseudo};
use Stamps::{All, Modified, NoInode};

/// Kind number, name, sort. The numbers are those of `linux/magic.h` and of the drivers.
const KNOWN: &[(u32, &str, Sort)] = &[
    (0xef53, "ext4", Local(All)),
    (0x5846_5342, "xfs", Local(All)),
    (0x9123_683e, "btrfs", Local(All)),
    (0x2fc1_2fc1, "zfs", Local(All)),
    (0xca45_1a4e, "bcachefs", Local(All)),
    (0xf2f5_2010, "f2fs", Local(All)),
    (0x0102_1994, "tmpfs", Local(All)),
    (0x8584_58f6, "ramfs", Local(All)),
    (0x3153_464a, "jfs", Local(All)),
    (0x5265_4973, "reiserfs", Local(All)),
    (0x3434, "nilfs2", Local(All)),
    (Kind::NTFS.0, "ntfs3", Local(All)),
    (0x482b, "hfsplus", Local(All)),
    (0x4858, "hfsx", Local(All)),
    (0x9660, "iso9660", Local(All)),
    (0x1501_3346, "udf", Local(All)),
    (0x7371_7368, "squashfs", Local(All)),
    (0xe0f5_e1e2, "erofs", Local(All)),
    (0xf15f, "ecryptfs", Local(All)),
    (0x0187, "autofs", Local(All)),
    // Inode numbers can change with the next mount.
    (0x794c_7630, "overlayfs", Local(NoInode)),
    // Inode numbers are made up at every mount, and there is no time of a change of the inode.
    (Kind::VFAT.0, "vfat", Local(Modified)),
    (Kind::EXFAT.0, "exfat", Local(Modified)),
    (Kind::HFS.0, "hfs", Local(Modified)),
    // Servers that keep inode numbers and change times as a local disk does.
    (0x6969, "nfs", Foreign(All)),
    (0x00c3_6400, "ceph", Foreign(All)),
    (0x0bd0_0bd0, "lustre", Foreign(All)),
    (0x4750_4653, "gpfs", Foreign(All)),
    (0x7461_636f, "ocfs2", Foreign(All)),
    (0x0116_1970, "gfs2", Foreign(All)),
    // Inode numbers come from the client, or from a program that may count anew every time.
    (0xff53_4d42, "cifs", Foreign(NoInode)),
    (0xfe53_4d42, "smb2", Foreign(NoInode)),
    (0x517b, "smb", Foreign(NoInode)),
    (Kind::FUSE.0, "fuse", Foreign(NoInode)),
    (0x0102_1997, "9p", Foreign(NoInode)),
    (0x5346_414f, "afs", Foreign(NoInode)),
    (0x6b41_4653, "afs", Foreign(NoInode)),
    (0x7375_7245, "coda", Foreign(NoInode)),
    (0x564c, "ncp", Foreign(NoInode)),
    (0x2003_0528, "orangefs", Foreign(NoInode)),
    (0x1983_0326, "beegfs", Foreign(NoInode)),
    (0x786f_4256, "vboxsf", Foreign(NoInode)),
    (0xbacb_acbc, "vmhgfs", Foreign(NoInode)),
    (0x7c7c_6673, "prl_fs", Foreign(NoInode)),
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

impl Kind {
    /// Everything that a program serves; `fuseblk` of a disk has it too.
    pub const FUSE: Self = Self(0x6573_5546);
    /// FAT.
    pub const VFAT: Self = Self(0x4d44);
    /// exFAT.
    pub const EXFAT: Self = Self(0x2011_bab0);
    /// HFS, the old one.
    pub const HFS: Self = Self(0x4244);
    /// NTFS, by the kernel itself.
    pub const NTFS: Self = Self(0x7366_746e);

    /// That of the file system which a handle is on.
    ///
    /// # Errors
    /// Those of the system.
    pub fn of(handle: impl AsHandle) -> Result<Self> {
        rustix::fs::fstatfs(handle.as_handle()).map(|found| Self(found.f_type as u32)).map_err(Failure)
    }

    #[cfg(test)]
    pub(crate) fn with_number(number: u32) -> Self {
        Self(number)
    }

    fn known(self) -> Option<&'static (u32, &'static str, Sort)> {
        KNOWN.iter().find(|(number, ..)| *number == self.0)
    }

    fn sort(self) -> Sort {
        self.known().map_or(Local(All), |(_, _, sort)| *sort)
    }

    /// Its name, such as `ext4` (which stands for ext2 and ext3 as well); the kernel's number for one that is
    /// not known.
    pub fn name(self) -> String {
        self.known().map_or_else(|| format!("0x{:x}", self.0), |(_, name, _)| (*name).to_owned())
    }

    /// True when it lives in memory (tmpfs): programs may change what they have mapped and leave no trace.
    pub fn is_in_memory(self) -> bool {
        IN_MEMORY.contains(&self.0)
    }

    /// True when it shows the state of the kernel and there is nothing to save: `/proc`, `/sys` and
    /// the like. A tmpfs holds files, and devtmpfs cannot be told from it, so both are not.
    pub fn is_pseudo(self) -> bool {
        self.sort() == Pseudo
    }

    /// True when a file may have content although its length is 0: those of `/proc` are made when they are
    /// read, and so is what some FUSE file systems show. A kind that is not known may be such a one.
    pub fn may_hide_content(self) -> bool {
        // fuse, 9p
        self.is_pseudo() || matches!(self.0, 0x6573_5546 | 0x0102_1997) || self.known().is_none()
    }

    /// True when time stamps are made by another machine's clock or by a program: NFS, CIFS, FUSE
    /// and others.
    pub fn has_own_clock(self) -> bool {
        matches!(self.sort(), Foreign(_))
    }

    /// True when another machine, or another mount, may use the same files without seeing the locks of
    /// this one: NFS, CIFS, FUSE and others. A disk of this machine behind FUSE (exFAT, NTFS) is not one
    /// of them, since nobody else can mount it; `is_on_disk` tells it.
    pub fn has_local_locks_only(self, is_on_disk: bool) -> bool {
        self.has_own_clock() && !(self == Self::FUSE && is_on_disk)
    }

    /// Whether it keeps changed pages in the memory of this machine, and writes them to a disk of this machine
    /// later. (Where another machine or a program does it, a sync could wait for ever.)
    pub fn is_written_back_here(self) -> bool {
        matches!(self.sort(), Local(_)) && !self.is_in_memory() && !READ_ONLY.contains(&self.0)
    }

    /// What must be equal for a file on it to count as unchanged.
    pub fn stamps(self) -> Stamps {
        match self.sort() {
            Local(stamps) | Foreign(stamps) => stamps,
            Pseudo => All,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn locks_on_what_other_machines_share_are_not_relied_on() {
        for number in [0x6969, 0xff53_4d42, 0xfe53_4d42, 0x6573_5546, 0x0102_1997] {
            assert!(Kind(number).has_local_locks_only(false), "{number:x}");
        }
        for number in [0xef53, 0x0102_1994, 0x5846_5342, 0x794c_7630, 1] {
            assert!(!Kind(number).has_local_locks_only(false), "{number:x}");
        }
    }

    #[test]
    fn a_disk_behind_fuse_has_the_locks_of_this_machine_and_a_cluster_on_a_shared_disk_has_not() {
        assert!(!Kind::FUSE.has_local_locks_only(true));
        assert!(Kind(0x7461_636f).has_local_locks_only(true));
    }

    #[test]
    fn a_length_of_zero_is_believed_of_ordinary_disks_only() {
        for number in [0x9fa0, 0x6265_6572, 0x6462_6720, 0x6573_5546, 0x0102_1997, 0x1234_5678] {
            assert!(Kind(number).may_hide_content(), "{number:x}");
        }
        for number in [0xef53, 0x0102_1994, 0x5846_5342, 0x9123_683e, 0x6969, 0xff53_4d42, 0x4d44] {
            assert!(!Kind(number).may_hide_content(), "{number:x}");
        }
    }

    #[test]
    fn only_disks_of_this_machine_are_synced() {
        for number in [0xef53, 0x5846_5342, 0x9123_683e, 0x794c_7630, 0x4d44, 0x1234_5678] {
            assert!(Kind(number).is_written_back_here(), "{number:x}");
        }
        for number in [0x0102_1994, 0x8584_58f6, 0x6969, 0xff53_4d42, 0x6573_5546, 0x0102_1997, 0x9fa0, 0x7371_7368] {
            assert!(!Kind(number).is_written_back_here(), "{number:x}");
        }
    }

    #[test]
    fn each_kind_is_listed_once() {
        let numbers: HashSet<_> = KNOWN.iter().map(|(number, ..)| number).collect();
        assert_eq!(numbers.len(), KNOWN.len());
    }
}
