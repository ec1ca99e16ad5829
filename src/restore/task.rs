//! One restore: where it reads, what it was asked, and what came of it so far.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use super::matched::Matched;
use super::notes::Notes;
use super::outcome::{Count, Tally};
use super::plan::Snapshot;
use super::request::Request;
use super::selection::Selection;
use super::sight::Sight;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Manifest, NODE_CHANGED_WHILE_READ, NODE_INCOMPLETE, Node};
use crate::platform::failure::{is_beyond_longest, is_shortage};
use crate::progress::{Deed, Finding, FindingKind, Progress, Topic};
use crate::repository::ChunkReader;

/// What all parts of one restore share; used from all its threads.
pub(super) struct Task<'a> {
    pub reader: &'a ChunkReader,
    pub manifest: &'a Manifest,
    pub request: &'a Request<'a>,
    /// Nothing is changed.
    pub is_dry: bool,
    pub selection: Selection<'a>,
    /// What the snapshot looked at.
    pub sight: Sight,
    origin: OnceLock<Vec<u8>>,
    /// Which patterns to include found anything.
    pub matched: Matched,
    pub progress: &'a dyn Progress,
    pub tally: Tally,
    pub notes: Notes,
    /// What a killed restore left and a dry run has listed.
    pub foretold_leftovers: Foretold,
    is_over: AtomicBool,
    failure: Mutex<Option<Error>>,
}

/// Paths in the destination that were listed.
#[derive(Default)]
pub(super) struct Foretold(Mutex<HashSet<Vec<u8>>>);

impl Foretold {
    /// Adds a path; false when it was there.
    pub fn insert(&self, relative: &[u8]) -> bool {
        // One call: whole whatever happens to a thread.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(relative.to_vec())
    }
}

impl<'a> Task<'a> {
    pub fn new(snapshot: &Snapshot<'a>, request: &'a Request<'a>, is_dry: bool, progress: &'a dyn Progress) -> Self {
        let Snapshot { reader, manifest } = *snapshot;
        let selection = Selection::new(request);
        Self {
            reader,
            manifest,
            request,
            is_dry,
            selection,
            matched: Matched::new(request.include.as_ref()),
            sight: Sight::of(manifest),
            origin: OnceLock::new(),
            progress,
            tally: Tally::default(),
            notes: Notes::default(),
            foretold_leftovers: Foretold::default(),
            is_over: AtomicBool::new(false),
            failure: Mutex::default(),
        }
    }

    /// Says which folder of the snapshot comes into the destination itself; empty for everything.
    pub fn set_origin(&self, path: &[u8]) {
        self.origin.get_or_init(|| path.to_vec());
    }

    /// The folder of the snapshot that comes into the destination itself.
    pub fn origin(&self) -> &[u8] {
        self.origin.get().map_or(b"", Vec::as_slice)
    }

    /// The path of `relative` in the destination, for messages.
    pub fn shown(&self, relative: &[u8]) -> Vec<u8> {
        join(&self.request.destination, relative)
    }

    /// Reports a finding about an entry of the destination.
    pub fn report(&self, kind: FindingKind, relative: &[u8], message: impl Into<String>) {
        self.progress.report(Finding::new(kind, self.shown(relative), message));
    }

    /// Tells of something that was done with an entry of the destination.
    pub fn did(&self, deed: Deed, relative: &[u8]) {
        if self.progress.wants_deeds() {
            self.progress.did(deed, &self.shown(relative));
        }
    }

    /// Warns where the snapshot says of an entry that it could not save it as it was.
    pub fn warn_of_marks(&self, relative: &[u8], node: &Node) {
        if node.flags & NODE_CHANGED_WHILE_READ != 0 {
            self.report(FindingKind::Changed, relative, "it changed while it was saved, and may not be what it was at any one moment");
        }
        if node.flags & NODE_INCOMPLETE != 0 {
            self.report(
                FindingKind::Warning(Topic::Incomplete),
                relative,
                "the snapshot could not read it whole; see `repo problems` for what it lacks",
            );
        }
    }

    /// Reports a finding about the restore as a whole.
    pub fn report_whole(&self, kind: FindingKind, message: impl Into<String>) {
        self.progress.report(Finding::new(kind, [], message));
    }

