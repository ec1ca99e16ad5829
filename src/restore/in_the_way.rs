//! What to do where the destination has an entry of that name already.

use super::request::Overwrite;
use crate::error::Result;
use crate::manifest::{Content, Node};
use crate::target::{EntryType, Existing, Folder, matches};

/// What is done with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Nothing has the name. If something has it in the end, the file system takes two names for one.
    Free,
    /// What is there is replaced; a folder must be removed first.
    Replace {
        /// True when it is a folder.
        is_folder: bool,
    },
    /// What is there is, by the look of it, what would be put there.
    Unchanged(Existing),
    /// What is there differs and stays.
    Leave,
}

/// The names that a folder of the destination had before the restore came to it, sorted. None in a
/// folder that the restore made.
pub(super) type NamesBefore = Vec<Vec<u8>>;

/// Decides about `node`, which is no folder. A name that was not there before needs no look: most
/// restores go to an empty place, and asking for each file would cost as much as making it.
///
/// # Errors
/// Those of looking.
pub(super) fn decide(folder: &Folder, before: &NamesBefore, node: &Node, overwrite: Overwrite) -> Result<Way> {
    if before.binary_search(&node.name).is_err() {
        return Ok(Way::Free);
    }
    let Some(existing) = folder.stat(&node.name)? else { return Ok(Way::Free) };
    let replace = Way::Replace { is_folder: existing.is_directory() };
    if overwrite == Overwrite::Always {
        return Ok(replace);
    }
    let is_same = matches(&existing, node)
        && match &node.content {
            // Of a link the length alone was compared.
            Content::Symlink(target) => folder.link_target(&node.name)? == *target,
            _ => true,
        };
    match overwrite {
        _ if is_same => Ok(Way::Unchanged(existing)),
        Overwrite::Never => Ok(Way::Leave),
        _ => Ok(replace),
    }
}

/// Whether what stands in the place of a folder is removed to make one.
pub(super) fn gives_way_to_folder(existing: &Existing, overwrite: Overwrite) -> bool {
    match overwrite {
        Overwrite::Never => false,
        Overwrite::IfChanged => existing.entry_type != EntryType::Symlink,
        Overwrite::Always => true,
    }
}
