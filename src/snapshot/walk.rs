//! Walks the sources in order and decides what must be read.
//!
//! Names are taken in the order of the trees, so the base is read once, page by page, beside the
//! folders. Listings of the next folders are made by the workers ahead of the walk. Nothing here
//! recurses: a tree of 10,000 levels is an ordinary one.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

use super::ahead::{Ahead, EntriesAhead};
use super::batch::{Batch, Beside, Lengths, Pending, Saved, Saving, describe, is_enough, is_shortage, join, refuse_shortage, tell_late};
use super::build::{Event, Events};
use super::compare::Trust;
use super::content::Saver;
use super::known::is_content_known;
use super::listed::{Late, ROUNDS_MAX};
use super::listing::{Entry, FolderListing};
use super::loss::SourceCounts;
use super::roots::split_path;
use super::rules::Rules;
use super::sources::{InnerSources, Source};
use super::tally::{Tally, add};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{
    Content, FileSystemClock, Manifest, Metadata, NODE_INCOMPLETE, Node, NotEntered, SnapshotOptions, StatTrust, TreeRef, Unseen,
    check_name,
};
use crate::progress::{Finding, FindingKind};
use crate::repository::{ChunkReader, NodeStream};
use crate::source::{FileSystem, FileType, Filter, Folder, MappedFiles, Owners, Stat, has_cache_tag, metadata_of_folder, read_metadata};
use crate::units::{PathText, Timestamp};
use crate::wire::Extensions;

/// Listings of so many folders are made ahead: each holds a handle.
const AHEAD_IN_ALL: usize = 96;
/// The builder is told of so many events at once: waking it costs more than most of them.
const EVENTS_TOGETHER: usize = 32;
/// A worker is given the files of so many small folders at once.
const BATCHES_TOGETHER: usize = 4;
/// Clocks of file systems tick at least so often, by far.
const DOUBTFUL_SECONDS: i64 = 1;
/// So many levels keep their handle; the ones above are opened again when the walk returns.
const OPEN_LEVELS: usize = 128;

/// What a walk needs to know.
pub(super) struct Surroundings<'w, 's, 'a> {
    pub saver: &'w Saver<'s, 'a>,
    pub owners: &'w Owners,
    pub tally: &'w Tally,
    pub filter: &'w Filter,
    pub options: &'w SnapshotOptions,
    /// Folders to leave out, as (device, inode).
    pub skip: &'w [(u64, u64)],
    /// Sources within others.
    pub inner: &'w InnerSources,
    pub base: Option<(&'w Manifest, &'w ChunkReader<'a>)>,
    /// The content of the base need not be looked up.
    pub base_is_whole: bool,
}

/// A walk over all sources of a run.
pub(super) struct SourceWalk<'w, 's, 'a, 'scope, 'x> {
    with: &'w Surroundings<'w, 's, 'a>,
    scope: &'x rayon::Scope<'scope>,
    events: SyncSender<Events>,
    /// What the builder was not told yet.
    untold: Events,
    /// Batches among them, which no worker has yet.
    unread: Vec<(Batch, SyncSender<Result<Vec<Saved>>>)>,
    /// Files and bytes of these.
    unread_files: usize,
    unread_bytes: u64,
    /// So many listings are being made, or are made and not yet taken, on all levels.
    ahead: usize,
    /// How many entries these have.
    entries_ahead: EntriesAhead,
    clocks: HashMap<u64, Timestamp>,
    levels: Vec<Level<'w, 'a>>,
    path: Vec<u8>,
    source: Option<(Arc<Folder>, usize)>,
    /// Other paths of the source, for the filter.
    other_names: Arc<[Vec<u8>]>,
    /// The sources within others that the walk came by.
    met: HashSet<Vec<u8>>,
    /// What programs have mapped, once a file system in memory is met.
    mapped: Option<MappedFiles>,
    /// What the sources have; the last one is that of the source that is walked, or of one within it.
    counted: Vec<SourceCounts>,
    /// Files of the base that are there, or that may be.
    base_files_met: u64,
    /// A folder that was changed later than this may have changed again without a trace.
    doubtful_after: Timestamp,
}

/// What a walk has found besides the entries.
pub(super) struct Walked {
    /// The clocks of foreign file systems.
    pub clocks: Vec<FileSystemClock>,
    /// What each source has, without the sources within it.
    pub sources: Vec<SourceCounts>,
    /// Files of the base that are there, or that could not be looked for.
    pub base_files_met: u64,
}

/// How the walk comes to an entry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// As to any other.
    Usual,
    /// It was named as a source: nothing but itself keeps it out.
    Named,
    /// Left out, and on the way to a source that was named: only that is saved of it.
    Through,
}

