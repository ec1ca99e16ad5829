//! The folders above a place that something is to be made in.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::retry_on_intr;

use super::mount::look;
use crate::platform::names;

/// Folders nest no deeper on the way from a destination to `/`.
const DEPTH_MAX: usize = 16_384;
/// A folder by its handle, through links.
const FOLDER: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);

/// The nearest folder of `path` that is there: it, or the one that what is missing of it would be made in.
/// Two where a name that is missing stands before a `..`: as it is written, and as it will be when that
/// is made.
pub fn nearest_folders(path: &[u8]) -> Vec<OwnedFd> {
    let path = names::to_path(path);
    let open = |path: &Path| retry_on_intr(|| openat(CWD, path, FOLDER, Mode::empty())).ok();
    let nearest = |path: PathBuf| path.ancestors().find_map(|path| open(if path.as_os_str().is_empty() { Path::new(".") } else { path }));
    [path.to_path_buf(), without_parents(&path)].into_iter().filter_map(nearest).collect()
}

/// Whether `is_it` says so of `folder`, or of one of the folders above it.
pub fn is_any_above(folder: OwnedFd, mut is_it: impl FnMut(BorrowedFd<'_>) -> bool) -> bool {
    let mut here = folder;
    for _ in 0..DEPTH_MAX {
        if is_it(here.as_fd()) {
            return true;
        }
        let Ok((existing, mount)) = look(here.as_fd(), b"") else { return false };
        let Ok(up) = retry_on_intr(|| openat(&here, c"..", FOLDER, Mode::empty())) else { return false };
        match look(up.as_fd(), b"") {
            Ok((above, mount_above)) if above.identity != existing.identity || mount_above != mount => here = up,
            _ => return false,
        }
    }
    false
}

/// The path without `..` and the names before them, whatever those are.
fn without_parents(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir if plain.file_name().is_some() => _ = plain.pop(),
            part => plain.push(part),
        }
    }
    plain
}
