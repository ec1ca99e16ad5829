//! Walks the sources in order and decides what must be read.
//!
//! ```text
//! for each source:
//!     list it and enter it                                          begin, folder
//!     while a folder is open, for the innermost:
//!         have the workers list the folders that come next
//!         its next entry, and the base's entry of that name
//!             left out?                                             choose
//!             a folder:          list it and enter it               folder
//!             as in the base:    say its number there               entry
//!             a file:            to the batch of this folder        entry
//!             anything else:     look at it, now                    entry
//!         or, at its end:
//!             changed since it was listed?  go on with what came    leave
//!             leave it
//!     tell the builder of all this in order; batches go to workers  telling
//! ```
//!
//! Names are taken in the order of the trees, so the base is read once, page by page, beside the
//! folders. Nothing here recurses: a tree of 10,000 levels is an ordinary one. A folder has in its node
//! the times that it had before it was listed: when it changes meanwhile, it has changed for the next run.

mod begin;
mod choose;
mod entry;
mod folder;
mod leave;
mod state;
mod telling;

use std::sync::Arc;

pub(super) use self::state::{SourceWalk, Walked};
use self::state::{Way, closed, is_file};
use super::failures::{describe, refuse_shortage};
use super::listing::Entry;
use super::paths::join;
use super::sources::Source;
use super::tally::add;
use crate::error::{ErrorKind, Result};
use crate::manifest::SourceCounts;
use crate::manifest::{FileSystemClock, check_name};
use crate::platform::failure::is_shortage;
use crate::progress::{Finding, FindingKind};
use crate::source::{FileType, Folder};

/// Listings of so many folders are made ahead: each holds a handle.
const AHEAD_IN_ALL: usize = 96;

impl<'w, 's, 'scope, 'x> SourceWalk<'w, 's, 'scope, 'x>
where
    'w: 'scope,
    's: 'scope,
{
    /// Walks `sources`.
    ///
    /// # Errors
    /// `Interrupted`; `NotFound` when no source can be read at all.
    pub(super) fn run(mut self, sources: &[Source]) -> Result<Walked> {
        let mut failures = Vec::new();
        self.expect_base(sources);
        for (number, source) in sources.iter().enumerate() {
            self.source_number = number;
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
        self.with.saver.progress.end_total();
        let mut clocks: Vec<_> = self.clocks.iter().map(|(id, newest)| FileSystemClock { file_system: *id, newest: *newest }).collect();
        clocks.sort_by_key(|clock| clock.file_system);
        Ok(Walked {
            clocks,
            sources: self.counted,
            unknown: self.unknown,
            other_file_systems: self.other_file_systems,
            base_files_met: self.base_files_met,
        })
    }

    fn walk_levels(&mut self) -> Result<()> {
        while !self.levels.is_empty() {
            self.with.saver.check_interrupt()?;
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
        let base = level.base.take(&entry.name);
        if let Some(error) = level.base.failure.take() {
            self.report_lost_base(&error);
        }
        let folder_path_bytes = self.path.len();
        if self.path != b"/" {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(&entry.name);
        let stat = match entry.stat.and_then(|stat| check_name(&entry.name).map(|()| stat)) {
            Ok(stat) => stat,
            Err(error) => {
                if !is_on_the_way && self.is_left_out_unseen(folder, &entry.name) {
                    return Ok(());
                }
                if !error.is_not_found() {
                    self.met.insert(self.path.clone());
                    self.base_files_met += self.files_of_base(base.as_ref().map(|base| &base.node));
                }
                return self.miss(&error);
            }
        };
        let Some(way) = self.way_to(&entry.name, &stat, is_on_the_way) else { return Ok(()) };
        if self.is_too_large(&stat, way) {
            self.leave_out_large(entry.name, &stat, base.as_ref());
            return Ok(());
        }
        self.note_clock(&stat);
        if way == Way::Named {
            self.counted.push(SourceCounts::of(self.path.clone()));
        }
        if stat.is_file() {
            self.base_files_met += u64::from(is_file(base.as_ref().map(|base| &base.node)));
            let last = self.counted.len().saturating_sub(1);
            let counted_as = if way == Way::Named { last } else { self.levels.last().map_or(last, |level| level.counted_as) };
            if let Some(counts) = self.counted.get_mut(counted_as) {
                counts.add(stat.size);
            }
        }
        match stat.file_type {
            FileType::File => self.visit_file(folder, folder_path_bytes, entry.name, stat, base.as_ref()),
            FileType::Directory => self.visit_folder(folder, entry.name, base, way),
            _ => {
                let trust = self.levels.last().and_then(|level| level.trust);
                self.visit_other(folder, entry.name, &stat, base.as_ref(), trust)
            }
        }
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
}
