//! Entries that are there with the right content: their metadata is compared, and set where it differs.

use super::outcome::Count;
use super::request::Overwrite;
use super::task::{Task, join};
use super::window::FolderInWork;
use super::writer::Writer;
use crate::error::Result;
use crate::manifest::{Content, Node};
use crate::progress::Deed;
use crate::target::{ApplyOptions, Differences, Existing, Folder, apply_inode_flags, apply_to_existing, metadata_differences};

/// Sets the metadata of an entry, no folder, that is in `folder` of the destination and is still what was
/// found there.
///
/// # Errors
/// What ends the restore; anything else is reported.
pub(super) fn set_metadata(writer: &Writer<'_>, folder: &[u8], node: &Node, existing: &Existing) -> Result<()> {
    let relative = join(folder, &node.name);
    let set = || {
        let within = writer.destination.folder(folder)?;
        let mut notes = apply_to_existing(&within, &node.name, existing.identity, &node.metadata, &writer.options)?;
        if writer.options.inode_flags && matches!(node.content, Content::File(..)) {
            notes.extend(apply_inode_flags(within.open_file(&node.name)?, &node.metadata, &writer.options));
        }
        Ok(notes)
    };
    match set() {
        Ok(notes) => {
            notes.into_iter().for_each(|note| writer.task.note(&relative, note));
            writer.count_left_behind(&node.metadata);
            writer.task.tally.add(Count::MetadataSet);
            writer.task.did(Deed::Metadata, &relative);
            Ok(())
        }
        Err(error) => writer.task.fail_entry(&relative, error),
    }
}

/// What becomes of the metadata of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FolderMetadata {
    /// It is set: the folder is new, or an earlier restore has not finished it.
    Set,
    /// It is as good as it can be, but perhaps for the time: what was made in the folder has changed that.
    AsItWas,
    /// It is set, and was something else.
    Changed,
    /// It was something else, and stays.
    Left(Differences),
}

/// Decides about the metadata of a folder that may have been there before.
///
/// # Errors
/// Those of looking.
pub(super) fn decide_about_folder(
    task: &Task<'_>,
    options: &ApplyOptions,
    folder: &FolderInWork,
    within: &Folder,
) -> Result<FolderMetadata> {
    if !folder.was_there {
        return Ok(FolderMetadata::Set);
    }
    let existing = within.stat_self()?;
    let (differences, limits) = metadata_differences(within, b"", &existing, &folder.node.metadata, options);
    if differences.is_any() && task.request.overwrite != Overwrite::Never && !folder.is_in_repository {
        return Ok(FolderMetadata::Changed);
    }
    limits.into_iter().for_each(|limit| task.note(&folder.relative, limit.to_owned()));
    if !differences.is_any() {
        return Ok(FolderMetadata::AsItWas);
    }
    task.tally.add(Count::Left);
    Ok(FolderMetadata::Left(differences))
}
