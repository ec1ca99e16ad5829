//! The folders above a place that something is to be made in.

use std::path::{Component, Path, PathBuf};

use super::handle::{AsHandle, Handle, HandleRef};
use super::{look, names, open};

/// Folders nest no deeper on the way from a destination to `/`.
const DEPTH_MAX: usize = 16_384;

/// The nearest folder of `path` that is there: it, or the one that what is missing of it would be made in.
/// Two where a name that is missing stands before a `..`: as it is written, and as it will be when that
/// is made.
pub fn nearest_folders(path: &[u8]) -> Vec<Handle> {
    let path = names::to_path(path);
    let nearest = |path: PathBuf| {
        path.ancestors().find_map(|path| open::pinned(if path.as_os_str().is_empty() { Path::new(".") } else { path }).ok())
    };
    [path.to_path_buf(), without_parents(&path)].into_iter().filter_map(nearest).collect()
}

/// Whether `is_it` says so of `folder`, or of one of the folders above it.
pub fn is_any_above(folder: Handle, mut is_it: impl FnMut(HandleRef<'_>) -> bool) -> bool {
    let mut here = folder;
    for _ in 0..DEPTH_MAX {
        if is_it(here.as_handle()) {
            return true;
        }
        let Ok((existing, mount)) = look::closely(&here, b"") else { return false };
        let Ok(up) = open::pinned_in(&here, "..") else { return false };
        match look::closely(&up, b"") {
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
