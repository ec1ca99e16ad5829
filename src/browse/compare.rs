//! Walks two places together and hands out what differs, folders before their entries.
//!
//! Paths are relative to the two places, so that a folder can be compared with a folder of another
//! name. A folder one page of which cannot be read is left where that page begins, on both sides:
//! its missing entries must not look as if they had been removed or added. Nor must what the newer side was
//! told to leave out by what it is look as if it had been removed.

use super::place::Place;
use crate::cancel::check_cancelled;
use crate::error::Result;
use crate::manifest::{ChangeKind, Content, Node, classify_change};
use crate::progress::{Finding, FindingKind, Progress};
use crate::repository::ChunkReader;
use crate::trees::{NodeStream, Paired};
use crate::wire::Extensions;

/// One thing that differs.
pub(super) struct Difference<'p> {
    /// Added, modified, metadata or removed; never renamed.
    pub kind: ChangeKind,
    /// The path below the two places: empty for the places themselves, else it begins with a slash.
    pub relative: &'p [u8],
    /// The entry before.
    pub old: Option<Node>,
    /// The entry now.
    pub new: Option<Node>,
}

/// Whether the entries of a folder that was added or removed are handed out too.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Entering {
    /// They are.
    Enter,
    /// They are not.
    Skip,
}

struct Level<'r> {
    entries: Paired<'r>,
    /// How much of the path leads to this folder.
    path_bytes: usize,
    /// The folder as it is now, where that says what was left out of it.
    now: Option<Node>,
}

struct Comparison<'c, 'm, 'r> {
    reader: &'r ChunkReader,
    old: &'c Place<'m>,
    new: &'c Place<'m>,
    levels: Vec<Level<'r>>,
    relative: Vec<u8>,
}

/// Compares `old` with `new`; returns how many folders could not be compared to their end.
///
/// # Errors
/// `NotFound` when neither place is there; `Unsupported`, `Interrupted`, those of `each`.
pub(super) fn compare(
    reader: &ChunkReader,
    old: &Place<'_>,
    new: &Place<'_>,
    each: &mut dyn FnMut(Difference<'_>) -> Result<Entering>,
    progress: &dyn Progress,
) -> Result<u64> {
    let (old_node, new_node) = (old.find(reader)?, new.find(reader)?);
    if old_node.is_none() && new_node.is_none() && !old.is_whole() && !new.is_whole() {
        return Err(new.nothing_there());
    }
    let mut comparison = Comparison { reader, old, new, levels: Vec::new(), relative: Vec::new() };
    comparison.meet(old_node, new_node, each)?;
    let mut unreadable = 0;
    while let Some(level) = comparison.levels.last_mut() {
        check_cancelled(progress)?;
        comparison.relative.truncate(level.path_bytes);
        match level.entries.next_pair() {
            Ok(None) => {
                comparison.levels.pop();
            }
            Ok(Some((old_node, new_node))) => {
                let name = old_node.as_ref().or(new_node.as_ref()).map(|node| &node.name[..]).unwrap_or_default();
                // `/` as a source is the top itself, whose path is empty here.
                if name != b"/" {
                    comparison.relative.push(b'/');
                    comparison.relative.extend_from_slice(name);
                }
                comparison.meet(old_node, new_node, each)?;
            }
            Err(error) if error.is_damage() => {
                let path = new.join(&comparison.relative);
                progress.report(Finding::new(FindingKind::Damaged, path, format!("cannot compare the rest of this folder: {error}")));
                unreadable += 1;
                comparison.levels.pop();
            }
            Err(error) => return Err(error),
        }
    }
    Ok(unreadable)
}

impl<'r> Comparison<'_, '_, 'r> {
    /// Looks at what stands at one path on both sides, and goes into it where there is more to see.
    fn meet(&mut self, old: Option<Node>, new: Option<Node>, each: &mut dyn FnMut(Difference<'_>) -> Result<Entering>) -> Result<()> {
        let now = self.levels.last().and_then(|level| level.now.as_ref());
        if let (Some(old), None, Some(now)) = (&old, &new, now)
            && now.leaves_out(&old.name)
        {
            // Nobody knows whether it is gone.
            return Ok(());
        }
        let now = new.as_ref().filter(|node| node.is_directory() && node.extensions != Extensions::none()).cloned();
        let old_entries = self.entries_of(self.old, old.as_ref());
        let new_entries = self.entries_of(self.new, new.as_ref());
        let both_folders = old_entries.is_some() && new_entries.is_some();
        let kind = match (&old, &new) {
            (Some(old), Some(new)) => classify_change(old, new),
            (Some(_), None) => Some(ChangeKind::Removed),
            (None, Some(_)) => Some(ChangeKind::Added),
            (None, None) => None,
        };
        let entering = match kind {
            Some(kind) => each(Difference { kind, relative: &self.relative, old, new })?,
            None => Entering::Enter,
        };
        if both_folders || (entering == Entering::Enter && (old_entries.is_some() || new_entries.is_some())) {
            let nothing = || NodeStream::of_nodes(self.reader, Vec::new());
            let entries = Paired::new(old_entries.unwrap_or_else(nothing), new_entries.unwrap_or_else(nothing));
            self.levels.push(Level { entries, path_bytes: self.relative.len(), now });
        }
        Ok(())
    }

    /// The entries of what stands at the current path on one side; `None` when it is no folder there.
    fn entries_of(&self, place: &Place<'_>, node: Option<&Node>) -> Option<NodeStream<'r>> {
        let roots = |folder: &[u8]| NodeStream::of_nodes(self.reader, place.roots_below(folder));
        match node.map(|node| &node.content) {
            Some(Content::Directory(tree)) => Some(NodeStream::new(self.reader, tree)),
            Some(Content::Ancestor) => Some(roots(&self.relative)),
            // The top of a snapshot is a folder even where no entry describes it.
            None if self.relative.is_empty() && place.is_whole() => Some(roots(b"")),
            _ => None,
        }
    }
}
