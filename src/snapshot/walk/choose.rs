//! Which entries the walk goes on to, and what it notes of them in passing.

use std::sync::Arc;

use super::state::{SourceWalk, Way, is_file};
use crate::manifest::{Content, Node, StatTrust, TreeRef};
use crate::progress::FindingKind;
use crate::source::{Folder, Stat};
use crate::trees::NodeStream;

impl<'w, 's, 'a, 'scope, 'x> SourceWalk<'w, 's, 'a, 'scope, 'x>
where
    'w: 'scope,
    's: 'scope,
    'a: 'scope,
{
    /// How the walk goes on to the entry `name` at `self.path`; not at all when it is left out.
    pub(super) fn way_to(&mut self, name: &[u8], stat: &Stat, is_on_the_way: bool) -> Option<Way> {
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

    /// How many files an entry of the base is or has: those of a folder that cannot be looked into now.
    pub(super) fn files_of_base(&self, base: Option<&Node>) -> u64 {
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
