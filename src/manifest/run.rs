//! The manifest: the sealed record of one run, and the commit point of its snapshot.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::node::{Content, Node};
use crate::error::{Error, Result};
use crate::id::{ClientId, MachineId, RootId, RunId, SnapshotId};
use crate::units::Timestamp;
use crate::wire::{self, Extensions};

/// Extension of a manifest: which machine it was made on ([`MachineId`]). Not critical: who does not know it
/// takes machines of one name for one.
pub const MACHINE: u16 = 1;

/// The kind of a snapshot: what was read, and what its change view is measured against. Every kind
/// restores alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Every byte was read.
    Full,
    /// Read what changed since the newest snapshot of the series.
    Incremental,
    /// Read what changed since the newest full of the series.
    Differential,
}

impl Kind {
    /// `full`, `incremental`, `differential`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Full => "full",
            Kind::Incremental => "incremental",
            Kind::Differential => "differential",
        }
    }
}

/// What must be equal for an unchanged file to be taken from the base without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StatTrust {
    /// Size, type, mtime, ctime and inode.
    Full,
    /// Size, type, mtime and ctime, for file systems whose inode numbers change.
    NoInode,
    /// Size, type and mtime, for file systems without a ctime of their own.
    Mtime,
}

impl StatTrust {
    /// `full`, `no-inode`, `mtime`.
    pub fn name(self) -> &'static str {
        match self {
            StatTrust::Full => "full",
            StatTrust::NoInode => "no-inode",
            StatTrust::Mtime => "mtime",
        }
    }
}

/// The options of a run that a later run without a path takes again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotOptions {
    /// Patterns of `--exclude`, in order, and the lines of the files of `--exclude-file`.
    pub excludes: Vec<String>,
    /// `--exclude-caches`.
    pub exclude_caches: bool,
    /// `--one-file-system`.
    pub one_file_system: bool,
    /// `--stat-trust`, where it was given.
    pub stat_trust: Option<StatTrust>,
    /// The name under which standard input or the output of a command was saved. Such a run is
    /// never repeated by itself.
    pub stream: Option<String>,
    /// The arguments of the command whose output was saved.
    pub command: Vec<String>,
}

/// What a run did, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Regular files that the base did not have.
    pub files_new: u64,
    /// Regular files that differ from the base's.
    pub files_changed: u64,
    /// Regular files that are as in the base.
    pub files_unchanged: u64,
    /// Folders.
    pub directories: u64,
    /// Symbolic links, pipes and devices.
    pub others: u64,
    /// Sum of the lengths of all regular files.
    pub bytes_total: u64,
    /// Bytes read from the source.
    pub bytes_read: u64,
    /// Plain bytes of chunks of file content that were not in the repository.
    pub bytes_new: u64,
    /// Bytes added to the repository, all objects but the manifest itself.
    pub bytes_stored: u64,
    /// Chunks of file content that were not in the repository.
    pub chunks_new: u64,
    /// Files and folders that could not be read, and files that changed while they were read.
    pub problems: u64,
}

/// The newest time stamp seen on a file system whose clock is not this machine's (NFS, CIFS, FUSE).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileSystemClock {
    /// `f_fsid` of statfs.
    pub file_system: u64,
    /// The newest mtime or ctime seen on it.
    pub newest: Timestamp,
}

/// One top-level entry of a snapshot: a source with everything below it, or a folder above one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootEntry {
    /// The absolute path.
    #[serde(with = "serde_bytes")]
    pub path: Vec<u8>,
    /// The entry itself; its name is the last part of the path. For `/` the name is `/`.
    pub node: Node,
}

