//! Where a walk is: the levels that it is in, and what it has found so far.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use crate::error::{Error, ErrorKind, Result};
use crate::manifest::SourceCounts;
use crate::manifest::{Content, FileSystemClock, Node};
use crate::progress::{Finding, FindingKind, Topic};
use crate::snapshot::ahead::{EntriesAhead, FoldersAhead};
use crate::snapshot::batch::{Batch, Saved};
use crate::snapshot::build::Events;
use crate::snapshot::compare::Trust;
use crate::snapshot::cursor::BaseCursor;
use crate::snapshot::failures::{describe, refuse_shortage};
use crate::snapshot::listing::FolderListing;
use crate::snapshot::paths::split_path;
use crate::snapshot::rules::Rules;
use crate::snapshot::surroundings::Surroundings;
use crate::snapshot::tally::add;
use crate::source::{FileSystem, Folder, MappedFiles};
use crate::trees::Ahead;
use crate::units::Timestamp;

/// Clocks of file systems tick at least so often, by far.
const DOUBTFUL_SECONDS: i64 = 1;

/// A walk over all sources of a run.
pub(in crate::snapshot) struct SourceWalk<'w, 's, 'scope, 'x> {
    pub(super) with: &'w Surroundings<'w, 's>,
    pub(super) scope: &'x rayon::Scope<'scope>,
    pub(super) events: SyncSender<Events>,
    /// What the builder was not told yet.
    pub(super) untold: Events,
    /// Batches among them, which no worker has yet.
    pub(super) unread: Vec<(Batch, SyncSender<Result<Saved>>)>,
    /// Files and bytes of these.
    pub(super) unread_files: usize,
    pub(super) unread_bytes: u64,
    /// So many listings are being made, or are made and not yet taken, on all levels.
    pub(super) ahead: usize,
    /// How many entries these have.
    pub(super) entries_ahead: EntriesAhead,
    pub(super) clocks: HashMap<u64, Timestamp>,
    pub(super) levels: Vec<Level<'w>>,
    pub(super) path: Vec<u8>,
    pub(super) source: Option<(Arc<Folder>, usize)>,
    /// Its number among the sources.
    pub(super) source_number: usize,
    /// Who reads pages of the base before the walk comes to them.
    pub(super) base_ahead: Option<&'w Ahead<'w>>,
    /// Other paths of the source, for the filter.
    pub(super) other_names: Arc<[Vec<u8>]>,
    /// The sources within others that the walk came by.
    pub(super) met: HashSet<Vec<u8>>,
    /// What programs have mapped, once a file system in memory is met.
    pub(super) mapped: Option<MappedFiles>,
    /// What the sources have; the last one is that of the source that is walked, or of one within it.
    pub(super) counted: Vec<SourceCounts>,
    /// For places in `counted`, the files and bytes that the base has and that are left out now by what they are.
    pub(super) unknown: HashMap<usize, (u64, u64)>,
    /// Folders on other file systems that the run was not to enter.
    pub(super) other_file_systems: Vec<Vec<u8>>,
    /// Files of the base that are there, or that may be.
    pub(super) base_files_met: u64,
    /// A folder that was changed later than this may have changed again without a trace.
    pub(super) doubtful_after: Timestamp,
}

/// What a walk has found besides the entries.
pub(in crate::snapshot) struct Walked {
    /// The clocks of foreign file systems.
    pub clocks: Vec<FileSystemClock>,
    /// What each source has, without the sources within it.
    pub sources: Vec<SourceCounts>,
    /// For places in `sources`, the files and bytes that the base has and that are left out now by what they are.
    pub unknown: HashMap<usize, (u64, u64)>,
    /// Folders on other file systems that the run was not to enter.
    pub other_file_systems: Vec<Vec<u8>>,
    /// Files of the base that are there, or that could not be looked for.
    pub base_files_met: u64,
}

impl Walked {
    /// What each source has, and what of the base may be there besides.
    pub(in crate::snapshot) fn with_unknown(&self) -> Vec<SourceCounts> {
        let mut sources = self.sources.clone();
        for (at, (files, bytes)) in &self.unknown {
            if let Some(source) = sources.get_mut(*at) {
                (source.files, source.bytes) = (source.files + files, source.bytes + bytes);
            }
        }
        sources
    }
}

/// How the walk comes to an entry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// As to any other.
    Usual,
    /// It was named as a source: nothing but itself keeps it out.
    Named,
    /// Left out, and on the way to a source that was named: only that is saved of it.
    Through,
}

