//! Which entries the walk goes on to, and what it notes of them in passing.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::state::{Level, SourceWalk, Way, is_file};
use crate::manifest::{Content, Node, StatTrust, TreeRef};
use crate::progress::{FindingKind, Topic};
use crate::snapshot::cursor::InBase;
use crate::snapshot::tally::add;
use crate::source::{Folder, Stat};
use crate::trees::NodeStream;

impl<'w, 's, 'scope, 'x> SourceWalk<'w, 's, 'scope, 'x>
where
    'w: 'scope,
    's: 'scope,
{
    /// How the walk goes on to the entry `name` at `self.path`; not at all when it is left out.
    pub(super) fn way_to(&mut self, name: &[u8], stat: &Stat, is_on_the_way: bool) -> Option<Way> {
        if stat.is_directory() && self.with.skip.contains(&stat.identity()) {
            if let Some(level) = self.levels.last_mut() {
                level.unseen.push(name.to_vec());
            }
            self.report(FindingKind::Note(Topic::LeftOut), self.path.clone(), "it belongs to the repository itself and is left out");
            return None;
        }
        if is_on_the_way && self.with.inner.is_named(&self.path) {
            self.met.insert(self.path.clone());
            return Some(Way::Named);
        }
        let is_mark = |level: &Level<'_>| level.is_marked && self.with.unwanted.is_mark(name);
        let is_passed_through = self.levels.last().is_some_and(|level| level.is_passed_through && !is_mark(level));
        if !is_passed_through && !self.is_excluded(&self.path, stat.is_directory()) {
            return Some(Way::Usual);
        }
        (is_on_the_way && stat.is_directory()).then_some(Way::Through)
    }

    /// Whether the filter leaves out what is at `path`, by any name that the source goes by.
    pub(super) fn is_excluded(&self, path: &[u8], is_directory: bool) -> bool {
        self.levels.last().is_some_and(|level| level.rules.is_excluded(self.with.filter, path, is_directory))
    }

    /// Whether an entry that cannot be looked at would have been left out, had it been.
    pub(super) fn is_left_out_unseen(&self, folder: &Folder, name: &[u8]) -> bool {
        // Nobody knows whether it is a folder, which some patterns ask for.
        self.is_excluded(&self.path, true)
            || self.is_excluded(&self.path, false)
            || (self.with.options.one_file_system && folder.is_mount_point(name))
    }

    /// The patterns that are not meant for what lies below the source at `self.path`.
    pub(super) fn unmeant_patterns(&self) -> Arc<[usize]> {
        let mut found = self.with.filter.covering(&self.path);
        if self.levels.is_empty() {
            self.other_names.iter().for_each(|name| found.extend(self.with.filter.covering(name)));
        }
        found.into()
    }

    /// Whether what is left out is so by its length.
    pub(super) fn is_too_large(&self, stat: &Stat, way: Way) -> bool {
        let is_all_that_is_left = self.levels.last().is_some_and(|level| level.is_passed_through);
        way == Way::Usual && stat.is_file() && !is_all_that_is_left && self.with.unwanted.is_too_large(stat.size)
    }

    /// Leaves out a file for its length, and says so in the node of its folder.
    pub(super) fn leave_out_large(&mut self, name: Vec<u8>, stat: &Stat, base: Option<&InBase>) {
        add(&self.with.tally.large_files, 1);
        add(&self.with.tally.large_bytes, stat.size);
        self.note_unknown(base.map(|base| &base.node));
        if let Some(level) = self.levels.last_mut() {
            level.unseen.push(name);
        }
    }

    /// The names in a folder that mark it as one to leave out. A source that is walked is meant in any case.
    pub(super) fn marks_in(&self, folder: &Folder) -> BTreeSet<Vec<u8>> {
        let marks = self.with.unwanted.marks.iter().filter(|_| !self.levels.is_empty());
        let found = marks.filter(|mark| folder.stat(mark).is_ok());
        found.map(|mark| mark.to_vec()).collect()
    }

    /// Notes that what the base has may still be there, though it is left out now.
    pub(super) fn note_unknown(&mut self, base: Option<&Node>) {
        let (files, bytes) = self.sums_of_base(base);
        self.base_files_met += files;
        let last = self.counted.len().saturating_sub(1);
        let counted_as = self.levels.last().map_or(last, |level| level.counted_as);
        let unknown = self.unknown.entry(counted_as).or_default();
        *unknown = (unknown.0 + files, unknown.1 + bytes);
    }

    /// As [`Self::note_unknown`], of all entries of a folder of the base but those of these `names`.
    pub(super) fn note_unknown_in(&mut self, tree: &TreeRef, names: &BTreeSet<Vec<u8>>) {
        let Some((_, reader)) = self.with.base else { return };
        let mut nodes = NodeStream::new(reader, tree);
        // What cannot be read is not counted, which is told where the base is used.
        while let Ok(Some(node)) = nodes.next_node() {
            if !names.contains(&node.name) {
                self.note_unknown(Some(&node));
            }
        }
    }

    /// How many files an entry of the base is or has: those of a folder that cannot be looked into now.
    pub(super) fn files_of_base(&self, base: Option<&Node>) -> u64 {
        self.sums_of_base(base).0
    }

    /// How many files an entry of the base is or has, and the sum of their lengths.
    fn sums_of_base(&self, base: Option<&Node>) -> (u64, u64) {
        let (Some(node), Some((_, reader))) = (base, self.with.base) else { return (0, 0) };
        let (mut files, mut bytes, mut trees) = (0, 0, Vec::new());
        let mut look = |node: &Node, trees: &mut Vec<TreeRef>| match &node.content {
            Content::Directory(tree) => trees.push(*tree),
            _ => (files, bytes) = (files + u64::from(is_file(Some(node))), bytes + node.file_bytes()),
        };
        look(node, &mut trees);
        while let Some(tree) = trees.pop() {
            let mut nodes = NodeStream::new(reader, &tree);
            // What cannot be read is not counted, which is told where the base is used.
            while let Ok(Some(node)) = nodes.next_node() {
                look(&node, &mut trees);
            }
        }
        (files, bytes)
    }

    pub(super) fn note_clock(&mut self, stat: &Stat) {
        let Some(level) = self.levels.last().filter(|level| level.file_system.has_own_clock()) else { return };
        // Anybody may set an mtime, to next year as well; only where there is no other stamp is it
        // taken for the clock.
        let trust = self.with.options.stat_trust.unwrap_or_else(|| level.file_system.default_stat_trust());
        let stamp = if trust == StatTrust::Mtime { stat.mtime } else { stat.ctime };
        let newest = self.clocks.entry(level.file_system.id).or_insert(stamp);
        *newest = (*newest).max(stamp);
    }
}
