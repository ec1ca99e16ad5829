//! What a run is asked to do, and what came of it.

use std::os::fd::AsFd;

use super::problems::ProblemCounts;
use crate::error::{Error, ErrorKind, Result};
use crate::id::SnapshotId;
use crate::manifest::SourceCounts;
use crate::manifest::{Kind, Manifest, SnapshotOptions, Unwanted};
use crate::units::Timestamp;

/// Where the content of a stream comes from.
pub enum Stream {
    /// Any reader. A read that blocks is not interrupted.
    Reader(Box<dyn std::io::Read + Send>),
    /// An open pipe, terminal or file. A request to stop is noticed while it has nothing to read.
    Handle(std::os::fd::OwnedFd),
    /// The output of a command and its arguments; a command that fails commits nothing.
    Command(Vec<std::ffi::OsString>),
}

impl Stream {
    /// Standard input.
    ///
    /// # Errors
    /// `Other` when it is closed.
    pub fn standard_input() -> Result<Self> {
        let stdin = std::io::stdin();
        // Where a program is started with its standard input closed, it is given the null device instead.
        let is_null = |a: &rustix::fs::Stat, b: &rustix::fs::Stat| (a.st_mode, a.st_rdev) == (b.st_mode, b.st_rdev);
        if let (Ok(input), Ok(null)) = (rustix::fs::fstat(stdin.as_fd()), rustix::fs::stat("/dev/null"))
            && is_null(&input, &null)
        {
            let message = "standard input is closed or /dev/null, so there is nothing to save; nothing was committed";
            return Err(Error::new(ErrorKind::Other, message));
        }
        let handle = stdin.as_fd().try_clone_to_owned();
        handle.map(Stream::Handle).map_err(|error| Error::io("cannot read", "standard input", error).with_kind(ErrorKind::Other))
    }
}

/// What to save and how.
pub struct Request {
    /// Absolute paths, without `.` and `..`.
    pub paths: Vec<Vec<u8>>,
    /// Filters and trust; taken again by a later run without paths.
    pub options: SnapshotOptions,
    /// What is left out by what it is, not by its path; taken again too.
    pub unwanted: Unwanted,
    /// Full, incremental or differential.
    pub kind: Kind,
    /// The line of snapshots; by default made from host and paths.
    pub series: Option<String>,
    /// The machine.
    pub host: String,
    /// What the system calls this machine, the same at every start and on no other (`/etc/machine-id`); only a
    /// keyed hash of it is kept.
    pub machine: Option<Vec<u8>>,
    /// The user who runs it.
    pub user: String,
    /// Free words.
    pub tags: Vec<String>,
    /// The time that retention goes by; by default the start of the run. Never in the future.
    pub time: Option<Timestamp>,
    /// The clock.
    pub clock: fn() -> Timestamp,
    /// Folders to leave out wherever they are met, as (device, inode): the repository itself.
    pub skip: Vec<(u64, u64)>,
    /// It repeats an earlier run, whose patterns nobody has just written.
    pub is_repeat: bool,
    /// Read and count, but store nothing.
    pub dry_run: bool,
    /// Save a stream, under the name in `options.stream`, instead of paths.
    pub stream: Option<Stream>,
    /// Pin the snapshot as soon as it is committed, before anybody could remove it.
    pub pin: bool,
    /// Make what was stored durable after so many new chunks; `None` for the usual number.
    pub checkpoint_chunks: Option<u64>,
}

impl Request {
    /// A request for `paths` with everything else as usual.
    pub fn new(paths: Vec<Vec<u8>>, host: impl Into<String>, user: impl Into<String>) -> Self {
        Self {
            paths,
            options: SnapshotOptions::default(),
            unwanted: Unwanted::default(),
            kind: Kind::Incremental,
            series: None,
            host: host.into(),
            machine: None,
            user: user.into(),
            tags: Vec::new(),
            time: None,
            clock: Timestamp::now,
            skip: Vec::new(),
            is_repeat: false,
            dry_run: false,
            stream: None,
            pin: false,
            checkpoint_chunks: None,
        }
    }
}

/// What came of a run.
pub struct Outcome {
    /// The snapshot; `None` after a dry run.
    pub id: Option<SnapshotId>,
    /// Its manifest.
    pub manifest: Manifest,
    /// Packs of an interrupted run that were taken over.
    pub packs_adopted: u64,
    /// What each source has, with the sources within it; none for a stream.
    pub sources: Vec<SourceCounts>,
    /// Files that the base has and that are gone; none without a base.
    pub files_removed: Option<u64>,
    /// The owner was told that a source has lost most of its files.
    pub has_loss: bool,
    /// What could not be read, and what changed meanwhile.
    pub problems: ProblemCounts,
    /// What was left out by what it is.
    pub left_out: LeftOut,
    /// Where `--one-file-system` did not go on: at most [`OTHER_FILE_SYSTEMS_MAX`] of these folders, in order.
    pub other_file_systems: Vec<Vec<u8>>,
}

/// So many folders on other file systems are named.
pub const OTHER_FILE_SYSTEMS_MAX: usize = 1000;

/// How much was left out by what it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Files that are too large.
    pub large_files: u64,
    /// The sum of their lengths.
    pub large_bytes: u64,
    /// Folders that hold a mark.
    pub marked_folders: u64,
}
