//! A folder of files that change, and what its files are: the truth that snapshots are compared with.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

/// Path below the source to content.
pub type Files = BTreeMap<String, Arc<[u8]>>;

/// A source folder.
pub struct Source {
    folder: TempDir,
    files: Files,
    writes: u64,
}

impl Source {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), files: Files::new(), writes: 0 }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn files(&self) -> &Files {
        &self.files
    }

    /// Writes a file. Its time is a second later than that of the write before, whatever the clock
    /// says: snapshots here run at a time at which every stamp is settled.
    pub fn write(&mut self, name: &str, content: Vec<u8>) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &content).unwrap();
        self.writes += 1;
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000 + self.writes);
        File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        self.files.insert(name.to_owned(), content.into());
    }

    pub fn remove(&mut self, name: &str) {
        if self.files.remove(name).is_some() {
            fs::remove_file(self.path().join(name)).unwrap();
        }
    }
}

/// Bytes that do not compress, the same for the same seed.
pub fn noise(seed: &str, bytes: usize) -> Vec<u8> {
    let mut out = vec![0; bytes];
    blake3::Hasher::new_derive_key(seed).finalize_xof().fill(&mut out);
    out
}

/// A database: it is cut into fixed pages, which travel in frames of 256 KiB.
pub fn database(seed: &str, bytes: usize) -> Vec<u8> {
    [b"SQLite format 3\0".to_vec(), noise(seed, bytes)].concat()
}
