//! How the walk goes into a folder, and what keeps it out.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::state::{Level, SourceWalk, Way, closed};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Content, Metadata, NODE_INCOMPLETE, Node, NotEntered, Unseen};
use crate::progress::{FindingKind, Topic};
use crate::snapshot::ahead::FoldersAhead;
use crate::snapshot::build::Event;
use crate::snapshot::compare::Trust;
use crate::snapshot::cursor::{BaseCursor, InBase};
use crate::snapshot::failures::{describe, refuse_shortage};
use crate::snapshot::listing::FolderListing;
use crate::snapshot::outcome::OTHER_FILE_SYSTEMS_MAX;
use crate::snapshot::rules::Rules;
use crate::snapshot::tally::add;
use crate::source::{FileSystem, Folder, has_cache_tag, metadata_of_folder, read_metadata};
use crate::wire::Extensions;

/// So many levels keep their handle; the ones above are opened again when the walk returns.
const OPEN_LEVELS: usize = 128;

impl<'w, 's, 'scope, 'x> SourceWalk<'w, 's, 'scope, 'x>
where
    'w: 'scope,
    's: 'scope,
{
    pub(super) fn visit_folder(&mut self, folder: &Arc<Folder>, name: Vec<u8>, base: Option<InBase>, way: Way) -> Result<()> {
        let Some(level) = self.levels.last_mut() else { return Ok(()) };
        let waiting = level.ahead.len();
        let listing = level.ahead.take(&name);
        self.ahead -= waiting - level.ahead.len();
        let listing = listing.unwrap_or_else(|| folder.open_below(&name).and_then(FolderListing::read));
        // Asked before anything is sent: whatever fails here costs this folder only.
        let listing = listing.and_then(|mut listing| Ok((self.file_system_of(&mut listing)?, listing)));
        match (listing, self.with.inner.ways_in(&self.path)) {
            (Ok((file_system, listing)), _) => self.enter(name, listing, file_system, base, way),
            (Err(error), _) if error.is_not_found() => self.miss(&error),
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

    /// A folder whose entries cannot be listed is saved without them, and marked.
    pub(super) fn enter_unreadable(&mut self, folder: &Arc<Folder>, name: Vec<u8>, base: Option<InBase>, error: &Error) -> Result<()> {
        refuse_shortage(error)?;
        let stat = match folder.stat(&name) {
            Ok(stat) if stat.is_directory() => stat,
            Ok(stat) => return self.visit_instead(folder, name, stat, base.as_ref()),
            Err(error) => return self.miss(&error),
        };
        add(&self.with.tally.problems, 1);
        self.report(FindingKind::Unreadable, self.path.clone(), &describe(error));
        self.base_files_met += self.files_of_base(base.as_ref().map(|base| &base.node));
        let (metadata, notes) = read_metadata(folder, &name, &stat, self.with.owners);
        self.report_notes(&notes);
        self.flush_batch()?;
        let node = empty_folder(name, metadata, NODE_INCOMPLETE);
        add(&self.with.tally.directories, 1);
        self.send(Event::Enter { node: Box::new(node), base: base.map(Box::new), is_held: false })?;
        self.send(Event::Leave { is_incomplete: true, unseen: Vec::new() })
    }

    /// The file system of a folder that is about to be entered.
    pub(super) fn file_system_of(&self, listing: &mut FolderListing) -> Result<FileSystem> {
        match self.levels.last() {
            Some(level) if level.listing.stat.device == listing.stat.device => Ok(level.file_system.clone()),
            _ => FileSystem::of(&*listing.folder(closed)?),
        }
    }

    pub(super) fn enter(
        &mut self,
        name: Vec<u8>,
        mut listing: FolderListing,
        file_system: FileSystem,
        base: Option<InBase>,
        way: Way,
    ) -> Result<()> {
        let folder = listing.folder(closed)?;
        let stat = listing.stat.clone();
        let is_other_file_system = self.levels.last().is_some_and(|level| level.listing.stat.device != stat.device);
        let is_loop = self.levels.iter().any(|level| level.listing.stat.identity() == stat.identity());
        let is_cache = self.with.options.exclude_caches && has_cache_tag(&folder);
        let marks = self.marks_in(&folder);
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
            if self.other_file_systems.len() < OTHER_FILE_SYSTEMS_MAX {
                self.other_file_systems.push(self.path.clone());
            }
            Some((NotEntered::OtherFileSystem, ""))
        } else if !marks.is_empty() {
            add(&self.with.tally.marked_folders, 1);
            Some((NotEntered::Marked, ""))
        } else {
            None
        };
        let trust = self.with.base.map(|(manifest, _)| Trust::new(manifest, &file_system, self.with.options.stat_trust));
        let metadata = match (&base, &trust) {
            (Some(InBase { node, .. }), Some(trust)) if trust.is_unchanged(node, &stat) => node.metadata.clone(),
            _ => {
                let (metadata, notes) = metadata_of_folder(&folder, &stat, self.with.owners);
                self.report_notes(&notes);
                metadata
            }
        };
        let tree = base.as_ref().and_then(|base| match &base.node.content {
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
        let is_marked = matches!(left_empty, Some((NotEntered::Marked, _)));
        let is_passed_through = left_empty.is_some() && (ways.is_some() || is_marked);
        let mut names = if is_marked { marks } else { BTreeSet::new() };
        names.extend(ways.into_iter().flatten().cloned());
        if let (true, Some(tree)) = (is_marked || is_cache, tree.as_ref().filter(|_| left_empty.is_some())) {
            self.note_unknown_in(tree, &names);
        }
        if is_passed_through {
            listing = FolderListing::of_names(folder, &names)?;
        } else if let Some((_, reason)) = left_empty {
            if !reason.is_empty() {
                self.report(FindingKind::Note(Topic::LeftOut), self.path.clone(), reason);
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
        let base = match (&tree, self.levels.last(), self.with.base) {
            (Some(tree), Some(level), _) => level.base.below(tree),
            (Some(tree), None, Some((_, reader))) => BaseCursor::of_source(reader, tree, self.base_ahead, self.source_number),
            _ => BaseCursor::none(),
        };
        let (path_bytes, is_in_memory) = (self.path.len(), file_system.is_in_memory());
        self.levels.push(Level {
            listing,
            path_bytes,
            base,
            file_system,
            trust,
            batch: None,
            ahead: FoldersAhead::new(Arc::clone(&self.entries_ahead)),
            ways,
            is_passed_through,
            is_marked,
            is_in_memory,
            counted_as,
            rules,
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
}

fn empty_folder(name: Vec<u8>, metadata: Metadata, flags: u32) -> Node {
    Node { name, metadata, content: Content::Ancestor, flags, extensions: Extensions::none() }
}
