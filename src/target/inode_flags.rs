//! Inode flags (`chattr`): two of them while a file is empty, and all others last of all.
//!
//! btrfs takes "no copy on write" for an empty file alone and ignores it afterwards, and compresses
//! only what is written under the flag. An immutable file takes no change any more, so all
//! other flags come when it has all its names.

use super::attributes::reason;
use super::file::NewFile;
use super::metadata::ApplyOptions;
use crate::error::Result;
use crate::manifest::Metadata;
use crate::platform::inode_flags::{self, BEFORE_CONTENT, SETTABLE};
use crate::platform::{self, AsHandle, Failure};

impl NewFile {
    /// Sets those inode flags that a file must have before its content, if the options ask for it. What
    /// cannot be set is reported when the others are.
    ///
    /// # Errors
    /// `Changed` when the file was replaced.
    pub fn prepare(&self, metadata: &Metadata, options: &ApplyOptions) -> Result<()> {
        let wanted = metadata.inode_flags & BEFORE_CONTENT;
        if !options.inode_flags || wanted == 0 {
            return Ok(());
        }
        let handle = self.handle()?;
        if let Ok(current) = inode_flags::read(&handle) {
            let _ = inode_flags::set(&handle, current | wanted);
        }
        Ok(())
    }
}

/// Whether something was saved of an entry that is restored only when it is asked for, and was not:
/// inode flags, or attributes of the namespace `trusted`.
pub fn is_left_behind(metadata: &Metadata, options: &ApplyOptions) -> bool {
    let has_flags = metadata.inode_flags & SETTABLE != 0;
    let has_trusted = || metadata.xattrs.iter().any(|xattr| xattr.name.starts_with(b"trusted."));
    (has_flags && !options.inode_flags) || (!options.trusted_xattrs && has_trusted())
}

/// Whether an open file or folder has the inode flags that a restore would give it.
pub(super) fn has_inode_flags(handle: impl AsHandle, metadata: &Metadata) -> bool {
    let recorded = metadata.inode_flags & SETTABLE;
    // Where there are none, setting them says so.
    inode_flags::read(handle).map_or(recorded == 0, |found| found & SETTABLE == recorded)
}

/// Sets the inode flags of an open file or folder if the options ask for it, as the very last step:
/// after the file has its name, and every hard link of it is made.
pub fn apply_inode_flags(handle: impl AsHandle, metadata: &Metadata, options: &ApplyOptions) -> Vec<String> {
    let recorded = metadata.inode_flags & SETTABLE;
    if !options.inode_flags {
        return Vec::new();
    }
    let set = || -> platform::failure::Result<u32> {
        let current = match inode_flags::read(&handle) {
            Err(Failure::NO_QUESTION | Failure::UNSUPPORTED) if recorded == 0 => return Ok(0),
            result => result?,
        };
        let wanted = (current & !SETTABLE) | recorded;
        if current == wanted {
            return Ok(0);
        }
        inode_flags::set(&handle, wanted)?;
        // Some file systems take a flag without a word and do not keep it.
        Ok(recorded & !inode_flags::read(&handle)?)
    };
    match set() {
        Ok(0) => Vec::new(),
        Ok(missing) => vec![format!("inode flags {:#x} not restored: the file system did not keep them", missing)],
        Err(failure) => vec![format!("inode flags {:#x} not restored: {}", recorded, reason(failure))],
    }
}
