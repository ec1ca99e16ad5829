//! Inode flags, as `chattr` sets them.
//!
//! `FS_IOC_GETFLAGS` tells two sorts of things: what a person chose, and how the file system happens
//! to keep the inode (by extents, with an index, inline). Only the first sort is kept: the second
//! cannot be restored, and would make the same folder look different on another disk.

use rustix::fd::AsFd;
use rustix::io::retry_on_intr;

use super::xattrs::is_unsupported;
use crate::error::Error;
use crate::units::PathText;

/// The flags that a person can set. Secure removal, undelete, compressed, synchronous, immutable,
/// append only, no dump, no access time.
const COMMON: u32 = 0x0000_00ff;
/// Not compressed, journalled data, no tail merging, synchronous folder, top of a hierarchy.
const LESS_COMMON: u32 = 0x0000_0400 | 0x0000_4000 | 0x0000_8000 | 0x0001_0000 | 0x0002_0000;
/// Not copied on write, direct access, inherited project, folded case.
const LATER: u32 = 0x0080_0000 | 0x0200_0000 | 0x2000_0000 | 0x4000_0000;

/// The flags of `raw` that are kept.
pub(super) fn kept_flags(raw: u32) -> u32 {
    raw & (COMMON | LESS_COMMON | LATER)
}

/// The flags of an open file or folder; 0 where the file system has none. A failure is told in
/// `notes`, and `fallback`, what statx said, is taken.
pub(super) fn read_inode_flags(handle: impl AsFd, fallback: u32, shown: &[u8], notes: &mut Vec<Error>) -> u32 {
    match retry_on_intr(|| rustix::fs::ioctl_getflags(&handle)) {
        Ok(flags) => kept_flags(flags.bits()),
        Err(errno) if is_unsupported(errno) => kept_flags(fallback),
        Err(errno) => {
            notes.push(Error::io("cannot read the inode flags of", PathText(shown), errno));
            kept_flags(fallback)
        }
    }
}

#[cfg(test)]
mod tests {
    use rustix::fs::IFlags;

    use super::*;

    #[test]
    fn what_a_person_chose_is_kept_and_how_the_inode_is_stored_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = std::fs::File::create(folder.path().join("file")).unwrap();
        let Ok(before) = rustix::fs::ioctl_getflags(&file) else {
            eprintln!("skipped: this file system has no inode flags");
            return;
        };
        rustix::fs::ioctl_setflags(&file, before | IFlags::NODUMP).unwrap();
        let mut notes = Vec::new();
        assert_eq!(read_inode_flags(&file, 0, b"file", &mut notes), IFlags::NODUMP.bits());
        assert!(notes.is_empty());
        const EXTENTS: u32 = 0x0008_0000;
        assert_eq!(kept_flags(EXTENTS | IFlags::NOCOW.bits()), IFlags::NOCOW.bits());
    }
}
