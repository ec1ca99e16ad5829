//! Tests of the module as a whole, on a real folder. What needs the privileges of root is left out
//! without them.

mod attributes;
mod hostile;
mod protecting;
mod writing;

use crate::platform::AsHandle;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::manifest::Metadata;
use crate::units::Timestamp;

fn destination() -> (TempDir, Arc<Destination>) {
    let folder = tempfile::tempdir().unwrap();
    let destination = Destination::open(folder.path().as_os_str().as_bytes(), false).unwrap();
    (folder, destination)
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Plain metadata of a file that belongs to whoever runs the test.
fn plain(mode: u32) -> Metadata {
    Metadata {
        mode,
        uid: rustix::process::geteuid().as_raw(),
        gid: rustix::process::getegid().as_raw(),
        mtime: Timestamp::new(1_600_000_000, 123_456_789),
        ..Metadata::default()
    }
}

/// Names in a folder as the standard library sees them, sorted.
fn names_in(path: &std::path::Path) -> Vec<Vec<u8>> {
    let mut names: Vec<_> = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().as_bytes().to_vec()).collect();
    names.sort();
    names
}

/// All steps of a file at once, without a sync.
impl NewFile {
    fn finish(&self, metadata: &Metadata, options: &ApplyOptions, replace: bool) -> crate::error::Result<Vec<String>> {
        let mut notes = self.complete(metadata, options)?;
        if let Some(handle) = self.give_name(replace)? {
            notes.extend(apply_inode_flags(handle.as_handle(), metadata, options));
        }
        Ok(notes)
    }
}
