//! Inode flags that count only while a file is empty.
//!
//! btrfs takes "no copy on write" for an empty file alone and ignores it afterwards, and compresses
//! only what is written under the flag. All other flags come last, see [`super::apply_inode_flags`].

use std::os::fd::AsFd;

use rustix::fs::IFlags;

use super::file::NewFile;
use super::metadata::{ApplyOptions, SETTABLE};
use crate::error::Result;
use crate::manifest::Metadata;

const EARLY: IFlags = IFlags::NOCOW.union(IFlags::COMPRESSED);

impl NewFile {
    /// Sets those inode flags that a file must have before its content, if the options ask for it. What
    /// cannot be set is reported when the others are.
    ///
    /// # Errors
    /// `Changed` when the file was replaced.
    pub fn prepare(&self, metadata: &Metadata, options: &ApplyOptions) -> Result<()> {
        let wanted = IFlags::from_bits_retain(metadata.inode_flags) & EARLY;
        if !options.inode_flags || wanted.is_empty() {
            return Ok(());
        }
        let handle = self.handle()?;
        if let Ok(current) = rustix::fs::ioctl_getflags(&handle) {
            let _ = rustix::fs::ioctl_setflags(handle.as_fd(), current | wanted);
        }
        Ok(())
    }
}

/// Whether something was saved of an entry that is restored only when it is asked for, and was not:
/// inode flags, or attributes of the namespace `trusted`.
pub fn is_left_behind(metadata: &Metadata, options: &ApplyOptions) -> bool {
    let has_flags = IFlags::from_bits_retain(metadata.inode_flags).intersects(SETTABLE);
    let has_trusted = || metadata.xattrs.iter().any(|xattr| xattr.name.starts_with(b"trusted."));
    (has_flags && !options.inode_flags) || (!options.trusted_xattrs && has_trusted())
}
