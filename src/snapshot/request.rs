//! What a run is asked to do.

use std::sync::Mutex;

use crate::databases::Profile;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Kind, SnapshotOptions, Unwanted};
use crate::platform::{Handle, waiting};
use crate::units::Timestamp;

/// Where the content of a stream comes from.
pub enum Stream {
    /// Any reader, for one run. A read that blocks is not interrupted.
    Reader(Mutex<Option<Box<dyn std::io::Read + Send>>>),
    /// An open pipe, terminal or file. A request to stop is noticed while it has nothing to read.
    Handle(Handle),
    /// The output of a command and its arguments; a command that fails commits nothing.
    Command(Vec<std::ffi::OsString>),
}

impl Stream {
    /// What a reader gives.
    pub fn reader(reader: impl std::io::Read + Send + 'static) -> Self {
        Self::Reader(Mutex::new(Some(Box::new(reader))))
    }

    /// Standard input.
    ///
    /// # Errors
    /// `Other` when it is closed.
    pub fn standard_input() -> Result<Self> {
        let failed = |error| Error::io("cannot read", "standard input", error).with_kind(ErrorKind::Other);
        waiting::standard_input(&std::io::stdin()).map_err(failed)?.map(Stream::Handle).ok_or_else(|| {
            let message = "standard input is closed or /dev/null, so there is nothing to save; nothing was committed";
            Error::new(ErrorKind::Other, message)
        })
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
    /// The clock: a run asks it when it begins, and again when it commits, which may be hours later.
    pub clock: fn() -> Timestamp,
    /// Folders to leave out wherever they are met, as (device, inode): the repository itself.
    pub skip: Vec<(u64, u64)>,
    /// It repeats an earlier run, whose patterns nobody has just written.
    pub is_repeat: bool,
    /// Read and count, but store nothing.
    pub dry_run: bool,
    /// Save a stream, under the name in `options.stream`, instead of paths.
    pub stream: Option<Stream>,
    /// Databases to hold and save beside the paths, in this order.
    pub databases: Vec<Box<dyn Profile>>,
    /// Short files about the run itself, by their names: the configuration, the facts of the machine. They stand in
    /// [`NOTES_FOLDER`](crate::manifest::NOTES_FOLDER) of the snapshot, for the day when the machine is gone.
    pub notes: Vec<(String, Vec<u8>)>,
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
            databases: Vec::new(),
            notes: Vec::new(),
            pin: false,
            checkpoint_chunks: None,
        }
    }
}
