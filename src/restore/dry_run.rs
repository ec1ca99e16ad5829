//! What a restore would do: the same walk and the same decisions, and nothing is changed.

use std::collections::HashSet;
use std::sync::Arc;

use super::clear::{Decided, decide_in, makes_way_for_folder};
use super::delete::delete_others;
use super::entries::{Entered, Left, Visitor};
use super::folders::{self, split_last};
use super::in_the_way::{NamesBefore, Way};
use super::outcome::{ActionKind, Count};
use super::task::{Task, join, with_causes};
use super::window::{FolderInWork, Treatment};
use crate::error::{Error, Result};
use crate::manifest::{Content, Node};
use crate::progress::FindingKind;
use crate::target::{Destination, Folder};

/// A walk that only looks.
pub(super) struct DryRun<'t> {
    task: &'t Task<'t>,
    /// None when there is no such folder yet.
    destination: Option<Arc<Destination>>,
    /// For each level the folder of the destination with its names, if it is there.
    levels: Vec<Option<(Arc<Folder>, NamesBefore)>>,
    destination_keeps_metadata: bool,
    /// Source and inode of files whose first name was met.
    firsts: HashSet<(usize, u64)>,
}

impl<'t> DryRun<'t> {
    pub fn new(task: &'t Task<'t>, destination: Option<Arc<Destination>>) -> Self {
        Self { task, destination, levels: Vec::new(), destination_keeps_metadata: false, firsts: HashSet::new() }
    }

    fn act(&self, kind: ActionKind, relative: &[u8]) {
        self.task.tally.act(kind, self.task.shown(relative));
    }

    fn look(&self, relative: &[u8]) -> Result<Option<(Arc<Folder>, NamesBefore)>> {
        let Some(destination) = &self.destination else { return Ok(None) };
        match destination.folder(relative) {
            Ok(folder) => {
                let names = folder.names()?;
                Ok(Some((folder, names)))
            }
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn enter_existing(&mut self, above: &Folder, relative: &[u8]) -> Result<Entered> {
        let (_, name) = split_last(relative);
        match above.stat(name)? {
            Some(existing) if existing.is_directory() => {
                let level = self.look(relative)?;
                self.levels.push(level);
            }
            Some(existing) if !makes_way_for_folder(self.task, above, &existing) => {
                self.task.tally.add(Count::Left);
                self.act(ActionKind::Leave, relative);
                return Ok(Entered::Not);
            }
            existing => {
                self.act(if existing.is_some() { ActionKind::Replace } else { ActionKind::Create }, relative);
                self.levels.push(None);
            }
        }
        Ok(Entered::Here)
    }
}

impl Visitor for DryRun<'_> {
    fn enter(&mut self, relative: &[u8], _: Option<&Node>) -> Result<Entered> {
        let above = self.levels.last().and_then(|level| level.as_ref()).map(|(folder, _)| Arc::clone(folder));
        let outcome = match above {
            Some(above) => self.enter_existing(&above, relative),
            // Below a folder that is still to be made there is nothing.
            None if !self.levels.is_empty() => {
                self.act(ActionKind::Create, relative);
                self.levels.push(None);
                Ok(Entered::Here)
            }
            None => self.look(relative).map(|level| {
                match &level {
                    None => self.act(ActionKind::Create, relative),
                    Some((_, before)) => {
                        self.destination_keeps_metadata = folders::destination_keeps_metadata(before, self.task.request.overwrite);
                    }
                }
                self.levels.push(level);
                Entered::Here
            }),
        };
        outcome.or_else(|error| self.task.fail_entry(relative, error).map(|()| Entered::Not))
    }

    fn entry(&mut self, folder: &[u8], node: Node, root: usize) -> Result<()> {
        let relative = join(folder, &node.name);
        let decided = match self.levels.last() {
            Some(Some((within, before))) => decide_in(self.task, within, folder, before, &node),
            _ => Ok(Decided::Way(Way::Free)),
        };
        let kind = match decided {
            Err(error) => return self.task.fail_entry(&relative, error),
            Ok(Decided::Way(Way::Unchanged(_))) => {
                self.task.tally.add(Count::Unchanged);
                return Ok(());
            }
            Ok(Decided::Stays(why)) => {
                self.task.tally.add(Count::Left);
                self.act(ActionKind::Leave, &relative);
                self.task.report(FindingKind::LeftAsIs, &relative, why);
                return Ok(());
            }
            Ok(Decided::Way(Way::Leave)) => {
                self.task.tally.add(Count::Left);
                self.act(ActionKind::Leave, &relative);
                return Ok(());
            }
            Ok(Decided::Way(Way::Free)) => ActionKind::Create,
            Ok(Decided::Way(Way::Replace { .. })) => ActionKind::Replace,
        };
        self.act(kind, &relative);
        match node.content {
            Content::File(..) if node.metadata.links > 1 && !self.firsts.insert((root, node.metadata.inode)) => {
                self.task.tally.add(Count::HardLinks);
            }
            Content::File(bytes, _) => {
                self.task.tally.add(Count::Files);
                self.task.tally.add_many(Count::BytesWritten, bytes);
            }
            _ => self.task.tally.add(Count::Others),
        }
        Ok(())
    }

    fn leave(&mut self, left: Left<'_>) -> Result<()> {
        let level = self.levels.pop().flatten();
        let Some(node) = left.node else { return Ok(()) };
        let treatment = Treatment::of(&node, left.is_selected, level.is_none());
        let keeps_metadata = left.relative.is_empty() && self.destination_keeps_metadata;
        if treatment != Treatment::LeftAlone && !keeps_metadata {
            self.task.tally.add(Count::Directories);
        }
        if let (true, Some(_), Some(destination)) = (self.task.request.delete, level, &self.destination) {
            let folder = FolderInWork {
                path: left.path.to_vec(),
                relative: left.relative.to_vec(),
                node,
                is_complete: left.is_complete,
                is_included: left.is_included,
                treatment,
            };
            delete_others(self.task, destination, &folder, &|_| false)?;
        }
        Ok(())
    }

    fn unreadable(&mut self, relative: &[u8], error: Error) {
        self.task.tally.add(Count::Damaged);
        self.task.report(FindingKind::Damaged, relative, format!("some entries cannot be read: {}", with_causes(&error)));
    }
}
