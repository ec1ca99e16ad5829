//! Removes from a restored folder what the snapshot does not have there.
//!
//! Only where the snapshot knows what belongs into a folder: not in folders above the sources, and
//! not where some of its entries cannot be read now. What the snapshot did not look at is unknown to it
//! and stays, unless that is asked for too. What the filters of the restore leave out stays in any case,
//! also deep in a folder that goes otherwise; so do other mounts, what the repository needs, and every
//! other repository.

use std::collections::HashSet;
use std::sync::Arc;

use super::folders::split_last;
use super::outcome::{ActionKind, Count};
use super::repositories::{holds_repository, is_of_repository};
use super::task::{Task, join};
use super::window::FolderInWork;
use crate::error::{Error, Result};
use crate::manifest::{Content, TreeRef};
use crate::platform::{AsHandle, HandleRef};
use crate::progress::{Deed, FindingKind, Topic};
use crate::target::{Choice, Destination, Existing, Folder, Found, Identity, Judge, Stays};
use crate::trees::NodeStream;

/// Removes, or in a dry run lists, what is in `folder` and not in the snapshot; `is_kept` says of a
/// path in the destination that this restore made it.
///
/// # Errors
/// What ends the restore; anything else is reported.
pub(super) fn delete_others(
    task: &Task<'_>,
    destination: &Arc<Destination>,
    folder: &FolderInWork,
    is_kept: &dyn Fn(&[u8]) -> bool,
) -> Result<()> {
    let Content::Directory(tree) = &folder.node.content else { return Ok(()) };
    if !folder.is_complete {
        return Ok(());
    }
    let mut deleting = Deleting { task, folder, is_kept };
    let outcome = (|| {
        let within = destination.folder(&folder.relative)?;
        let others = others(task, tree, &within)?;
        if others.is_empty() {
            return Ok(());
        }
        if within.is_in_other_mount()? {
            return deleting.leave_all(&within, &others, "another file system is mounted here");
        }
        if folder.is_in_repository || is_in_repository(destination, &folder.relative)? {
            return deleting.leave_all(&within, &others, "a repository is here");
        }
        for name in others {
            task.check()?;
            let deleted = deleting.delete(&within, &name);
            deleted.or_else(|error| task.fail_entry(&join(&folder.relative, &name), error))?;
        }
        Ok(())
    })();
    outcome.or_else(|error: Error| task.fail_entry(&folder.relative, error))
}

/// Whether the folder, or one above it in the destination, holds a repository: the snapshot may know
/// the folders in one too, of another time or emptied.
fn is_in_repository(destination: &Destination, relative: &[u8]) -> Result<bool> {
    let mut at = relative;
    loop {
        if holds_repository(destination.folder(at)?.as_handle()) {
            return Ok(true);
        }
        if at.is_empty() {
            return Ok(false);
        }
        at = split_last(at).0;
    }
}

/// The names in the folder that the snapshot does not have. Both are sorted, so one pass finds them.
fn others(task: &Task<'_>, tree: &TreeRef, within: &Folder) -> Result<Vec<Vec<u8>>> {
    let (mut nodes, mut others) = (NodeStream::new(task.reader, tree), Vec::new());
    let mut node = nodes.next_node()?;
    // What the snapshot has and no listing shows.
    let mut unlisted = Vec::new();
    for name in within.names()? {
        while let Some(before) = node.take_if(|node| node.name < name) {
            unlisted.push(before.name);
            node = nodes.next_node()?;
        }
        if node.take_if(|node| node.name == name).is_some() {
            node = nodes.next_node()?;
        } else {
            others.push(name);
        }
    }
    while let Some(rest) = node.take().filter(|_| !others.is_empty()) {
        unlisted.push(rest.name);
        node = nodes.next_node()?;
    }
    if others.is_empty() {
        return Ok(others);
    }
    // Some file systems list a name in another way than it was given: without a dot at its end, or with
    // other accents. What is found under a name of the snapshot is no other.
    let mut meant = HashSet::<Identity>::new();
    for name in unlisted {
        meant.extend(within.stat(&name)?.map(|existing| existing.identity));
    }
    if !meant.is_empty() {
        let is_meant = |name: &Vec<u8>| within.stat(name).is_ok_and(|found| found.is_some_and(|found| meant.contains(&found.identity)));
        others.retain(|name| !is_meant(name));
    }
    Ok(others)
}

/// What goes of a folder.
struct Deleting<'d> {
    task: &'d Task<'d>,
    folder: &'d FolderInWork,
    is_kept: &'d dyn Fn(&[u8]) -> bool,
}

