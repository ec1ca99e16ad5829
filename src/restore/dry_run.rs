//! What a restore would do: the same walk and the same decisions, and nothing is changed.

use std::sync::Arc;

use super::clear::{Decided, decide_in, makes_way_for_folder};
use super::delete::delete_others;
use super::entries::{Entered, Left, Visitor};
use super::folders::{self, is_perhaps_in_work, split_last};
use super::in_the_way::{NamesBefore, Way};
use super::leftovers;
use super::links::{Links, Role};
use super::outcome::{ActionKind, Count};
use super::repositories::{IN_REPOSITORY, Takes};
use super::set_metadata::{FolderMetadata, decide_about_folder};
use super::task::{Task, join, with_causes};
use super::window::{FolderInWork, Treatment};
use crate::error::{Error, Result};
use crate::manifest::{Content, Node};
use crate::progress::FindingKind;
use crate::target::{ApplyOptions, Destination, Disk, Folder, Holds, NO_LINKS};

/// A walk that only looks.
pub(super) struct DryRun<'t> {
    task: &'t Task<'t>,
    options: ApplyOptions,
    /// None when there is no such folder yet.
    destination: Option<Arc<Destination>>,
    /// For each level the folder of the destination with its names, if it is there.
    levels: Vec<Option<(Arc<Folder>, NamesBefore)>>,
    /// For the same levels what they take.
    takes: Vec<Takes>,
    destination_keeps_metadata: bool,
    links: Links,
    /// What the file system can hold on which the destination is, or would be made.
    holds: Holds,
}

impl<'t> DryRun<'t> {
    /// # Errors
    /// Those of looking at where the destination would be made.
    pub fn new(task: &'t Task<'t>, destination: Option<Arc<Destination>>) -> Result<Self> {
        let holds = match &destination {
            Some(destination) => destination.folder(b"")?.disk().holds(),
            None => Disk::of_missing(&task.request.destination)?,
        };
        let (options, links) = (task.request.apply_options(), Links::new(task.manifest.started_at));
        Ok(Self { task, options, destination, levels: Vec::new(), takes: Vec::new(), destination_keeps_metadata: false, links, holds })
    }

    /// What the folder that the walk is in can hold, on its own file system or the one that it would be made on.
    fn holds(&self) -> Holds {
        self.levels.iter().rev().flatten().next().map_or(self.holds, |(folder, _)| folder.disk().holds())
    }

    /// Counts an entry that would be made.
    ///
    /// # Errors
    /// What ends the restore.
    fn make(&self, kind: ActionKind, relative: &[u8], node: &Node, role: Role) -> Result<()> {
        if let Some(Some((within, _))) = self.levels.last()
            && let Err(error) = within.check_renaming().and_then(|()| within.check_making())
        {
            self.links.gives_up(role);
            return self.task.fail_entry(relative, error);
        }
        let holds = self.holds();
        let is_file = matches!(node.content, Content::File(..));
        if !is_file && !holds.links {
            self.task.tally.add(Count::Failed);
            self.task.notes.report(self.task.progress, &self.task.shown(relative), NO_LINKS.to_owned());
            return Ok(());
        }
        self.act(kind, relative);
        if matches!(role, Role::Later(_)) && holds.hard_links {
            self.task.tally.add(Count::HardLinks);
        } else if is_file {
            self.task.tally.add(Count::Files);
            self.task.tally.add_many(Count::BytesWritten, node.file_bytes());
        } else {
            self.task.tally.add(Count::Others);
        }
        Ok(())
    }

    fn act(&self, kind: ActionKind, relative: &[u8]) {
        self.task.tally.act(kind, self.task.shown(relative));
    }

