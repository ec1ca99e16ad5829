//! Inode flags, as `chattr` sets them.
//!
//! Only those are kept that a person chose: the others cannot be restored, and would make the same folder look
//! different on another disk.

use super::xattrs::is_unsupported;
use crate::error::Error;
use crate::platform::{AsHandle, inode_flags};
use crate::units::PathText;

/// The flags of `raw` that are kept.
pub(super) fn kept_flags(raw: u32) -> u32 {
    raw & inode_flags::CHOSEN
}

/// The flags of an open file or folder; 0 where the file system has none. A failure is told in
/// `notes`, and `fallback`, what statx said, is taken.
pub(super) fn read_inode_flags(handle: impl AsHandle, fallback: u32, shown: &[u8], notes: &mut Vec<Error>) -> u32 {
    match inode_flags::read(&handle) {
        Ok(flags) => kept_flags(flags),
        Err(failure) if is_unsupported(failure) => kept_flags(fallback),
        Err(failure) => {
            notes.push(Error::io("cannot read the inode flags of", PathText(shown), failure));
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
