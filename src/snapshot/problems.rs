//! Notes what goes wrong with single files while it is told, so that the manifest can say it later.

use crate::cancel::Cancel;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::manifest::{Problem, ProblemKind, Problems};
use crate::progress::{Deed, Finding, FindingKind, Progress, Stage};

/// How many problems a run had, each sort apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProblemCounts {
    /// Files and folders that could not be read.
    pub unreadable: u64,
    /// Files and folders that changed while they were read.
    pub changed: u64,
}

#[derive(Default)]
struct Noted {
    problems: Problems,
    counts: ProblemCounts,
}

/// A front that notes problems and passes everything on to another.
pub(super) struct Noting<'p> {
    progress: &'p dyn Progress,
    noted: Mutex<Noted>,
}

impl<'p> Noting<'p> {
    /// Passes everything on to `progress`.
    pub(super) fn new(progress: &'p dyn Progress) -> Self {
        Self { progress, noted: Mutex::default() }
    }

    /// What went wrong so far.
    pub(super) fn problems(&self) -> Problems {
        self.lock().problems.clone()
    }

    /// How much went wrong so far.
    pub(super) fn counts(&self) -> ProblemCounts {
        self.lock().counts
    }

    fn lock(&self) -> MutexGuard<'_, Noted> {
        // A list that a thread left half done lacks one line.
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cancel for Noting<'_> {
    fn is_cancelled(&self) -> bool {
        self.progress.is_cancelled()
    }
}

impl Progress for Noting<'_> {
    fn stage(&self, stage: Stage) {
        self.progress.stage(stage);
    }

    fn add_total(&self, files: u64, bytes: u64) {
        self.progress.add_total(files, bytes);
    }

    fn end_total(&self) {
        self.progress.end_total();
    }

    fn lock_wait(&self) -> Option<Duration> {
        self.progress.lock_wait()
    }

    fn add_done(&self, files: u64, bytes: u64) {
        self.progress.add_done(files, bytes);
    }

    fn report(&self, finding: Finding) {
        let kind = match finding.kind {
            FindingKind::Unreadable => Some(ProblemKind::Unreadable),
            FindingKind::Changed => Some(ProblemKind::Changed),
            FindingKind::Gone => Some(ProblemKind::Gone),
            _ => None,
        };
        if let Some(kind) = kind {
            let mut noted = self.lock();
            match kind {
                ProblemKind::Unreadable => noted.counts.unreadable += 1,
                ProblemKind::Changed => noted.counts.changed += 1,
                ProblemKind::Gone | ProblemKind::Unknown => {}
            }
            noted.problems.add(Problem::new(kind, finding.path.clone(), finding.message.clone()));
        }
        self.progress.report(finding);
    }

    fn wants_deeds(&self) -> bool {
        self.progress.wants_deeds()
    }

    fn did(&self, deed: Deed, path: &[u8]) {
        self.progress.did(deed, path);
    }
}
