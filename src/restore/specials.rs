//! Symbolic links, pipes and devices: made under a temporary name, given their metadata, and only
//! then their own name. They can have several names, as files can.

use std::sync::Arc;

use super::in_the_way::Way;
use super::links::{LinkInWork, LinkKey, Linked, Role, make_link};
use super::outcome::Count;
use super::task::join;
use super::writer::Writer;
use crate::error::{ErrorKind, Result};
use crate::manifest::{Content, Node};
use crate::target::{DeviceKind, Folder, apply_to_link_or_special, temporary_name};

/// Makes `node`, which is neither a file nor a folder, in `folder` of the destination. It is made at
/// once, so that a first name is there before the others come.
///
/// # Errors
/// What ends the restore; anything else is reported.
pub(super) fn make(writer: &Writer<'_>, folder: Arc<[u8]>, node: Node, way: Way, root: usize, ordinal: u64) -> Result<()> {
    match writer.links.join(root, &node) {
        Role::Alone => make_one(writer, &folder, &node, way, None),
        Role::First(key) => make_one(writer, &folder, &node, way, Some(key)),
        Role::Later(key) => match make_link(writer, LinkInWork { key, folder, node, way, ordinal })? {
            Linked::Done => Ok(()),
            Linked::NoFirst(link) | Linked::Refused(link) => make_one(writer, &link.folder, &link.node, link.way, None),
        },
    }
}

/// Makes one; with a `link` it is the first of several names.
fn make_one(writer: &Writer<'_>, folder: &Arc<[u8]>, node: &Node, way: Way, link: Option<LinkKey>) -> Result<()> {
    let relative = join(folder, &node.name);
    let made = writer.destination.folder(folder).and_then(|within| {
        let temporary = temporary_name()?;
        let made = make_under(writer, folder, &within, &temporary, node, way, link);
        if made.is_err() {
            // The failure to make it is what the user should hear of.
            let _ = within.remove(&temporary);
        }
        made
    });
    match made {
        Ok(notes) => {
            notes.into_iter().for_each(|note| writer.task.note(&relative, note));
            writer.task.tally.add(Count::Others);
        }
        Err(error) => {
            if let Some(key) = link {
                writer.links.forget(key);
            }
            writer.task.fail_entry(&relative, error)?;
        }
    }
    writer.task.progress.add_done(1, 0);
    Ok(())
}

fn make_under(
    writer: &Writer<'_>,
    folder: &Arc<[u8]>,
    within: &Folder,
    temporary: &[u8],
    node: &Node,
    way: Way,
    link: Option<LinkKey>,
) -> Result<Vec<String>> {
    match &node.content {
        Content::Symlink(target) => within.symlink(temporary, target)?,
        Content::Fifo => within.fifo(temporary)?,
        Content::CharDevice(major, minor) => within.device(temporary, DeviceKind::Character, *major, *minor)?,
        Content::BlockDevice(major, minor) => within.device(temporary, DeviceKind::Block, *major, *minor)?,
        // Files and folders have ways of their own.
        Content::File(..) | Content::Directory(_) | Content::Ancestor => return Ok(Vec::new()),
    }
    let notes = apply_to_link_or_special(within, temporary, &node.metadata, &writer.options)?;
    let made = within.stat(temporary)?;
    if way == (Way::Replace { is_folder: true }) {
        within.remove(&node.name)?;
    }
    let name = match within.rename_new(temporary, &node.name, way != Way::Free) {
        Err(error) if error.kind() == ErrorKind::Exists && way == Way::Free => {
            writer.place_elsewhere(folder, &node.name, |other| within.rename_new(temporary, other, false))?.0
        }
        other => other.map(|()| node.name.clone())?,
    };
    if let (Some(key), Some(made)) = (link, made) {
        writer.links.place(key, folder, &name, made.identity);
    }
    Ok(notes)
}
