//! Which patterns to include found anything: one that did not is most likely a mistake, and whoever
//! restores must not take it for "it is back".

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::task::Task;
use crate::progress::FindingKind;
use crate::source::Filter;

/// The patterns to include that matched nothing so far.
#[derive(Debug, Default)]
pub(super) struct Matched {
    seen: Vec<AtomicBool>,
    /// How many did not.
    left: AtomicUsize,
}

impl Matched {
    /// For the patterns of `include`; those that take something out again are not looked at.
    pub fn new(include: Option<&Filter>) -> Self {
        let patterns = include.map(Filter::patterns).unwrap_or_default();
        let seen: Vec<_> = patterns.iter().map(|pattern| AtomicBool::new(pattern.starts_with('!'))).collect();
        let left = seen.iter().filter(|seen| !seen.load(Ordering::Relaxed)).count();
        Self { seen, left: left.into() }
    }

    /// Notes what an entry of the snapshot matches.
    pub fn look_at(&self, include: Option<&Filter>, path: &[u8], is_directory: bool) {
        let Some(include) = include.filter(|_| self.left.load(Ordering::Relaxed) > 0) else { return };
        for at in include.matching(path, is_directory) {
            if self.seen.get(at).is_some_and(|seen| !seen.swap(true, Ordering::Relaxed)) {
                self.left.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }
}

/// Reports the patterns that matched nothing.
pub(super) fn report_unmatched(task: &Task<'_>) {
    let patterns = task.request.include.as_ref().map(Filter::patterns).unwrap_or_default();
    for (pattern, _) in patterns.iter().zip(&task.matched.seen).filter(|(_, seen)| !seen.load(Ordering::Relaxed)) {
        let hint = if pattern.contains('/') { "; a pattern with a slash means the absolute path in the snapshot, or its end" } else { "" };
        let message = format!("nothing in the snapshot matches the pattern `{}` to include{hint}", pattern.escape_debug());
        task.report_whole(FindingKind::NotRestored, message);
    }
}
