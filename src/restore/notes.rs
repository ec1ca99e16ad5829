//! What could not be set, said once for each reason.
//!
//! A restore without root gives away no file, and says so for the first; a million lines of the same
//! would hide the one that matters.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::progress::{Finding, FindingKind, Progress, Topic};
use crate::target::is_limit;

/// So many different reasons are told apart; further ones are all reported.
const REASONS_MAX: usize = 1000;

/// The notes of a restore by what they say.
#[derive(Debug, Default)]
pub(super) struct Notes {
    times: Mutex<HashMap<String, u64>>,
}

impl Notes {
    /// Reports `message` about `path` unless another entry had the same.
    pub fn report(&self, progress: &dyn Progress, path: &[u8], message: String) {
        // A map of counts is whole between any two of its calls.
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(times) = times.get_mut(&message) {
            *times += 1;
            return;
        }
        if times.len() < REASONS_MAX || is_limit(&message) {
            times.insert(message.clone(), 1);
        }
        drop(times);
        // What the disk cannot hold is no fault of the entry, and is said once.
        if is_limit(&message) {
            return;
        }
        progress.report(Finding::new(FindingKind::NotRestored, path, message));
    }

    /// Says how often each was not reported.
    pub fn sum_up(&self, progress: &dyn Progress) {
        let times = std::mem::take(&mut *self.times.lock().unwrap_or_else(PoisonError::into_inner));
        let mut repeated: Vec<_> = times.into_iter().filter(|(message, times)| *times > 1 || is_limit(message)).collect();
        repeated.sort();
        for (message, times) in repeated {
            if is_limit(&message) {
                let entries = if times == 1 { "1 entry" } else { &format!("{times} entries") };
                let message = format!("{message} ({entries} of the snapshot)");
                progress.report(Finding::new(FindingKind::Warning(Topic::Limit), "", message));
                continue;
            }
            let entries = if times == 2 { "1 more entry" } else { &format!("{} more entries", times - 1) };
            progress.report(Finding::new(FindingKind::NotRestored, "", format!("{entries}: {message}")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Collected;

    #[test]
    fn the_same_reason_is_reported_once_and_counted_at_the_end() {
        let (notes, progress) = (Notes::default(), Collected::default());
        for path in [&b"/a"[..], b"/b", b"/c"] {
            notes.report(&progress, path, "owner 0 not restored".to_owned());
        }
        notes.report(&progress, b"/a", "mode not restored".to_owned());
        notes.sum_up(&progress);
        let said: Vec<String> = progress.take().iter().map(ToString::to_string).collect();
        assert_eq!(said, ["/a: owner 0 not restored", "/a: mode not restored", "2 more entries: owner 0 not restored"]);
    }
}
