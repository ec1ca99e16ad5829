//! Folders: made before their entries, for their owner only, and given their metadata after them.
//!
//! A folder that was there before gets the recorded metadata too if overwriting is asked for; else one
//! that differs is left and reported. A restore that was interrupted has left folders that are not
//! finished: their mode tells, and running it again finishes them. A destination that a user filled
//! before stays as it is unless overwriting is asked for: it was named as a place to put things.

use super::delete::delete_others;
use super::entries::Entered;
use super::in_the_way::{NamesBefore, Why, gives_way_to_folder};
use super::outcome::Count;
use super::request::Overwrite;
use super::set_metadata::{FolderMetadata, decide_about_folder};
use super::task::join;
use super::window::FolderInWork;
use super::writer::Writer;
use crate::error::{ErrorKind, Result};
use crate::progress::FindingKind;
use crate::target::{MadeFolder, apply_time_to_folder, apply_to_folder, resembles_temporary_name};

/// Makes the folder `relative`. `before` are the names that the folder above it had. Returns what
/// became of it, with the names that it had itself if it was there before.
///
/// # Errors
/// What ends the restore; anything else is reported.
pub(super) fn make(writer: &Writer<'_>, before: &NamesBefore, relative: &[u8]) -> Result<(Entered, Option<NamesBefore>)> {
    match try_make(writer, before, relative) {
        Ok(Some(made)) => Ok(made),
        Ok(None) => {
            writer.task.tally.add(Count::Left);
            writer.task.report(FindingKind::LeftAsIs, relative, "left as it is, and nothing below it was restored: it is not a folder");
            Ok((Entered::Not, None))
        }
        Err(error) => {
            writer.task.fail_entry(relative, error.context("nothing below was restored"))?;
            Ok((Entered::Not, None))
        }
    }
}

fn try_make(writer: &Writer<'_>, before: &NamesBefore, relative: &[u8]) -> Result<Option<(Entered, Option<NamesBefore>)>> {
    let destination = &writer.destination;
    if relative.is_empty() {
        return Ok(Some((Entered::Here, Some(destination.folder(b"")?.names()?))));
    }
    let (above, name) = split_last(relative);
    let was_there = before.binary_search_by(|known| known.as_slice().cmp(name)).is_ok();
    let made = match destination.make_folder(relative) {
        Err(error) if error.kind() == ErrorKind::Exists && was_there => {
            let parent = destination.folder(above)?;
            match parent.stat(name)? {
                Some(existing) if !gives_way_to_folder(&existing, writer.task.request.overwrite) => return Ok(None),
                _ => parent.remove(name)?,
            }
            destination.make_folder(relative)?
        }
        // Another entry took the name during this restore: the file system takes two names for one.
        Err(error) if error.kind() == ErrorKind::Exists => return make_elsewhere(writer, above, name).map(Some),
        other => other?,
    };
    match made {
        MadeFolder { is_new: true, .. } => Ok(Some((Entered::Here, None))),
        MadeFolder { is_new: false, folder } if was_there => Ok(Some((Entered::Here, Some(folder.names()?)))),
        MadeFolder { is_new: false, .. } => make_elsewhere(writer, above, name).map(Some),
    }
}

fn make_elsewhere(writer: &Writer<'_>, above: &[u8], name: &[u8]) -> Result<(Entered, Option<NamesBefore>)> {
    let make = |other: &[u8]| {
        let made = writer.destination.make_folder(&join(above, other))?;
        if made.is_new { Ok(()) } else { Err(crate::error::Error::new(ErrorKind::Exists, "the name is taken")) }
    };
    let (other, ()) = writer.place_elsewhere(above, name, make)?;
    Ok((Entered::Under(other), None))
}

/// Removes what does not belong into a folder, if asked to, and sets its metadata.
///
/// # Errors
/// What ends the restore; anything else is reported.
pub(super) fn finish(writer: &Writer<'_>, folder: &FolderInWork) -> Result<()> {
    if writer.task.request.delete {
        // What another restore is writing there meanwhile, or may be: it was dealt with before.
        let is_kept = |relative: &[u8]| writer.is_kept(relative) || resembles_temporary_name(split_last(relative).1);
        delete_others(writer.task, &writer.destination, folder, &is_kept)?;
    }
    if folder.keeps_metadata {
        return Ok(());
    }
    match writer.destination.folder(&folder.relative) {
        Ok(within) => {
            let mut is_as_it_was = false;
            match decide_about_folder(writer.task, &writer.options, folder, &within) {
                Ok(FolderMetadata::Set) => {}
                Ok(FolderMetadata::AsItWas) => is_as_it_was = true,
                Ok(FolderMetadata::Changed) => writer.task.tally.add(Count::MetadataSet),
                Ok(FolderMetadata::Left(differences)) => {
                    writer.task.report(FindingKind::LeftAsIs, &folder.relative, Why::Metadata(differences).to_string());
                    return Ok(());
                }
                Err(error) => return writer.task.fail_entry(&folder.relative, error.context("metadata not restored")),
            }
            let notes = if is_as_it_was {
                apply_time_to_folder(&within, &folder.node.metadata)
            } else {
                apply_to_folder(&within, &folder.node.metadata, &writer.options)
            };
            notes.into_iter().for_each(|note| writer.task.note(&folder.relative, note));
            writer.task.tally.add(Count::Directories);
            Ok(())
        }
        Err(error) => writer.task.fail_entry(&folder.relative, error.context("metadata not restored")),
    }
}

/// Whether the destination itself keeps the metadata that it has: a user filled it before, and does
/// not want it overwritten.
pub(super) fn destination_keeps_metadata(before: &[Vec<u8>], overwrite: Overwrite) -> bool {
    overwrite == Overwrite::Never && !before.is_empty()
}

/// The folder and the name of a path that is not empty.
pub(super) fn split_last(relative: &[u8]) -> (&[u8], &[u8]) {
    match relative.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (&relative[..at], &relative[at + 1..]),
        None => (&[], relative),
    }
}
