//! What to do where the destination has an entry of that name already.

use std::fmt;

use super::links::{Links, Role};
use super::outcome::Count;
use super::repositories::Takes;
use super::request::Overwrite;
use super::task::{Task, join, with_causes};
use super::verify;
use crate::error::{ErrorKind, Result};
use crate::manifest::{Content, Node};
use crate::progress::{Deed, FindingKind};
use crate::target::{ApplyOptions, Differences, EntryType, Existing, Folder, NO_HARD_LINKS, matches, metadata_differences};

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
    /// So it is but for its metadata, which is set.
    SetMetadata(Existing),
    /// What is there differs and stays.
    Leave(Why),
}

impl Way {
    /// What is done where it is made.
    pub fn deed(self) -> Deed {
        match self {
            Way::Free => Deed::Added,
            Way::SetMetadata(_) => Deed::Metadata,
            Way::Replace { .. } | Way::Unchanged(_) | Way::Leave(_) => Deed::Modified,
        }
    }
}

/// Why something is not as it was saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// By its type, length or time.
    Looks,
    /// By its content only, which was read.
    Content,
    /// By its metadata only.
    Metadata(Differences),
    /// It should be one file with another name of the snapshot, and is not.
    Apart,
    /// It is one file with another that the snapshot has as a file of its own.
    Together,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Looks => f.write_str("left as it is: it differs from the snapshot"),
            Self::Content => f.write_str("left as it is: it has the length and time that were saved, and other content, or cannot be read"),
            Self::Apart => f.write_str("left as it is: the snapshot has it as a hard link to another file, and it is a file of its own"),
            Self::Together => f.write_str("left as it is: it is a hard link to another file, and the snapshot has it as a file of its own"),
            Self::Metadata(differences) => write!(f, "left as it is: it differs from the snapshot by {differences} only"),
        }
    }
}

/// The names that a folder of the destination had before the restore came to it, sorted. None in a
/// folder that the restore made.
pub(super) type NamesBefore = Vec<Vec<u8>>;

/// Decides about `node`, which is no folder and belongs into `folder` (`relative` in the destination). A
/// name that was not there before needs no look: most restores go to an empty place, and asking for each
/// file would cost as much as making it.
///
/// # Errors
/// Those of looking; `Interrupted`.
pub(super) fn decide(
    task: &Task<'_>,
    options: &ApplyOptions,
    links: &Links,
    (folder, relative): (&Folder, &[u8]),
    (before, takes): (&NamesBefore, Takes),
    (node, role): (&Node, Role),
) -> Result<Way> {
    if before.binary_search(&node.name).is_err() {
        return Ok(Way::Free);
    }
    let Some(existing) = folder.stat(&node.name)? else { return Ok(Way::Free) };
    let replace = Way::Replace { is_folder: existing.is_directory() };
    // What is in a repository is at most compared.
    let overwrite = if takes == Takes::All { task.request.overwrite } else { Overwrite::Never };
    if overwrite == Overwrite::Always {
        return Ok(replace);
    }
    let looks_same = matches(folder, &existing, node)
        && match &node.content {
            // Of a link the length alone was compared.
            Content::Symlink(target) => folder.link_target(&node.name)? == *target,
            _ => true,
        };
    // Also of what differs, so that a name that comes later is judged alike whatever became of this one.
    let is_shared = links.inodes.is_shared(&existing);
    let why = if !looks_same {
        Why::Looks
    } else if let Some(why) = misfit(task, links, (folder, relative), &existing, (node, role)) {
        why
    } else if !verify_if_asked(task, (folder, relative), node)? {
        Why::Content
    } else {
        let (differences, limits) = metadata_differences(folder, &node.name, &existing, &node.metadata, options);
        limits.into_iter().for_each(|limit| task.note(&join(relative, &node.name), limit.to_owned()));
        if !differences.is_any() {
            links.inodes.stays(&existing, role);
            return Ok(Way::Unchanged(existing));
        }
        // What other names show is not what was asked for.
        if overwrite == Overwrite::IfChanged && !is_shared {
            return Ok(Way::SetMetadata(existing));
        }
        Why::Metadata(differences)
    };
    if overwrite == Overwrite::Never {
        links.inodes.stays(&existing, role);
        return Ok(Way::Leave(why));
    }
    Ok(replace)
}

/// Why the links of what has the right content are not those of the snapshot, if they are not.
fn misfit(
    task: &Task<'_>,
    links: &Links,
    (folder, relative): (&Folder, &[u8]),
    existing: &Existing,
    (node, role): (&Node, Role),
) -> Option<Why> {
    if links.inodes.is_of_another(existing, role) {
        return Some(Why::Together);
    }
    if !links.is_apart(role, existing) {
        return None;
    }
    if !folder.disk().holds().hard_links {
        task.note(&join(relative, &node.name), NO_HARD_LINKS.to_owned());
        return None;
    }
    Some(Why::Apart)
}

/// Reads what is to stay as it is, if that is asked for; false when it differs.
fn verify_if_asked(task: &Task<'_>, (folder, relative): (&Folder, &[u8]), node: &Node) -> Result<bool> {
    if !task.request.verify || !matches!(node.content, Content::File(..)) {
        return Ok(true);
    }
    match verify::has_content_of(task, folder, node) {
        Ok(is_right) => {
            if is_right {
                task.tally.add(Count::Verified);
            }
            Ok(is_right)
        }
        Err(error) if error.kind() == ErrorKind::Damaged => {
            // Nothing better can be had from the repository either.
            task.tally.add(Count::VerifyFailed);
            task.report(FindingKind::Damaged, &join(relative, &node.name), format!("not compared: {}", with_causes(&error)));
            Ok(true)
        }
        Err(error) => Err(error),
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
