//! A place in a snapshot: all of it, or what lies at one path.
//!
//! Paths are normalised here once, so that the rest of the module compares bytes and nothing else.

use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Manifest, Node};
use crate::repository::ChunkReader;
use crate::trees::{SnapshotView, roots_below};
use crate::units::PathText;

/// A snapshot, or what lies at one path in it.
#[derive(Clone, Debug)]
pub struct Place<'m> {
    manifest: &'m Manifest,
    /// Absolute, without a slash at its end: empty for the whole snapshot.
    path: Vec<u8>,
}

impl<'m> Place<'m> {
    /// The whole snapshot.
    pub fn whole(manifest: &'m Manifest) -> Self {
        Self { manifest, path: Vec::new() }
    }

    /// What lies at `path`, which may have slashes too many; `/` is the whole snapshot.
    ///
    /// # Errors
    /// `Invalid` when the path is not absolute or has `.` or `..` in it.
    pub fn at(manifest: &'m Manifest, path: &[u8]) -> Result<Self> {
        Ok(Self { manifest, path: normalise(path)? })
    }

    /// The absolute path; `/` for the whole snapshot.
    pub fn path(&self) -> &[u8] {
        if self.path.is_empty() { b"/" } else { &self.path }
    }

    /// The snapshot.
    pub fn manifest(&self) -> &'m Manifest {
        self.manifest
    }

    /// True for the whole snapshot, which is there even when no entry is called `/`.
    pub(super) fn is_whole(&self) -> bool {
        self.path.is_empty()
    }

    /// The path `relative` below this place, where `relative` is empty or begins with a slash.
    pub(super) fn join(&self, relative: &[u8]) -> Vec<u8> {
        let joined = [&self.path, relative].concat();
        if joined.is_empty() { b"/".to_vec() } else { joined }
    }

    /// The entry at this place; `None` when the snapshot has none, and for a whole snapshot whose
    /// source is not `/`.
    ///
    /// # Errors
    /// `NotFound`, `Damaged` when a tree on the way cannot be read.
    pub fn find(&self, reader: &ChunkReader) -> Result<Option<Node>> {
        SnapshotView::new(reader, self.manifest).lookup(self.path())
    }

    /// The error for a place where nothing is.
    pub(super) fn nothing_there(&self) -> Error {
        Error::new(ErrorKind::NotFound, format!("the snapshot has no {}", PathText(self.path())))
    }

    /// The sources and the folders above sources directly below `relative`, sorted by name.
    pub(super) fn roots_below(&self, relative: &[u8]) -> Vec<Node> {
        roots_below(&self.manifest.entries, &[&self.path, relative].concat()).map(|entry| entry.node.clone()).collect()
    }
}

/// An absolute path without needless slashes; empty for `/`.
///
/// # Errors
/// `Invalid`.
pub(super) fn normalise(path: &[u8]) -> Result<Vec<u8>> {
    let invalid = |why: &str| Error::new(ErrorKind::Invalid, format!("`{}` {why}", PathText(path)));
    if path.first() != Some(&b'/') {
        return Err(invalid("is not an absolute path"));
    }
    let mut normal = Vec::with_capacity(path.len());
    for part in path.split(|byte| *byte == b'/').filter(|part| !part.is_empty()) {
        if part == b"." || part == b".." {
            return Err(invalid("has `.` or `..` in it"));
        }
        normal.push(b'/');
        normal.extend_from_slice(part);
    }
    Ok(normal)
}

/// Whether `path` is `above` or lies below it; both are absolute, without a slash at their end.
pub fn is_at_or_below(path: &[u8], above: &[u8]) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needless_slashes_go_and_relative_paths_are_refused() {
        assert_eq!(normalise(b"//home///a\xff/").unwrap(), b"/home/a\xff");
        assert_eq!(normalise(b"/").unwrap(), b"");
        for path in [&b""[..], b"home", b"/a/../b", b"/./a"] {
            assert_eq!(normalise(path).unwrap_err().kind(), ErrorKind::Invalid, "{path:?}");
        }
    }

    #[test]
    fn a_longer_name_is_not_below_a_shorter_one() {
        assert!(is_at_or_below(b"/home/a", b"/home") && is_at_or_below(b"/home", b"/home") && is_at_or_below(b"/x", b""));
        assert!(!is_at_or_below(b"/homework", b"/home") && !is_at_or_below(b"/", b"/home"));
    }
}