    fn look(&self, relative: &[u8]) -> Result<Option<(Arc<Folder>, NamesBefore)>> {
        let Some(destination) = &self.destination else { return Ok(None) };
        match destination.folder(relative) {
            Ok(folder) => {
                let mut names = folder.names()?;
                leftovers::clear(self.task, destination, relative, &mut names)?;
                Ok(Some((folder, names)))
            }
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What the folder takes that the walk is in.
    fn takes(&self) -> Takes {
        self.takes.last().copied().unwrap_or_default()
    }

    /// Goes down to a folder, if it is there with its names.
    fn push(&mut self, relative: &[u8], level: Option<(Arc<Folder>, NamesBefore)>) -> Result<()> {
        let takes = match &level {
            Some((folder, names)) => Takes::of(folder, self.takes(), folders::counts_as_new(folder, relative, names)?, names),
            // It would be made.
            None => self.takes(),
        };
        self.takes.push(takes);
        self.levels.push(level);
        Ok(())
    }

    fn enter_existing(&mut self, above: &Folder, relative: &[u8], is_passed: bool) -> Result<Entered> {
        let (_, name) = split_last(relative);
        if self.takes().refuses_folder(above, name)? {
            self.task.tally.add(Count::Left);
            self.act(ActionKind::Leave, relative);
            self.task.report(FindingKind::LeftAsIs, relative, IN_REPOSITORY);
            return Ok(Entered::Not);
        }
        match above.stat(name)? {
            Some(existing) if existing.is_directory() => {
                let level = self.look(relative)?;
                self.push(relative, level)?;
            }
            Some(existing) if !makes_way_for_folder(self.task, above, (relative, &existing), is_passed) => {
                self.task.tally.add(Count::Left);
                self.act(ActionKind::Leave, relative);
                return Ok(Entered::Not);
            }
            existing => {
                above.check_making().map_err(|error| error.context("nothing below was restored"))?;
                self.act(if existing.is_some() { ActionKind::Replace } else { ActionKind::Create }, relative);
                self.push(relative, None)?;
            }
        }
        Ok(Entered::Here)
    }

    /// What becomes of the metadata of a folder, which is open as `within` if it is there.
    fn foretell_metadata(&self, folder: &FolderInWork, within: Option<&Folder>) -> Result<()> {
        let decided = match (folder.treatment, within) {
            (Treatment::LeftAlone, _) => return Ok(()),
            (Treatment::Restored, Some(within)) => decide_about_folder(self.task, &self.options, folder, within),
            _ => Ok(FolderMetadata::Set),
        };
        match decided {
            Ok(FolderMetadata::Set | FolderMetadata::AsItWas) => self.task.tally.add(Count::Directories),
            Ok(FolderMetadata::Changed) => {
                self.task.tally.add(Count::Directories);
                self.task.tally.add(Count::MetadataSet);
                self.act(ActionKind::SetMetadata, &folder.relative);
            }
            Ok(FolderMetadata::Left(_)) => self.act(ActionKind::Leave, &folder.relative),
            Err(error) => self.task.fail_entry(&folder.relative, error)?,
        }
        Ok(())
    }
}

impl Visitor for DryRun<'_> {
    fn enter(&mut self, relative: &[u8], passed: Option<&Node>) -> Result<Entered> {
        let above = self.levels.last().and_then(|level| level.as_ref()).map(|(folder, _)| Arc::clone(folder));
        let outcome = match above {
            Some(above) => self.enter_existing(&above, relative, passed.is_some()),
            // Below a folder that is still to be made there is nothing.
            None if !self.levels.is_empty() => {
                self.act(ActionKind::Create, relative);
                self.push(relative, None).map(|()| Entered::Here)
            }
            None => self.look(relative).and_then(|level| {
                match &level {
                    None => self.act(ActionKind::Create, relative),
                    Some((within, before)) => {
                        let is_new = folders::counts_as_new(within, relative, before)?;
                        self.destination_keeps_metadata = folders::destination_keeps_metadata(is_new, self.task.request.overwrite);
                    }
                }
                self.push(relative, level).map(|()| Entered::Here)
            }),
        };
        outcome.or_else(|error| self.task.fail_entry(relative, error).map(|()| Entered::Not))
    }

    fn entry(&mut self, folder: &[u8], node: Node, root: usize) -> Result<()> {
        let relative = join(folder, &node.name);
        let role = self.links.join(root, &node);
        let decided = match self.levels.last() {
            Some(Some((within, before))) => {
                decide_in(self.task, &self.options, &self.links, (within, folder), (before, self.takes()), (&node, role))
            }
            _ => Ok(Decided::Way(Way::Free)),
        };
        match &decided {
            Ok(Decided::Way(Way::Unchanged(existing) | Way::SetMetadata(existing))) => {
                self.links.stays(role, &Arc::from(folder), &node.name, existing);
            }
            Ok(Decided::Way(Way::Free | Way::Replace { .. })) => {}
            Ok(Decided::Way(Way::Leave(_)) | Decided::Stays(_)) | Err(_) => self.links.gives_up(role),
        }
        if matches!(&decided, Ok(Decided::Way(way)) if !matches!(way, Way::Leave(_))) {
            self.task.warn_of_marks(&relative, &node);
        }
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
            Ok(Decided::Way(Way::SetMetadata(_))) => {
                self.task.tally.add(Count::MetadataSet);
                self.act(ActionKind::SetMetadata, &relative);
                return Ok(());
            }
            Ok(Decided::Way(Way::Leave(_))) => {
                self.task.tally.add(Count::Left);
                self.act(ActionKind::Leave, &relative);
                return Ok(());
            }
            Ok(Decided::Way(Way::Free)) => ActionKind::Create,
            Ok(Decided::Way(Way::Replace { .. })) => ActionKind::Replace,
        };
        self.make(kind, &relative, &node, role)
    }

    fn leave(&mut self, left: Left<'_>) -> Result<()> {
        let level = self.levels.pop().flatten();
        let takes = self.takes.pop().unwrap_or_default();
        let is_new = match &level {
            Some((within, names)) => folders::counts_as_new(within, left.relative, names),
            None => Ok(true),
        };
        let is_new = match is_new {
            Ok(is_new) => is_new,
            Err(error) => return self.task.fail_entry(left.relative, error),
        };
        if let Some(node) = &left.node {
            self.task.warn_of_marks(left.relative, node);
        }
        let keeps_metadata = left.relative.is_empty() && self.destination_keeps_metadata;
        let Some(folder) = FolderInWork::of(left, is_new, keeps_metadata, takes) else { return Ok(()) };
        self.foretell_metadata(&folder, level.as_ref().map(|(within, _)| &**within))?;
        if let (true, Some(_), Some(destination)) = (self.task.request.delete, level, &self.destination) {
            delete_others(self.task, destination, &folder, &is_perhaps_in_work)?;
        }
        Ok(())
    }

    fn unreadable(&mut self, relative: &[u8], error: Error) {
        self.task.tally.add(Count::Damaged);
        self.task.report(FindingKind::Damaged, relative, format!("some entries cannot be read: {}", with_causes(&error)));
    }
}