/// A folder that the walk is in.
pub(super) struct Level<'w> {
    pub(super) listing: FolderListing,
    pub(super) path_bytes: usize,
    pub(super) base: BaseCursor<'w>,
    pub(super) file_system: FileSystem,
    pub(super) trust: Option<Trust>,
    pub(super) batch: Option<Batch>,
    pub(super) ahead: FoldersAhead,
    /// The names of sources within this one, and of folders on the way to them.
    pub(super) ways: Option<&'w BTreeSet<Vec<u8>>>,
    /// Only these are saved of it.
    pub(super) is_passed_through: bool,
    /// It is left out but for the entries that say so.
    pub(super) is_marked: bool,
    pub(super) is_in_memory: bool,
    /// The place in `counted` of the source that it belongs to.
    pub(super) counted_as: usize,
    /// What the filter leaves out in it.
    pub(super) rules: Rules,
    pub(super) is_incomplete: bool,
    pub(super) is_closed_to_us: bool,
    /// When it was changed last, as was seen before it was listed.
    pub(super) changed_at: (Timestamp, Timestamp),
    /// An entry was gone when the walk came to it.
    pub(super) has_moved: bool,
    /// How often it was listed again.
    pub(super) rounds: u32,
    /// Names of entries that are not looked at, in order.
    pub(super) unseen: Vec<Vec<u8>>,
}

impl<'w, 's, 'scope, 'x> SourceWalk<'w, 's, 'scope, 'x>
where
    'w: 'scope,
    's: 'scope,
{
    pub(in crate::snapshot) fn new(
        with: &'w Surroundings<'w, 's>,
        scope: &'x rayon::Scope<'scope>,
        events: SyncSender<Events>,
        base_ahead: Option<&'w Ahead<'w>>,
    ) -> Self {
        Self {
            with,
            scope,
            events,
            untold: Vec::new(),
            unread: Vec::new(),
            unread_files: 0,
            unread_bytes: 0,
            ahead: 0,
            entries_ahead: EntriesAhead::default(),
            clocks: HashMap::new(),
            levels: Vec::new(),
            path: Vec::new(),
            source: None,
            source_number: 0,
            base_ahead,
            other_names: Arc::new([]),
            met: HashSet::new(),
            mapped: None,
            counted: Vec::new(),
            unknown: HashMap::new(),
            other_file_systems: Vec::new(),
            base_files_met: 0,
            doubtful_after: Timestamp::now().plus_seconds(-DOUBTFUL_SECONDS),
        }
    }

    /// Notes an entry that could not be looked at.
    pub(super) fn miss(&mut self, error: &Error) -> Result<()> {
        if error.is_not_found() {
            if let Some(level) = self.levels.last_mut() {
                level.has_moved = true;
                if let Some(listed) = level.listing.listed() {
                    listed.forget(split_path(&self.path).1);
                }
            }
            self.report(FindingKind::Note(Topic::Vanished), self.path.clone(), "it was removed before it could be read");
            return Ok(());
        }
        refuse_shortage(error)?;
        if let Some(level) = self.levels.last_mut() {
            level.is_incomplete = true;
        }
        add(&self.with.tally.problems, 1);
        self.report(FindingKind::Unreadable, self.path.clone(), &describe(error));
        Ok(())
    }

    pub(super) fn report(&self, kind: FindingKind, path: Vec<u8>, message: &str) {
        self.with.saver.progress.report(Finding::new(kind, path, message));
    }

    pub(super) fn report_problem(&self, path: Vec<u8>, message: &str) {
        add(&self.with.tally.problems, 1);
        self.report(FindingKind::Unreadable, path, message);
    }

    pub(super) fn report_lost_base(&self, error: &Error) {
        add(&self.with.tally.folders_lost, 1);
        let message = format!("the base cannot be read here, so this folder is read again: {error}");
        self.report(FindingKind::Note(Topic::Base), self.path.clone(), &message);
    }

    pub(super) fn report_notes(&self, notes: &[Error]) {
        for note in notes {
            self.report(FindingKind::Note(Topic::Attribute), self.path.clone(), &describe(note));
        }
    }
}

/// Stands where a folder that was just listed is open in any case.
pub(super) fn closed() -> Result<Folder> {
    Err(Error::new(ErrorKind::Other, "the folder is closed"))
}

pub(super) fn is_file(node: Option<&Node>) -> bool {
    node.is_some_and(|node| matches!(node.content, Content::File(..)))
}