impl Deleting<'_> {
    fn delete(&mut self, within: &Folder, name: &[u8]) -> Result<()> {
        let task = self.task;
        if !task.request.delete_excluded && task.sight.is_unseen_in(&self.folder.node, name) {
            let Some(existing) = within.stat(name)? else { return Ok(()) };
            let found = Found { below: name, existing: &existing, is_taken_in: false };
            match within.forbids_replacing(name, &existing) {
                Some(what) => self.stays(name, Stays::Protected(what)),
                None if self.select(&found).0 == Choice::Go => self.keep(name),
                None => {}
            }
            return Ok(());
        }
        within.remove_as(name, task.is_dry, self).map(|_| ())
    }

    /// Leaves everything as it is, as in another mount, and says `why` when something would go.
    fn leave_all(&mut self, within: &Folder, others: &[Vec<u8>], why: &str) -> Result<()> {
        let (task, mut left) = (self.task, 0);
        for name in others {
            let Some(existing) = within.stat(name)? else { continue };
            let found = Found { below: name, existing: &existing, is_taken_in: false };
            let is_unseen = !task.request.delete_excluded && task.sight.is_unseen_in(&self.folder.node, name);
            if !is_unseen && self.choose(&found).0 == Choice::Go {
                left += 1;
                self.act(ActionKind::Leave, name);
            }
        }
        if left > 0 {
            task.tally.add_many(Count::Left, left);
            let message = format!("{left} entries that the snapshot does not have are left: {why}");
            task.report(FindingKind::LeftAsIs, &self.folder.relative, message);
        }
        Ok(())
    }

    /// What becomes of an entry by the filters of the restore.
    fn select(&self, found: &Found<'_>) -> (Choice, bool) {
        let (selection, path, is_directory) = (&self.task.selection, self.path(found.below), found.existing.is_directory());
        if (self.is_kept)(&join(&self.folder.relative, found.below)) || selection.is_excluded(&path, is_directory) {
            return (Choice::Keep, false);
        }
        let is_included = found.is_taken_in || self.folder.is_included || selection.is_included(&path, is_directory);
        (if is_included && selection.is_gone(&path) { Choice::Go } else { Choice::Look }, is_included)
    }

    /// Where an entry would be in the snapshot.
    fn path(&self, below: &[u8]) -> Vec<u8> {
        join(&self.folder.path, below)
    }

    fn is_unknown(&self, below: &[u8], existing: &Existing) -> bool {
        !self.task.request.delete_excluded && self.task.sight.leaves_out(&self.path(below), existing)
    }

    fn act(&self, kind: ActionKind, below: &[u8]) {
        if self.task.is_dry {
            self.task.tally.act(kind, self.task.shown(&join(&self.folder.relative, below)));
        }
    }

    /// Counts and reports what stays because it must.
    fn leave(&self, below: &[u8], why: &str) {
        self.task.tally.add(Count::Left);
        self.act(ActionKind::Leave, below);
        self.task.report(FindingKind::LeftAsIs, &join(&self.folder.relative, below), format!("left as it is: {why}"));
    }

    /// Counts what stays because the snapshot did not look at it.
    fn keep(&self, below: &[u8]) {
        self.task.tally.add(Count::Kept);
        self.act(ActionKind::Keep, below);
    }
}

impl Judge for Deleting<'_> {
    fn choose(&mut self, found: &Found<'_>) -> (Choice, bool) {
        let (choice, is_included) = self.select(found);
        if choice != Choice::Keep && self.is_unknown(found.below, found.existing) {
            if choice == Choice::Go {
                self.keep(found.below);
            }
            return (Choice::Keep, false);
        }
        (choice, is_included)
    }

    fn is_kept_inside(&mut self, below: &[u8], folder: HandleRef<'_>) -> bool {
        if is_of_repository(folder) {
            self.stays(below, Stays::Protected("a repository".to_owned()));
            return true;
        }
        let is_unknown = !self.task.request.delete_excluded && self.task.sight.leaves_out_inside(folder);
        if is_unknown {
            self.keep(below);
        }
        is_unknown
    }

    fn gone(&mut self, below: &[u8]) {
        self.task.tally.add(Count::Deleted);
        self.act(ActionKind::Delete, below);
        if !self.task.is_dry {
            self.task.did(Deed::Removed, &join(&self.folder.relative, below));
        }
    }

    fn stays(&mut self, below: &[u8], why: Stays) {
        match why {
            Stays::Chosen => {}
            Stays::OtherFileSystem => {
                self.keep(below);
                let relative = join(&self.folder.relative, below);
                self.task.report(FindingKind::Note(Topic::Leftover), &relative, "not deleted: another file system is mounted there");
            }
            Stays::Protected(what) => self.leave(below, &format!("it is {what}")),
            Stays::Fixed(why) => self.leave(below, why),
        }
    }

    fn check(&mut self) -> Result<()> {
        self.task.check()
    }
}
