//! What is known of the file system that something open lies on: its number, its room, its disk. For its kind see
//! [`super::Kind`].

use super::failure::{Failure, Result};
use super::handle::AsHandle;

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

/// Whether two paths lie on one file system; none where that cannot be found out. Of one that is not there yet, the
/// nearest folder above it counts.
pub fn same_disk(a: &std::path::Path, b: &std::path::Path) -> Option<bool> {
    use std::os::unix::fs::MetadataExt;
    let device = |path: &std::path::Path| path.ancestors().find_map(|path| std::fs::metadata(path).ok()).map(|found| found.dev());
    Some(device(a)? == device(b)?)
}
