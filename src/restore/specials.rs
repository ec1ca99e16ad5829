//! Symbolic links, pipes and devices: made under a temporary name, given their metadata, and only
//! then their own name.

use super::clear::take_place;
use super::in_the_way::Way;
use super::outcome::Count;
use super::task::join;
use super::writer::Writer;
use crate::error::{ErrorKind, Result};
use crate::manifest::{Content, Node};
use crate::target::{DeviceKind, Folder, Identity, NO_LINKS, apply_to_link_or_special, temporary_name};

/// Makes `node`, which is neither a file nor a folder, in `folder` of the destination, and returns the
/// name that it has there and its inode.
///
/// # Errors
/// What ends the restore; anything else is reported.
pub(super) fn make(writer: &Writer<'_>, folder: &[u8], node: &Node, way: Way) -> Result<Option<(Vec<u8>, Identity)>> {
    let relative = join(folder, &node.name);
    let made = writer.destination.folder(folder).and_then(|within| {
        let temporary = temporary_name()?;
        let made = make_under(writer, folder, &within, &temporary, node, way);
        if made.is_err() {
            // The failure to make it is what the user should hear of.
            within.discard(&temporary);
        }
        made
    });
    let placed = match made {
        Ok((notes, placed)) => {
            writer.task.did(way.deed(), &relative);
            notes.into_iter().for_each(|note| writer.task.note(&relative, note));
            writer.count_left_behind(&node.metadata);
            writer.task.tally.add(Count::Others);
            placed
        }
        Err(error) => {
            if writer.destination.folder(folder).is_ok_and(|within| !within.disk().holds().links) {
                // Said once for all of them.
                writer.task.tally.add(Count::Failed);
                writer.task.notes.report(writer.task.progress, &writer.task.shown(&relative), NO_LINKS.to_owned());
            } else {
                writer.task.fail_entry(&relative, error)?;
            }
            None
        }
    };
    writer.task.progress.add_done(1, 0);
    Ok(placed)
}

fn make_under(writer: &Writer<'_>, folder: &[u8], within: &Folder, temporary: &[u8], node: &Node, way: Way) -> Result<Made> {
    match &node.content {
        Content::Symlink(target) => within.symlink(temporary, target)?,
        Content::Fifo => within.fifo(temporary)?,
        Content::CharDevice(major, minor) => within.device(temporary, DeviceKind::Character, *major, *minor)?,
        Content::BlockDevice(major, minor) => within.device(temporary, DeviceKind::Block, *major, *minor)?,
        // Files and folders have ways of their own.
        Content::File(..) | Content::Directory(_) | Content::Ancestor => return Ok((Vec::new(), None)),
    }
    let notes = apply_to_link_or_special(within, temporary, &node.metadata, &writer.options)?;
    let place = || within.rename_new(temporary, &node.name, way != Way::Free);
    let placed =
        if way == (Way::Replace { is_folder: true }) { take_place(writer.task, (within, folder), &node.name, place) } else { place() };
    let name = match placed {
        Err(error) if error.kind() == ErrorKind::Exists && way == Way::Free => {
            writer.place_elsewhere(folder, &node.name, |other| within.rename_new(temporary, other, false))?.0
        }
        other => other.map(|()| node.name.clone())?,
    };
    // Only a further name needs to know where this one is.
    let identity = if node.metadata.links > 1 { within.stat(&name)?.map(|existing| existing.identity) } else { None };
    Ok((notes, identity.map(|identity| (name, identity))))
}

/// What could not be restored of it; its name and inode where other names may follow.
type Made = (Vec<String>, Option<(Vec<u8>, Identity)>);