/// A folder that the walk is in.
struct Level<'w, 'a> {
    listing: FolderListing,
    path_bytes: usize,
    base: BaseCursor<'w, 'a>,
    file_system: FileSystem,
    trust: Option<Trust>,
    batch: Option<Batch>,
    ahead: Ahead,
    /// The names of sources within this one, and of folders on the way to them.
    ways: Option<&'w BTreeSet<Vec<u8>>>,
    /// Only these are saved of it.
    is_passed_through: bool,
    is_in_memory: bool,
    /// The place in `counted` of the source that it belongs to.
    counted_as: usize,
    /// What the filter leaves out in it.
    rules: Rules,
    /// The builder was told of nothing in this folder that may differ from the base.
    is_still_same: bool,
    is_incomplete: bool,
    is_closed_to_us: bool,
    /// When it was changed last, as was seen before it was listed.
    changed_at: (Timestamp, Timestamp),
    /// An entry was gone when the walk came to it.
    has_moved: bool,
    /// How often it was listed again.
    rounds: u32,
    /// Names of entries that are not looked at, in order.
    unseen: Vec<Vec<u8>>,
}

impl<'w, 's, 'a, 'scope, 'x> SourceWalk<'w, 's, 'a, 'scope, 'x>
where
    'w: 'scope,
    's: 'scope,
    'a: 'scope,
{
    pub(super) fn new(with: &'w Surroundings<'w, 's, 'a>, scope: &'x rayon::Scope<'scope>, events: SyncSender<Events>) -> Self {
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
            other_names: Arc::new([]),
            met: HashSet::new(),
            mapped: None,
            counted: Vec::new(),
            base_files_met: 0,
            doubtful_after: Timestamp::now().plus_seconds(-DOUBTFUL_SECONDS),
        }
    }

    /// Walks `sources`.
    ///
    /// # Errors
    /// `Interrupted`; `NotFound` when no source can be read at all.
    pub(super) fn run(mut self, sources: &[Source]) -> Result<Walked> {
        let mut failures = Vec::new();
        for source in sources {
            self.other_names = source.other_names.as_slice().into();
            if let Err(error) = self.walk_source(&source.path) {
                if error.kind() == ErrorKind::Interrupted || is_shortage(&error) {
                    return Err(error);
                }
                self.report_problem(source.path.clone(), &describe(&error));
                failures.push(error);
            }
            self.report_unmet(&source.path);
        }
        if failures.len() == sources.len() {
            // With nothing saved at all there is nothing to commit.
            return Err(failures.swap_remove(0));
        }
        self.tell()?;
        let mut clocks: Vec<_> = self.clocks.iter().map(|(id, newest)| FileSystemClock { file_system: *id, newest: *newest }).collect();
        clocks.sort_by_key(|clock| clock.file_system);
        Ok(Walked { clocks, sources: self.counted, base_files_met: self.base_files_met })
    }

    fn walk_source(&mut self, source: &[u8]) -> Result<()> {
        let base = self.with.base.and_then(|(manifest, _)| manifest.entries.iter().find(|entry| entry.path == source));
        let base = base.map(|entry| entry.node.clone());
        let (above, name) = split_path(source);
        self.path = source.to_vec();
        // The folder above need not be readable.
        let stat = if source == b"/" { None } else { Some(Folder::open_place(above)?.stat(name)?) };
        if stat.as_ref().is_none_or(Stat::is_directory) {
            let listed = Folder::open(source).and_then(FolderListing::read);
            let is_closed = listed.as_ref().is_err_and(|error| error.kind() == ErrorKind::Denied);
            let mut listing = match (listed, self.with.inner.ways_in(source)) {
                (Err(error), Some(names)) if is_closed => {
                    self.report_problem(source.to_vec(), &describe(&error));
                    FolderListing::of_names(Arc::new(Folder::open_place(source)?), names)?
                }
                (listed, _) => listed?,
            };
            if self.with.skip.contains(&listing.stat.identity()) {
                return Err(Error::new(ErrorKind::Invalid, "it belongs to the repository itself, which cannot save itself"));
            }
            let file_system = self.file_system_of(&mut listing)?;
            self.counted.push(SourceCounts::of(source.to_vec()));
            self.send(Event::Source(source.to_vec()))?;
            let root = Arc::new(Folder::open_place(source)?);
            self.source = Some((root, if source == b"/" { 0 } else { source.len() }));
            self.enter(name.to_vec(), listing, file_system, base, Way::Usual)?;
            if let Some(level) = self.levels.last_mut() {
                level.is_incomplete = is_closed;
            }
            return self.walk_levels();
        }
        if stat.as_ref().is_some_and(|stat| stat.file_type == FileType::Symlink) {
            let target = Folder::open_place(above)?.read_link(name)?;
            let message = format!("it is a symbolic link to {}, which leads nowhere", PathText(&target));
            return Err(Error::new(ErrorKind::NotFound, message));
        }
        let folder = Arc::new(Folder::open_place(above)?);
        let file_system = FileSystem::of(&folder)?;
        self.send(Event::Source(source.to_vec()))?;
        let trust = self.with.base.map(|(manifest, _)| Trust::new(manifest, &file_system, self.with.options.stat_trust));
        let Some(stat) = stat else { return Ok(()) };
        if stat.file_type != FileType::File {
            return self.visit_other(&folder, name.to_vec(), &stat, base, trust);
        }
        self.with.saver.progress.add_total(1, stat.size);
        self.counted.push(SourceCounts { path: source.to_vec(), files: 1, bytes: stat.size });
        self.base_files_met += u64::from(is_file(base.as_ref()));
        let lengths = Lengths::of(folder.stat_self()?.device, &file_system);
        let mut batch = Batch::new(Arc::clone(&folder), above.to_vec(), lengths, None);
        batch.push(Pending { name: name.to_vec(), stat, base });
        self.send_batch(batch)
    }

    fn walk_levels(&mut self) -> Result<()> {
        while !self.levels.is_empty() {
            if self.with.saver.progress.is_interrupted() {
                return Err(Error::new(ErrorKind::Interrupted, "interrupted"));
            }
            self.list_ahead();
            match self.next_entry()? {
                Some((folder, entry)) => self.visit(&folder, entry)?,
                None if self.take_late()? => {}
                None => self.leave()?,
            }
        }
        Ok(())
    }

    fn next_entry(&mut self) -> Result<Option<(Arc<Folder>, Entry)>> {
        let (Some((source, source_bytes)), Some(level)) = (self.source.as_ref(), self.levels.last_mut()) else { return Ok(None) };
        self.path.truncate(level.path_bytes);
        if level.is_closed_to_us {
            return Ok(None);
        }
        let below = self.path.get(source_bytes + 1..).unwrap_or_default();
        let reopen = || if below.is_empty() { Folder::open(&self.path) } else { source.open_below(below) };
        match level.listing.folder(reopen) {
            Ok(folder) => Ok(level.listing.next_entry(&folder).map(|entry| (folder, entry))),
            Err(error) => {
                refuse_shortage(&error)?;
                level.is_incomplete = true;
                level.is_closed_to_us = true;
                add(&self.with.tally.problems, 1);
                self.with.saver.progress.report(Finding::new(FindingKind::Unreadable, self.path.clone(), describe(&error)));
                Ok(None)
            }
        }
    }

    fn visit(&mut self, folder: &Arc<Folder>, entry: Entry) -> Result<()> {
        let Some(level) = self.levels.last_mut() else { return Ok(()) };
        let is_on_the_way = level.ways.is_some_and(|names| names.contains(&entry.name));
        let (base, has_gap) = level.base.take(&entry.name);
        if let Some(error) = level.base.failure.take() {
            self.report_lost_base(&error);
        }
        if has_gap {
            self.send(Event::Gap)?;
        }
        let folder_path_bytes = self.path.len();
        if self.path != b"/" {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(&entry.name);
        let stat = match entry.stat.and_then(|stat| check_name(&entry.name).map(|()| stat)) {
            Ok(stat) => stat,
            Err(error) => {
                if base.is_some() {
                    self.send(Event::Gap)?;
                }
                if !is_on_the_way && self.is_left_out_unseen(folder, &entry.name) {
                    return Ok(());
                }
                if !error.is_not_found() {
                    self.met.insert(self.path.clone());
                    self.base_files_met += self.files_of_base(base.as_ref());
                }
                return self.miss(&error);
            }
        };
        let Some(way) = self.way_to(&entry.name, &stat, is_on_the_way) else {
            return if base.is_some() { self.send(Event::Gap) } else { Ok(()) };
        };
        self.note_clock(&stat);
        if way == Way::Named {
            self.counted.push(SourceCounts::of(self.path.clone()));
        }
        if stat.is_file() {
            self.base_files_met += u64::from(is_file(base.as_ref()));
            let last = self.counted.len().saturating_sub(1);
            let counted_as = if way == Way::Named { last } else { self.levels.last().map_or(last, |level| level.counted_as) };
            if let Some(counts) = self.counted.get_mut(counted_as) {
                counts.add(stat.size);
            }
        }
        match stat.file_type {
            FileType::File => self.visit_file(folder, folder_path_bytes, entry.name, stat, base),
            FileType::Directory => self.visit_folder(folder, entry.name, base, way),
            _ => {
                let trust = self.levels.last().and_then(|level| level.trust);
                self.visit_other(folder, entry.name, &stat, base, trust)
            }
        }
    }

    /// Notes an entry that could not be looked at.
    fn miss(&mut self, error: &Error) -> Result<()> {
        if error.is_not_found() {
            if let Some(level) = self.levels.last_mut() {
                level.has_moved = true;
            }
            self.report(FindingKind::Note, self.path.clone(), "it was removed before it could be read");
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

    /// How the walk goes on to the entry `name` at `self.path`; not at all when it is left out.
    fn way_to(&mut self, name: &[u8], stat: &Stat, is_on_the_way: bool) -> Option<Way> {
        if stat.is_directory() && self.with.skip.contains(&stat.identity()) {
            if let Some(level) = self.levels.last_mut() {
                level.unseen.push(name.to_vec());
            }
            self.report(FindingKind::Note, self.path.clone(), "it belongs to the repository itself and is left out");
            return None;
        }
        if is_on_the_way && self.with.inner.is_named(&self.path) {
            self.met.insert(self.path.clone());
            return Some(Way::Named);
        }
        let is_passed_through = self.levels.last().is_some_and(|level| level.is_passed_through);
        if !is_passed_through && !self.is_excluded(&self.path, stat.is_directory()) {
            return Some(Way::Usual);
        }
        (is_on_the_way && stat.is_directory()).then_some(Way::Through)
    }

    /// How many files an entry of the base is or has: those of a folder that cannot be looked into now.
    fn files_of_base(&self, base: Option<&Node>) -> u64 {
        let (Some(node), Some((_, reader))) = (base, self.with.base) else { return 0 };
        let (mut files, mut trees) = (u64::from(is_file(Some(node))), Vec::new());
        let mut look = |node: &Node, trees: &mut Vec<TreeRef>| match &node.content {
            Content::Directory(tree) => trees.push(*tree),
            content => files += u64::from(matches!(content, Content::File(..))),
        };
        if node.is_directory() {
            look(node, &mut trees);
        }
        while let Some(tree) = trees.pop() {
            let mut nodes = NodeStream::new(reader, &tree);
            // What cannot be read is not counted, which is told where the base is used.
            while let Ok(Some(node)) = nodes.next_node() {
                look(&node, &mut trees);
            }
        }
        files
    }

    /// Whether the filter leaves out what is at `path`, by any name that the source goes by.
    fn is_excluded(&self, path: &[u8], is_directory: bool) -> bool {
        self.levels.last().is_some_and(|level| level.rules.is_excluded(self.with.filter, path, is_directory))
    }

    /// The patterns that are not meant for what lies below the source at `self.path`.
    fn unmeant_patterns(&self) -> Arc<[usize]> {
        let mut found = self.with.filter.covering(&self.path);
        if self.levels.is_empty() {
            self.other_names.iter().for_each(|name| found.extend(self.with.filter.covering(name)));
        }
        found.into()
    }

    /// Whether an entry that cannot be looked at would have been left out, had it been.
    fn is_left_out_unseen(&self, folder: &Folder, name: &[u8]) -> bool {
        // Nobody knows whether it is a folder, which some patterns ask for.
        self.is_excluded(&self.path, true)
            || self.is_excluded(&self.path, false)
            || (self.with.options.one_file_system && folder.is_mount_point(name))
    }

    /// Names the sources within `root` that the walk has not come by.
    fn report_unmet(&mut self, root: &[u8]) {
        for path in self.with.inner.within(root).into_iter().filter(|path| !self.met.contains(path)) {
            let (above, name) = split_path(&path);
            let message = match Folder::open_place(above).and_then(|folder| folder.stat(name)) {
                Ok(_) => "it could not be reached and is not saved".to_owned(),
                Err(error) => describe(&error),
            };
            self.report_problem(path, &message);
        }
    }

    fn report_problem(&self, path: Vec<u8>, message: &str) {
        add(&self.with.tally.problems, 1);
        self.report(FindingKind::Unreadable, path, message);
    }

    fn note_clock(&mut self, stat: &Stat) {
        let Some(level) = self.levels.last().filter(|level| level.file_system.has_own_clock()) else { return };
        // Anybody may set an mtime, to next year as well; only where there is no other stamp is it
        // taken for the clock.
        let trust = self.with.options.stat_trust.unwrap_or_else(|| level.file_system.default_stat_trust());
        let stamp = if trust == StatTrust::Mtime { stat.mtime } else { stat.ctime };
        let newest = self.clocks.entry(level.file_system.id).or_insert(stamp);
        *newest = (*newest).max(stamp);
    }

    fn visit_file(&mut self, folder: &Arc<Folder>, folder_path_bytes: usize, name: Vec<u8>, stat: Stat, base: Option<Node>) -> Result<()> {
        self.with.saver.progress.add_total(1, stat.size);
        let Some(level) = self.levels.last_mut() else { return Ok(()) };
        if let (Some(node), Some(trust)) = (&base, &level.trust)
            && trust.is_unchanged(node, &stat)
            && is_content_known(self.with, node)
            && !(level.is_in_memory && self.mapped.get_or_insert_with(MappedFiles::now).contains(stat.identity()))
        {
            add(&self.with.tally.files_unchanged, 1);
            add(&self.with.tally.bytes_total, stat.size);
            self.with.saver.progress.add_done(1, stat.size);
            self.flush_batch()?;
            return self.send_same(base);
        }
        let path = &self.path[..folder_path_bytes.max(1)];
        let lengths = Lengths::of(level.listing.stat.device, &level.file_system);
        let batch = level.batch.get_or_insert_with(|| {
            let beside = level.listing.listed().map(|listed| Beside { listed: Arc::clone(listed), rules: level.rules.clone() });
            Batch::new(Arc::clone(folder), path.to_vec(), lengths, beside)
        });
        batch.push(Pending { name, stat, base });
        if batch.is_full() { self.flush_batch() } else { Ok(()) }
    }

    fn visit_other(&mut self, folder: &Folder, name: Vec<u8>, stat: &Stat, base: Option<Node>, trust: Option<Trust>) -> Result<()> {
        let content = match stat.file_type {
            FileType::Symlink => match folder.read_link(&name) {
                Ok(target) => Content::Symlink(target),
                Err(error) => {
                    if base.is_some() {
                        self.send(Event::Gap)?;
                    }
                    return self.miss(&error);
                }
            },
            FileType::Fifo => Content::Fifo,
            FileType::CharDevice(major, minor) => Content::CharDevice(major, minor),
            FileType::BlockDevice(major, minor) => Content::BlockDevice(major, minor),
            _ => {
                self.report(FindingKind::Note, self.path.clone(), "it is a socket, which cannot be saved");
                return if base.is_some() { self.send(Event::Gap) } else { Ok(()) };
            }
        };
        add(&self.with.tally.others, 1);
        self.flush_batch()?;
        if let (Some(node), Some(trust)) = (&base, &trust)
            && trust.is_unchanged(node, stat)
            && node.content == content
        {
            return self.send_same(base);
        }
        let (metadata, notes) = read_metadata(folder, &name, stat, self.with.owners);
        self.report_notes(&notes);
        let node = Node { name, metadata, content, flags: 0, extensions: Extensions::none() };
        if let Err(error) = node.check() {
            // A file system that makes things up, such as a link to nowhere at all.
            if base.is_some() {
                self.send(Event::Gap)?;
            }
            return self.miss(&error);
        }
        self.send(Event::Entry { node: Box::new(node), base: base.map(Box::new) })
    }

    fn visit_folder(&mut self, folder: &Arc<Folder>, name: Vec<u8>, base: Option<Node>, way: Way) -> Result<()> {
        let Some(level) = self.levels.last_mut() else { return Ok(()) };
        let waiting = level.ahead.len();
        let listing = level.ahead.take(&name);
        self.ahead -= waiting - level.ahead.len();
        let listing = listing.unwrap_or_else(|| folder.open_below(&name).and_then(FolderListing::read));
        // Asked before anything is sent: whatever fails here costs this folder only.
        let listing = listing.and_then(|mut listing| Ok((self.file_system_of(&mut listing)?, listing)));
        match (listing, self.with.inner.ways_in(&self.path)) {
            (Ok((file_system, listing)), _) => self.enter(name, listing, file_system, base, way),
            (Err(error), _) if error.is_not_found() => {
                if base.is_some() {
                    self.send(Event::Gap)?;
                }
                self.miss(&error)
            }
            (Err(error), Some(names)) if error.kind() == ErrorKind::Denied => {
                // It cannot be listed, and what was named in it can be reached all the same.
                let place = folder.place_below(&name).and_then(|place| FolderListing::of_names(Arc::new(place), names));
                match place.and_then(|mut listing| Ok((self.file_system_of(&mut listing)?, listing))) {
                    Ok((file_system, listing)) => {
                        if way != Way::Through {
                            self.report_problem(self.path.clone(), &describe(&error));
                        }
                        self.enter(name, listing, file_system, base, way)?;
                        if let Some(level) = self.levels.last_mut() {
                            level.is_incomplete = way != Way::Through;
                        }
                        Ok(())
                    }
                    Err(_) => self.enter_unreadable(folder, name, base, &error),
                }
            }
            (Err(error), _) => self.enter_unreadable(folder, name, base, &error),
        }
    }

    /// Goes on to what took the place of a folder since that was listed.
    fn visit_instead(&mut self, folder: &Arc<Folder>, name: Vec<u8>, stat: Stat, base: Option<Node>) -> Result<()> {
        if self.way_to(&name, &stat, false).is_none() {
            return if base.is_some() { self.send(Event::Gap) } else { Ok(()) };
        }
        if stat.is_file() {
            let folder_path_bytes = self.path.len() - name.len() - 1;
            return self.visit_file(folder, folder_path_bytes, name, stat, base);
        }
        let trust = self.levels.last().and_then(|level| level.trust);
        self.visit_other(folder, name, &stat, base, trust)
    }

    /// A folder whose entries cannot be listed is saved without them, and marked.
    fn enter_unreadable(&mut self, folder: &Arc<Folder>, name: Vec<u8>, base: Option<Node>, error: &Error) -> Result<()> {
        refuse_shortage(error)?;
        let stat = match folder.stat(&name) {
            Ok(stat) if stat.is_directory() => stat,
            Ok(stat) => return self.visit_instead(folder, name, stat, base),
            Err(error) => return self.miss(&error),
        };
        add(&self.with.tally.problems, 1);
        self.report(FindingKind::Unreadable, self.path.clone(), &describe(error));
        self.base_files_met += self.files_of_base(base.as_ref());
        let (metadata, notes) = read_metadata(folder, &name, &stat, self.with.owners);
        self.report_notes(&notes);
        self.flush_batch()?;
        let node = empty_folder(name, metadata, NODE_INCOMPLETE);
        add(&self.with.tally.directories, 1);
        // Its base has entries that are not looked at: they are not the same.
        let has_base = base.is_some();
        self.send(Event::Enter { node: Box::new(node), base: base.map(Box::new), is_held: false })?;
        if has_base {
            self.send(Event::Gap)?;
        }
        self.send(Event::Leave { is_incomplete: true, unseen: Vec::new() })
    }

    /// The file system of a folder that is about to be entered.
    fn file_system_of(&self, listing: &mut FolderListing) -> Result<FileSystem> {
        match self.levels.last() {
            Some(level) if level.listing.stat.device == listing.stat.device => Ok(level.file_system.clone()),
            _ => FileSystem::of(&*listing.folder(closed)?),
        }
    }

    fn enter(&mut self, name: Vec<u8>, mut listing: FolderListing, file_system: FileSystem, base: Option<Node>, way: Way) -> Result<()> {
        let folder = listing.folder(closed)?;
        let stat = listing.stat.clone();
        let is_other_file_system = self.levels.last().is_some_and(|level| level.listing.stat.device != stat.device);
        let is_loop = self.levels.iter().any(|level| level.listing.stat.identity() == stat.identity());
        let is_cache = self.with.options.exclude_caches && has_cache_tag(&folder);
        let ways = self.with.inner.ways_in(&self.path);
        let left_empty = if is_loop {
            Some((NotEntered::Loop, "it is mounted within itself; its entries are saved above"))
        } else if way == Way::Named {
            None
        } else if way == Way::Through {
            Some((NotEntered::Excluded, ""))
        } else if file_system.is_pseudo() && is_other_file_system {
            Some((NotEntered::Pseudo, "it shows the state of the system, not files; its entries are left out"))
        } else if is_cache {
            Some((NotEntered::Cache, ""))
        } else if self.with.options.one_file_system && is_other_file_system {
            Some((NotEntered::OtherFileSystem, ""))
        } else {
            None
        };
        let trust = self.with.base.map(|(manifest, _)| Trust::new(manifest, &file_system, self.with.options.stat_trust));
        let metadata = match (&base, &trust) {
            (Some(node), Some(trust)) if trust.is_unchanged(node, &stat) => node.metadata.clone(),
            _ => {
                let (metadata, notes) = metadata_of_folder(&folder, &stat, self.with.owners);
                self.report_notes(&notes);
                metadata
            }
        };
        let tree = base.as_ref().and_then(|node| match &node.content {
            Content::Directory(tree) => Some(*tree),
            _ => None,
        });
        self.flush_batch()?;
        add(&self.with.tally.directories, 1);
        let mut node = empty_folder(name, metadata, 0);
        if let Some((why, _)) = left_empty {
            node.set_unseen(&Unseen::Everything(why));
        }
        let is_held = listing.listed().is_some_and(|listed| listed.is_held());
        self.send(Event::Enter { node: Box::new(node), base: base.map(Box::new), is_held })?;
        let ways = if is_loop { None } else { ways };
        let is_passed_through = left_empty.is_some() && ways.is_some();
        if let (true, Some(names)) = (is_passed_through, ways) {
            listing = FolderListing::of_names(folder, names)?;
        } else if let Some((_, reason)) = left_empty {
            if !reason.is_empty() {
                self.report(FindingKind::Note, self.path.clone(), reason);
            }
            if tree.is_some_and(|tree| tree.entries > 0) {
                self.send(Event::Gap)?;
            }
            return self.send(Event::Leave { is_incomplete: false, unseen: Vec::new() });
        }
        let counted_as = match self.levels.last() {
            Some(level) if way != Way::Named => level.counted_as,
            // The source itself, or one within it, which begins here.
            _ => self.counted.len().saturating_sub(1),
        };
        let rules = match self.levels.last() {
            Some(level) if way != Way::Named => level.rules.clone(),
            _ => Rules {
                source_bytes: self.source.as_ref().map_or(0, |(_, bytes)| *bytes),
                others: Arc::clone(&self.other_names),
                unmeant: self.unmeant_patterns(),
            },
        };
        let (path_bytes, is_in_memory) = (self.path.len(), file_system.is_in_memory());
        self.levels.push(Level {
            listing,
            path_bytes,
            base: BaseCursor::new(self.with.base.map(|(_, reader)| reader), tree.as_ref()),
            file_system,
            trust,
            batch: None,
            ahead: Ahead::new(Arc::clone(&self.entries_ahead)),
            ways,
            is_passed_through,
            is_in_memory,
            counted_as,
            rules,
            is_still_same: tree.is_some(),
            is_incomplete: false,
            is_closed_to_us: false,
            changed_at: (stat.mtime, stat.ctime),
            has_moved: false,
            rounds: 0,
            unseen: Vec::new(),
        });
        if let Some(at) = self.levels.len().checked_sub(OPEN_LEVELS + 1) {
            self.levels[at].listing.close();
        }
        Ok(())
    }

    /// Looks whether the folder changed since it was listed, and goes on with what has come; true when there
    /// is something. Its node keeps the times from before the listing, so to the next run it has changed.
    fn take_late(&mut self) -> Result<bool> {
        let Some(level) = self.levels.last_mut() else { return Ok(false) };
        if level.is_closed_to_us {
            return Ok(false);
        }
        // It is open: the last entry was just asked for.
        let Some(listed) = level.listing.listed().map(Arc::clone) else { return Ok(false) };
        let folder = level.listing.folder(closed)?;
        let looked = folder.stat_self().map(|stat| (stat.mtime, stat.ctime));
        let changed_at = looked.unwrap_or(level.changed_at);
        let is_doubtful = level.rounds == 0 && changed_at.0.max(changed_at.1) > self.doubtful_after;
        if changed_at == level.changed_at && !level.has_moved && !is_doubtful {
            return Ok(false);
        }
        (level.changed_at, level.has_moved) = (changed_at, false);
        level.rounds += 1;
        let is_in_time = level.rounds <= ROUNDS_MAX;
        let late = match listed.take_late(&folder) {
            Ok(late) => late,
            Err(error) => {
                refuse_shortage(&error)?;
                None
            }
        };
        let is_known = late.is_some();
        let may_take = |late: &Late| is_in_time && (listed.is_held() || late.is_last);
        let (taken, left): (Vec<Late>, Vec<Late>) = late.unwrap_or_default().into_iter().partition(may_take);
        let has_more = !taken.is_empty();
        level.listing.go_on(taken.into_iter().map(|late| late.name));
        // Under a name that was there before, what was there before is saved.
        let missed = left.into_iter().find(|late| late.is_new_name);
        if missed.is_some() || !is_known {
            level.is_incomplete = true;
            add(&self.with.tally.problems, 1);
            self.report(FindingKind::Changed, self.path.clone(), &tell_late(missed.as_ref().map(|late| late.name.as_slice())));
        }
        Ok(has_more)
    }

    fn leave(&mut self) -> Result<()> {
        self.flush_batch()?;
        let Some(mut level) = self.levels.pop() else { return Ok(()) };
        self.ahead -= level.ahead.len();
        if level.base.has_more() {
            self.send(Event::Gap)?;
        }
        if let Some(error) = level.base.failure.take() {
            self.report_lost_base(&error);
        }
        self.send(Event::Leave { is_incomplete: level.is_incomplete, unseen: level.unseen })
    }

    /// Has the next folders of this level listed by the workers.
    fn list_ahead(&mut self) {
        let with = self.with;
        let Some(level) = self.levels.last_mut() else { return };
        if !level.ahead.wants_more() || level.is_closed_to_us {
            return;
        }
        let Ok(parent) = level.listing.folder(closed) else { return };
        let folder_path = &self.path[..level.path_bytes];
        let rules = level.rules.clone();
        let is_wanted = |entry: &Entry| {
            entry.stat.as_ref().is_ok_and(|stat| stat.is_directory() && !with.skip.contains(&stat.identity()))
                && check_name(&entry.name).is_ok()
                && !rules.is_excluded(with.filter, &join(folder_path, &entry.name), true)
        };
        let room = AHEAD_IN_ALL.saturating_sub(self.ahead);
        self.ahead += level.ahead.begin(self.scope, &parent, level.listing.upcoming(), room, is_wanted);
    }

    fn flush_batch(&mut self) -> Result<()> {
        match self.levels.last_mut().and_then(|level| level.batch.take()) {
            Some(batch) => self.send_batch(batch),
            None => Ok(()),
        }
    }

    fn send_batch(&mut self, batch: Batch) -> Result<()> {
        let (sender, receiver) = sync_channel(1);
        self.unread_files += batch.files.len();
        self.unread_bytes += batch.bytes;
        self.unread.push((batch, sender));
        self.send(Event::Batch(receiver))?;
        if is_enough(self.unread_files, self.unread_bytes) || self.unread.len() >= BATCHES_TOGETHER { self.tell() } else { Ok(()) }
    }

    fn send_same(&mut self, node: Option<Node>) -> Result<()> {
        let is_still_same = self.levels.last().is_some_and(|level| level.is_still_same);
        match (node, self.untold.last_mut()) {
            // It is of this folder: another would have been entered or left since.
            (Some(_), Some(Event::StillSame(entries))) if is_still_same => {
                *entries += 1;
                Ok(())
            }
            (Some(_), _) if is_still_same => self.send(Event::StillSame(1)),
            (Some(node), _) => self.send(Event::Same(Box::new(node))),
            (None, _) => Ok(()),
        }
    }

    fn send(&mut self, event: Event) -> Result<()> {
        if !matches!(event, Event::StillSame(_) | Event::Same(_))
            && let Some(level) = self.levels.last_mut()
        {
            level.is_still_same = false;
        }
        self.untold.push(event);
        if self.untold.len() < EVENTS_TOGETHER { Ok(()) } else { self.tell() }
    }

    /// Tells the builder what was found so far, and has a worker read the files.
    fn tell(&mut self) -> Result<()> {
        let events = std::mem::replace(&mut self.untold, Vec::with_capacity(EVENTS_TOGETHER));
        // First the events, which wait when the builder is behind: so the queue of work is bounded.
        // The builder ends early only with an error, and that one is reported.
        self.events.send(events).map_err(|_| Error::new(ErrorKind::Interrupted, "the trees could not be built"))?;
        let batches = std::mem::take(&mut self.unread);
        (self.unread_files, self.unread_bytes) = (0, 0);
        if !batches.is_empty() {
            let with = self.with;
            self.scope.spawn(move |_| {
                let saving = Saving { saver: with.saver, owners: with.owners, tally: with.tally, filter: with.filter };
                for (batch, sender) in batches {
                    // The builder has ended with an error of its own when nobody listens.
                    let _ = sender.send(batch.save(&saving));
                }
            });
        }
        Ok(())
    }

    fn report(&self, kind: FindingKind, path: Vec<u8>, message: &str) {
        self.with.saver.progress.report(Finding::new(kind, path, message));
    }

    fn report_lost_base(&self, error: &Error) {
        add(&self.with.tally.folders_lost, 1);
        let message = format!("the base cannot be read here, so this folder is read again: {error}");
        self.report(FindingKind::Note, self.path.clone(), &message);
    }

    fn report_notes(&self, notes: &[Error]) {
        for note in notes {
            self.report(FindingKind::Note, self.path.clone(), &describe(note));
        }
    }
}

/// Stands where a folder that was just listed is open in any case.
fn closed() -> Result<Folder> {
    Err(Error::new(ErrorKind::Other, "the folder is closed"))
}

fn is_file(node: Option<&Node>) -> bool {
    node.is_some_and(|node| matches!(node.content, Content::File(..)))
}

fn empty_folder(name: Vec<u8>, metadata: Metadata, flags: u32) -> Node {
    Node { name, metadata, content: Content::Ancestor, flags, extensions: Extensions::none() }
}

/// The entries of the same folder in the base, read beside it.
struct BaseCursor<'w, 'a> {
    stream: Option<NodeStream<'w, 'a>>,
    next: Option<Node>,
    /// Why it can be read no further.
    failure: Option<Error>,
}

impl<'w, 'a> BaseCursor<'w, 'a> {
    fn new(reader: Option<&'w ChunkReader<'a>>, tree: Option<&TreeRef>) -> Self {
        let stream = reader.zip(tree).map(|(reader, tree)| NodeStream::new(reader, tree));
        let mut cursor = Self { stream, next: None, failure: None };
        cursor.advance();
        cursor
    }

    fn advance(&mut self) {
        self.next = match self.stream.as_mut().map(NodeStream::next_node) {
            Some(Ok(node)) => node,
            Some(Err(error)) => {
                self.failure = Some(error);
                self.stream = None;
                None
            }
            None => None,
        };
    }

    /// The base's entry of this name, and whether entries before it are not there any more.
    fn take(&mut self, name: &[u8]) -> (Option<Node>, bool) {
        let mut has_gap = false;
        while self.next.as_ref().is_some_and(|node| node.name.as_slice() < name) {
            has_gap = true;
            self.advance();
        }
        if self.next.as_ref().is_some_and(|node| node.name == name) {
            let node = self.next.take();
            self.advance();
            return (node, has_gap);
        }
        (None, has_gap)
    }

    fn has_more(&mut self) -> bool {
        self.next.is_some()
    }
}
