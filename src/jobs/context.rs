//! What a run of a job has around it.

use crate::config::Config;
use crate::manifest::Occasion;
use crate::repository::Repository;
use crate::units::Timestamp;

use super::state::StateFolder;

/// What a run of a job has around it.
pub struct Context<'c> {
    /// The repository.
    pub repository: &'c Repository,
    /// The configuration.
    pub config: &'c Config,
    /// This machine's folder for what outlives a run and is no part of the repository.
    pub state: &'c StateFolder,
    /// The name of the machine.
    pub host: String,
    /// What the system calls it.
    pub machine: Option<Vec<u8>>,
    /// The user who runs it.
    pub user: String,
    /// Folders to leave out wherever they are met, as (device, inode): the repository itself.
    pub skip: Vec<(u64, u64)>,
    /// The repository once more, opened without what this machine remembers, and where it lies: what a drill needs. None
    /// where none is to be made.
    pub fresh: Option<(&'c Repository, std::path::PathBuf)>,
    /// The clock.
    pub clock: fn() -> Timestamp,
}

/// How a job is run this time.
#[derive(Clone, Debug)]
pub struct RunRequest {
    /// What made it run.
    pub occasion: Occasion,
    /// What a person writes to it.
    pub note: String,
    /// The snapshot is pinned.
    pub pin: bool,
    /// Only say what would be done.
    pub dry_run: bool,
}

impl Default for RunRequest {
    /// By hand, without a word.
    fn default() -> Self {
        Self { occasion: Occasion::Hand, note: String::new(), pin: false, dry_run: false }
    }
}
