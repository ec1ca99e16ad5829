//! What is asked to be written down.

use crate::error::{Error, ErrorKind, Result};
use crate::id::SnapshotId;
use crate::units::Timestamp;

/// What becomes of the tags and the pin of a snapshot.
#[derive(Clone, Debug, Default)]
pub struct Tagging {
    /// Tags that it gets.
    pub add: Vec<String>,
    /// Tags that it loses.
    pub remove: Vec<String>,
    /// Whether it is kept whatever rules say; as it was where nothing is said.
    pub pinned: Option<bool>,
}

impl Tagging {
    /// Whether tags are added or removed.
    pub fn changes_tags(&self) -> bool {
        !self.add.is_empty() || !self.remove.is_empty()
    }

    /// Refuses what says nothing, or two things at once.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn check(&self) -> Result<()> {
        if !self.changes_tags() && self.pinned.is_none() {
            return Err(Error::new(ErrorKind::Invalid, "nothing to do; give --add, --remove, --pin or --unpin"));
        }
        match self.add.iter().find(|tag| self.remove.contains(tag)) {
            None => Ok(()),
            Some(tag) => Err(Error::new(ErrorKind::Invalid, format!("tag `{}` cannot be both added and removed", tag.escape_debug()))),
        }
    }
}

/// Something that people decide about what is stored.
#[derive(Clone, Debug)]
pub enum Annotation {
    /// Snapshots get and lose tags, and are pinned or not.
    Tag {
        /// The snapshots.
        snapshots: Vec<SnapshotId>,
        /// What becomes of their tags and pins.
        tagging: Tagging,
    },
    /// Snapshots are wanted no more. What of them is missing is given up.
    Forget {
        /// The snapshots.
        snapshots: Vec<SnapshotId>,
        /// Give up all that is missing, named or not.
        accept_rollback: bool,
    },
    /// Snapshots that were forgotten are wanted again.
    Unforget {
        /// The snapshots.
        snapshots: Vec<SnapshotId>,
    },
    /// A series has another name, also for snapshots that come under the name of before.
    RenameSeries {
        /// The name of before.
        from: String,
        /// The name of now.
        to: String,
    },
    /// Runs that name no paths leave a series out, or no longer do.
    StopSeries {
        /// The series.
        series: String,
        /// Whether they leave it out.
        is_stopped: bool,
    },
    /// A guard distrusts a snapshot: rules wait with its series, and the last one that was good is pinned.
    Distrust {
        /// The snapshot.
        snapshot: SnapshotId,
        /// Why, one reason each; at least one.
        reasons: Vec<String>,
        /// The last good one, where there is any.
        last_good: Option<SnapshotId>,
    },
    /// Somebody has looked at snapshots that a guard distrusts, and they are as they should be.
    Accept {
        /// The snapshots.
        snapshots: Vec<SnapshotId>,
    },
    /// Every snapshot is protected from removal for a time after it was committed.
    Protect {
        /// For how long; 0 for not at all.
        seconds: u64,
    },
}

/// What is asked to be written down.
#[derive(Clone, Debug)]
pub struct Request {
    /// What it is.
    pub annotation: Annotation,
    /// The clock, which says what time the records carry. It is asked when the lock is held.
    pub clock: fn() -> Timestamp,
}

impl Request {
    /// A request for `annotation`, by the clock of the system.
    pub fn new(annotation: Annotation) -> Self {
        Self { annotation, clock: Timestamp::now }
    }
}
