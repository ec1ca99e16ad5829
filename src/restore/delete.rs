//! Removes from a restored folder what the snapshot does not have there.
//!
//! Only where the snapshot knows what belongs into a folder: not in folders above the sources, and
//! not where some of its entries could not be read, by the snapshot or now. What the filters leave
//! out is left alone, also deep in a folder that goes otherwise, and so are mount points.

use std::os::fd::AsFd;
use std::sync::Arc;

use super::outcome::{ActionKind, Count};
use super::task::{Task, join};
use super::window::FolderInWork;
use crate::error::{Error, Result};
use crate::manifest::{Content, NODE_INCOMPLETE, TreeRef};
use crate::repository::NodeStream;
use crate::target::{Destination, Folder};

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
    if !folder.is_complete || folder.node.flags & NODE_INCOMPLETE != 0 {
        return Ok(());
    }
    let delete = |name: &[u8], within: &Folder| -> Result<()> {
        if is_kept(&join(&folder.relative, name)) {
            return Ok(());
        }
        let other = Other { relative: join(&folder.relative, name), path: join(&folder.path, name), is_included: folder.is_included };
        delete_one(task, destination, within, name, other)
    };
    let outcome = (|| {
        let within = destination.folder(&folder.relative)?;
        for name in others(task, tree, &within)? {
            task.check()?;
            delete(&name, &within).or_else(|error| task.fail_entry(&join(&folder.relative, &name), error))?;
        }
        Ok(())
    })();
    outcome.or_else(|error: Error| task.fail_entry(&folder.relative, error))
}

/// The names in the folder that the snapshot does not have. Both are sorted, so one pass finds them.
fn others(task: &Task<'_>, tree: &TreeRef, within: &Folder) -> Result<Vec<Vec<u8>>> {
    let (mut nodes, mut others) = (NodeStream::new(task.reader, tree), Vec::new());
    let mut node = nodes.next_node()?;
    for name in within.names()? {
        while node.as_ref().is_some_and(|node| node.name < name) {
            node = nodes.next_node()?;
        }
        if node.as_ref().is_none_or(|node| node.name != name) {
            others.push(name);
        }
    }
    Ok(others)
}

/// An entry of the destination that the snapshot does not have.
struct Other {
    relative: Vec<u8>,
    /// Where it would be in the snapshot.
    path: Vec<u8>,
    /// True when everything in its folder was selected.
    is_included: bool,
}

fn delete_one(task: &Task<'_>, destination: &Arc<Destination>, within: &Folder, name: &[u8], other: Other) -> Result<()> {
    let Some(existing) = within.stat(name)? else { return Ok(()) };
    let is_directory = existing.is_directory();
    if is_directory && existing.identity.device != device_of(within)? {
        return Ok(());
    }
    let is_selected = |other: &Other| {
        (other.is_included || task.selection.is_included(&other.path, is_directory)) && task.selection.is_changed(&other.path)
    };
    if task.selection.is_excluded(&other.path, is_directory) {
        return Ok(());
    }
    if !is_directory || task.selection.is_everything() {
        return if is_selected(&other) { remove(task, within, name, &other.relative) } else { Ok(()) };
    }
    delete_selected_below(task, destination, within, name, other)
}

/// Removes what is selected below a folder, and the folder itself when it is selected and empty then.
/// Levels are kept in a list, so depth costs no stack.
fn delete_selected_below(task: &Task<'_>, destination: &Arc<Destination>, above: &Folder, name: &[u8], top: Other) -> Result<()> {
    struct Level {
        other: Other,
        names: std::vec::IntoIter<Vec<u8>>,
        name: Vec<u8>,
    }
    let device = device_of(above)?;
    let enter = |mut other: Other, name: Vec<u8>| -> Result<Level> {
        other.is_included |= task.selection.is_included(&other.path, true);
        let names = destination.folder(&other.relative)?.names()?.into_iter();
        Ok(Level { other, names, name })
    };
    let mut levels = vec![enter(top, name.to_vec())?];
    while let Some(level) = levels.last_mut() {
        task.check()?;
        let within = destination.folder(&level.other.relative)?;
        if let Some(name) = level.names.next() {
            let other = Other {
                relative: join(&level.other.relative, &name),
                path: join(&level.other.path, &name),
                is_included: level.other.is_included,
            };
            let Some(existing) = within.stat(&name)? else { continue };
            let is_directory = existing.is_directory();
            if existing.identity.device != device || task.selection.is_excluded(&other.path, is_directory) {
                continue;
            }
            if is_directory {
                levels.push(enter(other, name)?);
            } else if (other.is_included || task.selection.is_included(&other.path, false)) && task.selection.is_changed(&other.path) {
                remove(task, &within, &name, &other.relative)?;
            }
        } else {
            let is_selected = level.other.is_included && task.selection.is_changed(&level.other.path);
            let is_empty = within.names()?.is_empty();
            let (relative, name) = (std::mem::take(&mut level.other.relative), std::mem::take(&mut level.name));
            levels.pop();
            if is_selected && is_empty {
                match levels.last() {
                    Some(level) => remove(task, &*destination.folder(&level.other.relative)?, &name, &relative)?,
                    None => remove(task, above, &name, &relative)?,
                }
            }
        }
    }
    Ok(())
}

fn remove(task: &Task<'_>, within: &Folder, name: &[u8], relative: &[u8]) -> Result<()> {
    if task.request.dry_run {
        task.tally.act(ActionKind::Delete, task.shown(relative));
    } else {
        within.remove(name)?;
    }
    task.tally.add(Count::Deleted);
    Ok(())
}

fn device_of(folder: &Folder) -> Result<u64> {
    let stat = rustix::fs::fstat(folder.as_fd()).map_err(|errno| Error::io("cannot look at", "a folder", errno))?;
    Ok(stat.st_dev)
}
