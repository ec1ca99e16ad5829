//! A restored file beside the live one: where size and time have not changed since, the bytes must not have either.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::manifest::Node;
use crate::platform::look;

/// What came of comparing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compared {
    /// The same bytes.
    Same,
    /// Other bytes, though nobody has changed the file.
    Rotten,
    /// The live file is gone, was changed, or cannot be read: nothing can be said.
    Nothing,
}

/// Compares the file that was restored to `copy` with the live one at `live`, of which the snapshot has `node`.
pub(super) fn compare(copy: &Path, live: &Path, node: &Node) -> Compared {
    let is_as_it_was = || {
        let found = std::fs::symlink_metadata(live).ok()?;
        let modified = look::modified(&found);
        (found.is_file() && found.len() == node.file_bytes() && modified == node.metadata.mtime).then_some(())
    };
    if is_as_it_was().is_none() {
        return Compared::Nothing;
    }
    let same = same_bytes(copy, live);
    // It may have been changed while it was read.
    match (same, is_as_it_was()) {
        (Some(true), _) => Compared::Same,
        (Some(false), Some(())) => Compared::Rotten,
        _ => Compared::Nothing,
    }
}

fn same_bytes(a: &Path, b: &Path) -> Option<bool> {
    let (mut a, mut b) = (File::open(a).ok()?, File::open(b).ok()?);
    let (mut left, mut right) = (vec![0; 256 << 10], vec![0; 256 << 10]);
    loop {
        let read = fill(&mut a, &mut left)?;
        if fill(&mut b, &mut right)? != read || left[..read] != right[..read] {
            return Some(false);
        }
        if read == 0 {
            return Some(true);
        }
    }
}

fn fill(file: &mut File, buffer: &mut [u8]) -> Option<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(bytes) => filled += bytes,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
    Some(filled)
}
