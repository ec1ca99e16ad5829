//! What is to be restored, where to, and how.

use std::path::PathBuf;
use std::sync::Arc;

use crate::source::Filter;
use crate::target::{ApplyOptions, Protected};

/// Which part of a snapshot is restored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum What {
    /// Everything; sources keep their absolute path below the destination.
    #[default]
    Everything,
    /// One absolute path of the snapshot: a file comes directly into the destination, of a folder its
    /// entries do, and the destination gets the folder's metadata. `/` is everything.
    Path(Vec<u8>),
    /// One absolute path of the snapshot, at that path below the destination, where [`What::Everything`] would put it.
    InPlace(Vec<u8>),
}

/// What happens to an entry of the destination that is in the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overwrite {
    /// It stays; where it differs by type, length, mtime or metadata it is reported as left.
    #[default]
    Never,
    /// It is replaced when it differs by type, length, mtime or hard links, and given its metadata when only
    /// that differs and it has no other name. A symbolic link where a folder
    /// belongs stays and is reported: whoever put it there may have moved the folder.
    IfChanged,
    /// It is replaced.
    Always,
}

/// How much is planned at a time. Memory grows with it: about 100 bytes a chunk, 500 a file, twice,
/// because one window is planned while another is executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowLimits {
    /// References to chunks.
    pub chunks: usize,
    /// Files, links and folders.
    pub entries: usize,
    /// Entries that may wait for a sync, and then for their names; about 500 bytes each.
    pub unnamed_entries: usize,
    /// Bytes of files that may wait for a sync.
    pub unnamed_bytes: u64,
}

impl Default for WindowLimits {
    fn default() -> Self {
        // 128 Ki references of 16 KiB each are 2 GiB of a database, in which each frame is read once.
        // A sync costs the disk a tenth of a second; half a GiB or some ten thousand files are seconds.
        Self { chunks: 131_072, entries: 10_000, unnamed_entries: 40_000, unnamed_bytes: 512 << 20 }
    }
}

/// Says of an absolute path of the snapshot whether it is meant.
pub type PathPredicate<'a> = dyn Fn(&[u8]) -> bool + Sync + 'a;

/// What is to be restored, where to, and how.
pub struct Request<'a> {
    /// Which part of the snapshot.
    pub what: What,
    /// The folder that is restored into; it is made when it is missing.
    pub destination: Vec<u8>,
    /// The name that an entry gets which is asked for by [`What::Path`] and is no folder; its own when there is none.
    pub name: Option<Vec<u8>>,
    /// What happens to entries that are in the way.
    pub overwrite: Overwrite,
    /// Only what matches one of these patterns is restored, with everything below it and with the
    /// folders above it. Patterns mean absolute paths of the snapshot.
    pub include: Option<Filter>,
    /// What matches one of these patterns is neither restored nor deleted.
    pub exclude: Option<Filter>,
    /// Only entries for whose absolute path it says true are restored, with the folders above them.
    pub changed_only: Option<&'a PathPredicate<'a>>,
    /// Where only changed entries are asked for: says of what the snapshot does not have whether that is a
    /// change. Only that is deleted.
    pub gone_only: Option<&'a PathPredicate<'a>>,
    /// Remove what the snapshot does not have from folders that are restored, but not what it did not look
    /// at.
    pub delete: bool,
    /// Let go what the snapshot did not look at too: what its filters left out, and what it could not read.
    pub delete_excluded: bool,
    /// What stays, whatever else is asked for: the repository, its cache, and the keys.
    pub protected: Arc<Protected>,
    /// Read every file back when all are written, and before that each one that is to stay as it is.
    pub verify: bool,
    /// Owners by number, even where the name exists on this machine.
    pub numeric_owner: bool,
    /// Restore inode flags (`chattr`).
    pub inode_flags: bool,
    /// Restore setuid, setgid and capabilities, to the right owner only.
    pub set_id: bool,
    /// Restore attributes of the namespace `trusted`.
    pub trusted_xattrs: bool,
    /// Leave holes as holes; else their space is taken.
    pub sparse: bool,
    /// How much is planned at a time.
    pub window: WindowLimits,
    /// A folder of this machine where running restores are written down, so that the next one finds what
    /// a killed one has left.
    pub records: Option<PathBuf>,
}

impl Request<'_> {
    /// A request for `what` into `destination` with everything else as a user expects it.
    pub fn new(what: What, destination: impl Into<Vec<u8>>) -> Self {
        Self {
            what,
            destination: destination.into(),
            name: None,
            overwrite: Overwrite::default(),
            include: None,
            exclude: None,
            changed_only: None,
            gone_only: None,
            delete: false,
            delete_excluded: false,
            protected: Arc::default(),
            verify: false,
            numeric_owner: false,
            inode_flags: false,
            set_id: true,
            trusted_xattrs: false,
            sparse: true,
            window: WindowLimits::default(),
            records: None,
        }
    }

    /// How metadata is restored.
    pub(super) fn apply_options(&self) -> ApplyOptions {
        ApplyOptions {
            numeric_owner: self.numeric_owner,
            inode_flags: self.inode_flags,
            set_id: self.set_id,
            trusted_xattrs: self.trusted_xattrs,
            ..ApplyOptions::default()
        }
    }
}
