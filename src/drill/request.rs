//! What is to be shown.

use std::path::PathBuf;

/// How much is restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// So many of the newest files.
    pub newest: usize,
    /// So many others: of each size, each ending and each age.
    pub random: usize,
    /// So many databases.
    pub databases: usize,
}

impl Default for Sample {
    fn default() -> Self {
        Self { newest: 20, random: 50, databases: usize::MAX }
    }
}

/// What is to be shown.
#[derive(Clone, Debug)]
pub struct Request {
    /// How much is restored.
    pub sample: Sample,
    /// A folder below which it is restored to, best on another file system than the repository: else it is not shown that
    /// anything but the disk of the repository can be restored to, and the outcome says so.
    pub scratch: PathBuf,
    /// What the choice follows from; the same seed chooses the same.
    pub seed: u64,
}
