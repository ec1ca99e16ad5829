//! What a verb tells its front while it works: how far it is, and what it found.
//!
//! A finding is a problem that does not end the operation: a file that cannot be read, a chunk that
//! is damaged. Findings are data; they are counted, shown and decide the exit code.

mod finding;
mod stage;

pub use finding::{Finding, FindingKind, Topic};
pub use stage::Stage;

use std::sync::Mutex;
use std::time::Duration;

use crate::cancel::Cancel;

/// What was done with one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It was not there before.
    Added,
    /// Its content is another now.
    Modified,
    /// Its owner, mode, times or attributes are others now.
    Metadata,
    /// It is gone.
    Removed,
}

/// The front's side of a verb. Methods are called from any thread, often.
pub trait Progress: Cancel {
    /// A new stage begins, which counts from the beginning.
    fn stage(&self, _stage: Stage) {}
    /// More work was found: `files` and `bytes` are added to the totals.
    fn add_total(&self, _files: u64, _bytes: u64) {}
    /// Nothing more will be added to the totals of this stage.
    fn end_total(&self) {}
    /// Work was done: `files` and `bytes` are added to what is done.
    fn add_done(&self, _files: u64, _bytes: u64) {}
    /// Something was found that does not end the operation.
    fn report(&self, _finding: Finding) {}
    /// True when [`Progress::did`] is to be told of each entry.
    fn wants_deeds(&self) -> bool {
        false
    }
    /// Something was done with the entry at `path`; told only to who [wants](Progress::wants_deeds) it.
    fn did(&self, _deed: Deed, _path: &[u8]) {}
    /// How long to wait for a lock that another process holds; `None` for as long as the verb usually does.
    fn lock_wait(&self) -> Option<Duration> {
        None
    }
}

/// A front that looks at nothing.
#[derive(Debug, Default)]
pub struct Silent;

impl Cancel for Silent {}

impl Progress for Silent {}

/// A front that keeps the findings, for callers that want them as data.
#[derive(Debug, Default)]
pub struct Collected {
    findings: Mutex<Vec<Finding>>,
}

impl Collected {
    /// What was found so far; empties the list.
    pub fn take(&self) -> Vec<Finding> {
        std::mem::take(&mut *self.findings.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }
}

impl Cancel for Collected {}

impl Progress for Collected {
    fn report(&self, finding: Finding) {
        self.findings.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(finding);
    }
}
