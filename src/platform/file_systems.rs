//! What is known of the file system that something open lies on: its kind, its number, its room.

use super::failure::{Failure, Result};
use super::handle::AsHandle;

/// The system's number for the kind of file system.
///
/// # Errors
/// Those of the system, as everywhere here.
pub fn kind(handle: impl AsHandle) -> Result<u32> {
    rustix::fs::fstatfs(handle.as_handle()).map(|found| found.f_type as u32).map_err(Failure)
}

/// A number that tells file systems apart; 0 where it has none.
///
/// # Errors
/// Those of the system.
pub fn number(handle: impl AsHandle) -> Result<u64> {
    // One number on every machine.
    rustix::fs::fstatvfs(handle.as_handle()).map(|found| found.f_fsid).map_err(Failure)
}

/// How many bytes this user may still write; none where nobody knows.
pub fn free_bytes(handle: impl AsHandle) -> Option<u64> {
    let found = rustix::fs::fstatvfs(handle.as_handle()).ok()?;
    found.f_bavail.checked_mul(found.f_frsize)
}

/// Whether the file system with the number `device` lies on a disk of this machine: what is no disk has no major number.
pub fn is_on_disk(device: u64) -> bool {
    rustix::fs::major(device) != 0
}

/// The kind of everything that a program serves; `fuseblk` of a disk has it too.
const FUSE: u32 = 0x6573_5546;

/// The kinds that another machine, or a program, serves, with their names.
const SHARED: &[(u32, &str)] = &[
    (0x6969, "nfs"),
    (0x00c3_6400, "ceph"),
    (0x0bd0_0bd0, "lustre"),
    (0x4750_4653, "gpfs"),
    (0x7461_636f, "ocfs2"),
    (0x0116_1970, "gfs2"),
    (0xff53_4d42, "cifs"),
    (0xfe53_4d42, "smb2"),
    (0x517b, "smb"),
    (FUSE, "fuse"),
    (0x0102_1997, "9p"),
    (0x5346_414f, "afs"),
    (0x6b41_4653, "afs"),
    (0x7375_7245, "coda"),
    (0x564c, "ncp"),
    (0x2003_0528, "orangefs"),
    (0x1983_0326, "beegfs"),
    (0x786f_4256, "vboxsf"),
    (0xbacb_acbc, "vmhgfs"),
    (0x7c7c_6673, "prl_fs"),
];

/// The name of a kind of file system that another machine or a program serves, which makes the time stamps too; none
/// for all others.
pub fn shared_name(kind: u32) -> Option<&'static str> {
    SHARED.iter().find(|(shared, _)| *shared == kind).map(|(_, name)| *name)
}

/// The name of the kind of file system, when another machine, or another mount, may use the same files without seeing the
/// locks of this one: NFS, CIFS, FUSE and others. A disk of this machine behind FUSE (exFAT, NTFS) is not one of
/// them, since nobody else can mount it.
pub fn locks_only_here(kind: u32, is_on_disk: bool) -> Option<&'static str> {
    shared_name(kind).filter(|_| kind != FUSE || !is_on_disk)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_on_what_other_machines_share_are_not_relied_on() {
        for kind in [0x6969, 0xff53_4d42, 0xfe53_4d42, FUSE, 0x0102_1997] {
            assert!(locks_only_here(kind, false).is_some(), "{kind:x}");
        }
        for kind in [0xef53, 0x0102_1994, 0x5846_5342, 0x794c_7630, 1] {
            assert!(locks_only_here(kind, false).is_none(), "{kind:x}");
        }
    }

    #[test]
    fn a_disk_behind_fuse_has_the_locks_of_this_machine_and_a_cluster_on_a_shared_disk_has_not() {
        assert!(locks_only_here(FUSE, true).is_none());
        assert!(locks_only_here(0x7461_636f, true).is_some());
    }
}