    /// An attribute that could not be set.
    pub fn note(&self, relative: &[u8], message: String) {
        self.tally.add(Count::Notes);
        self.notes.report(self.progress, &self.shown(relative), message);
    }

    /// Judges an error about one entry: what would meet every other entry as well comes back and ends
    /// the restore; anything else is reported.
    ///
    /// # Errors
    /// `Full`, `Interrupted`.
    pub fn fail_entry(&self, relative: &[u8], error: Error) -> Result<()> {
        if ends_restore(&error) {
            return Err(error);
        }
        self.tally.add(Count::Failed);
        self.report(FindingKind::NotRestored, relative, with_causes(&error));
        Ok(())
    }

    /// Lets the restore end with `error`; the first one counts.
    pub fn end(&self, error: Error) {
        // One assignment: whole whatever happens to a thread.
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_over.swap(true, Ordering::Relaxed) {
            *failure = Some(error);
        }
    }

    /// True when no more work is to be begun.
    pub fn is_over(&self) -> bool {
        if self.progress.is_cancelled() {
            self.end(Error::new(ErrorKind::Interrupted, "interrupted; what was restored so far stays"));
        }
        self.is_over.load(Ordering::Relaxed)
    }

    /// Gives the error that ends the restore, if there is one, to who asks first; to others it says no
    /// more than that (see [`first_cause`]).
    ///
    /// # Errors
    /// That error.
    pub fn check(&self) -> Result<()> {
        if !self.is_over() {
            return Ok(());
        }
        Err(self.failure.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_else(ended))
    }
}

/// The cause of an error that says no more than that another thread has failed.
#[derive(Debug)]
struct Ended;

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("another part of it has failed")
    }
}

impl std::error::Error for Ended {}

/// What a thread returns that stops because another one failed.
pub(super) fn ended() -> Error {
    Error::new(ErrorKind::Interrupted, "the restore has ended").with_source(Ended)
}

fn has_only_ended(error: &Error) -> bool {
    std::error::Error::source(error).is_some_and(|cause| cause.is::<Ended>())
}

/// Of two threads the one that knows why both ended.
///
/// # Errors
/// That of either.
pub(super) fn first_cause(one: Result<()>, other: Result<()>) -> Result<()> {
    match one {
        Err(error) if has_only_ended(&error) => other.and(Err(error)),
        _ => one.and(other),
    }
}

/// Whether an error would meet every other entry as well.
fn ends_restore(error: &Error) -> bool {
    match error.kind() {
        _ if is_shortage(error) => true,
        // Other files fit.
        ErrorKind::Full => !is_beyond_longest(error),
        kind => kind == ErrorKind::Interrupted,
    }
}

/// The message with what the operating system said.
pub(super) fn with_causes(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// `name` below `folder`; an empty folder or name adds nothing.
pub(super) fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(folder.len() + 1 + name.len());
    path.extend_from_slice(folder);
    push_name(&mut path, name);
    path
}

/// Puts `name` behind `path`.
pub(super) fn push_name(path: &mut Vec<u8>, name: &[u8]) {
    if name.is_empty() {
        return;
    }
    if path.last().is_some_and(|byte| *byte != b'/') {
        path.push(b'/');
    }
    path.extend_from_slice(name);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_ends_the_restore_and_a_file_that_is_too_long_for_it_does_not() {
        let failed = |code| Error::io("cannot write", "x", std::io::Error::from_raw_os_error(code));
        assert!(ends_restore(&failed(28)));
        assert!(!ends_restore(&failed(27)));
        assert!(!ends_restore(&failed(13)));
        assert!(ends_restore(&failed(24)) && is_shortage(&failed(24)) && !is_shortage(&failed(5)));
        assert!(ends_restore(&Error::new(ErrorKind::Interrupted, "stop")));
    }

    #[test]
    fn names_are_joined_with_one_slash() {
        assert_eq!(join(b"", b"a"), b"a");
        assert_eq!(join(b"/", b"a"), b"/a");
        assert_eq!(join(b"/a", b"b"), b"/a/b");
        assert_eq!(join(b"/a", b""), b"/a");
    }
}
