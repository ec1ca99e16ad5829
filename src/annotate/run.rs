//! Writes something down, under the lock.

use super::Annotator;
use super::outcome::Outcome;
use super::request::{Annotation, Request};
use crate::error::Result;
use crate::progress::Progress;
use crate::repository::Repository;

/// Writes down what `request` says. A front that chooses snapshots by what is there when nothing goes any more holds an
/// [`Annotator`] instead.
///
/// # Errors
/// As [`Annotator::begin`] and [`Annotator::write`].
pub fn run(repository: &Repository, request: &Request, progress: &dyn Progress) -> Result<Outcome> {
    Annotator::begin(repository, request.clock, progress)?.write(&request.annotation, progress)
}

impl Annotator {
    /// Writes `annotation` down.
    ///
    /// # Errors
    /// `Invalid` for what makes no sense, for a pinned snapshot that is to be forgotten, and where the clock is behind for
    /// a protection; `NotFound` for a snapshot or a series that is not there; a rollback as prune has it, when others are
    /// missing than those to be forgotten. Then nothing is written. Those of the storage.
    pub fn write(&self, annotation: &Annotation, progress: &dyn Progress) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        match annotation {
            Annotation::Tag { snapshots, tagging } => self.tag(snapshots, tagging)?,
            Annotation::Forget { snapshots, accept_rollback } => outcome.forgotten = self.forget(snapshots, *accept_rollback, progress)?,
            Annotation::Unforget { snapshots } => self.unforget(snapshots)?,
            Annotation::RenameSeries { from, to } => self.rename_series(from, to)?,
            Annotation::StopSeries { series, is_stopped } => self.stop_series(series, *is_stopped)?,
            Annotation::Distrust { snapshot, reasons, last_good } => self.distrust(snapshot, reasons, last_good.as_ref())?,
            Annotation::Accept { snapshots } => self.accept(snapshots)?,
            Annotation::Protect { seconds } => self.protect(*seconds)?,
        }
        Ok(outcome)
    }
}