/// The record of one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The run.
    pub run: RunId,
    /// Who wrote it.
    pub client: ClientId,
    /// One more than the highest counter that the writer knew: the order of snapshots when clocks
    /// disagree.
    pub counter: u64,
    /// The newest manifest that the writer knew, so that a store that was rolled back is noticed.
    pub previous: Option<SnapshotId>,
    /// Full, incremental or differential.
    pub kind: Kind,
    /// What the change view is measured against.
    pub base: Option<SnapshotId>,
    /// The line of snapshots that this one belongs to.
    pub series: String,
    /// The machine.
    pub host: String,
    /// The user who ran it.
    pub user: String,
    /// The time that retention goes by.
    pub time: Timestamp,
    /// When the run began to look at the source. What changed within two seconds before it is not
    /// settled.
    pub started_at: Timestamp,
    /// When the manifest was sealed.
    pub committed_at: Timestamp,
    /// Clocks of file systems that are not this machine's.
    pub clocks: Vec<FileSystemClock>,
    /// The paths as given, made absolute.
    pub paths: Vec<serde_bytes::ByteBuf>,
    /// The options to take again.
    pub options: SnapshotOptions,
    /// Free words.
    pub tags: Vec<String>,
    /// The program that wrote it.
    pub program: String,
    /// The keyed hash of `entries`.
    pub root: RootId,
    /// The sources and the folders above them, sorted by path.
    pub entries: Vec<RootEntry>,
    /// What the run did.
    pub counts: Counts,
    /// Room to grow.
    pub extensions: Extensions,
}

impl Manifest {
    /// The number of the top-level entry that `path` lies in, the deepest of several: inodes of different ones are not
    /// compared. The first where it lies in none.
    pub fn root_of(&self, path: &[u8]) -> usize {
        let holds = |entry: &RootEntry| {
            // `/` has its slash already.
            let above = entry.path.strip_suffix(b"/").unwrap_or(&entry.path);
            path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
        };
        self.entries.iter().rposition(holds).unwrap_or_default()
    }

    /// The bytes of a manifest.
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    /// Decodes and checks a manifest.
    ///
    /// # Errors
    /// `Damaged`, or `Unsupported` for an unknown critical extension.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let manifest: Self = wire::decode(bytes, "a manifest")?;
        manifest.extensions.check(&[], "a manifest")?;
        if !manifest.entries.windows(2).all(|pair| pair[0].path < pair[1].path) {
            return Err(Error::damaged("a manifest", "its entries are not in order"));
        }
        manifest.entries.iter().try_for_each(check_entry)?;
        check_nesting(&manifest.entries)?;
        Ok(manifest)
    }

    /// Which machine it was made on; `None` when an early version did not say.
    pub fn machine(&self) -> Option<MachineId> {
        self.extensions.get(MACHINE).and_then(|bytes| bytes.try_into().ok()).map(MachineId)
    }

    /// The order of snapshots of one repository: by counter, then by the time of commit.
    pub fn order(&self) -> (u64, Timestamp) {
        (self.counter, self.committed_at)
    }
}

/// Nothing but ancestors may lie above an entry: a source holds what is below it itself.
fn check_nesting(entries: &[RootEntry]) -> Result<()> {
    let is_source = |entry: &&RootEntry| !matches!(entry.node.content, Content::Ancestor);
    let sources: HashSet<&[u8]> = entries.iter().filter(is_source).map(|entry| entry.path.as_slice()).collect();
    for entry in entries {
        let is_below_root = sources.contains(&b"/"[..]) && entry.path != b"/";
        let mut ends = entry.path.iter().enumerate().skip(1).filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        if is_below_root || ends.any(|end| sources.contains(&entry.path[..end])) {
            return Err(Error::damaged("a manifest", "a source lies within another"));
        }
    }
    Ok(())
}

fn check_entry(entry: &RootEntry) -> Result<()> {
    let impossible = || Error::damaged("a manifest", "a source has an impossible path");
    if entry.path == b"/" {
        if entry.node.name != b"/" || !entry.node.is_directory() {
            return Err(impossible());
        }
        let mut node = entry.node.clone();
        node.name = b"root".to_vec();
        return node.check();
    }
    let relative = entry.path.strip_prefix(b"/").ok_or_else(impossible)?;
    for part in relative.split(|byte| *byte == b'/') {
        super::node::check_name(part).map_err(|_| impossible())?;
    }
    if relative.rsplit(|byte| *byte == b'/').next() != Some(&entry.node.name) {
        return Err(impossible());
    }
    if matches!(entry.node.content, Content::Ancestor) && entry.node.flags != 0 {
        return Err(impossible());
    }
    entry.node.check()
}
