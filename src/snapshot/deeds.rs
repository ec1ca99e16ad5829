//! What became of the entries since the base: counted, and told to who wants it.

use super::cursor::InBase;
use super::tally::{Tally, add};
use crate::manifest::{ChangeKind, Node, classify_change};
use crate::progress::{Deed, Progress};

/// Counts and tells what became of entries.
pub(super) struct Deeds<'d> {
    pub tally: &'d Tally,
    pub progress: &'d dyn Progress,
}

impl Deeds<'_> {
    /// Counts a file that was read.
    pub(super) fn count_file(&self, base: Option<&InBase>, node: &Node) {
        let counter = match deed(base, node) {
            Some(Deed::Added) => &self.tally.files_new,
            Some(_) => &self.tally.files_changed,
            None => &self.tally.files_unchanged,
        };
        add(counter, 1);
    }

    /// Tells what became of the entry at `path`, where it differs from the base's.
    pub(super) fn tell(&self, base: Option<&InBase>, node: &Node, path: impl FnOnce() -> Vec<u8>) {
        if self.progress.wants_deeds()
            && let Some(deed) = deed(base, node)
        {
            self.progress.did(deed, &path());
        }
    }
}

fn deed(base: Option<&InBase>, node: &Node) -> Option<Deed> {
    match base {
        None => Some(Deed::Added),
        Some(base) => {
            classify_change(&base.node, node).map(|kind| if kind == ChangeKind::Metadata { Deed::Metadata } else { Deed::Modified })
        }
    }
}
