//! Folders: made before their entries, for their owner only, and given their metadata after them.
//!
//! A folder that was asked for and was there before gets the recorded metadata too if overwriting is asked
//! for; else one that differs is left and reported. A restore that was interrupted has left folders that
//! are not finished: a mark tells, and they count as new, so that running it again finishes them. One
//! that is only passed through stays as it is, also when it is no folder, and so does a destination that a user filled before, unless
//! overwriting is asked for: it was named as a place to put things. Of the folders above a source only
//! owner and mode were saved, and they get them when they are made.

use super::clear::{makes_way_for_folder, take_place};
use super::delete::delete_others;
use super::entries::Entered;
use super::in_the_way::{NamesBefore, Why};
use super::outcome::Count;
use super::request::Overwrite;
use super::set_metadata::{FolderMetadata, decide_about_folder};
use super::task::join;
use super::window::{FolderInWork, Treatment};
use super::writer::Writer;
use crate::error::{ErrorKind, Result};
use crate::manifest::Node;
use crate::progress::{Deed, FindingKind};
use crate::target::{
    Folder, MadeFolder, apply_time_to_folder, apply_to_ancestor, apply_to_folder, apply_to_passed, resembles_temporary_name,
};
use crate::units::PathText;

/// What became of a folder.
pub(super) struct Made {
    pub entered: Entered,
    /// The names that it had before.
    pub names: NamesBefore,
    /// True when this restore made it, or it counts as that.
    pub is_new: bool,
}

impl Made {
    fn new(entered: Entered) -> Self {
        Self { entered, names: Vec::new(), is_new: true }
    }

    fn blocked() -> Self {
        Self { entered: Entered::Not, names: Vec::new(), is_new: false }
    }
}

/// Makes the folder `relative`; `passed` is its entry when it is only the way to something. `before` are
/// the names that the folder above it had.
///
/// # Errors
/// What ends the restore; anything else is reported.
pub(super) fn make(writer: &Writer<'_>, before: &NamesBefore, relative: &[u8], passed: Option<&Node>) -> Result<Made> {
    match try_make(writer, before, relative, passed.is_some()) {
        Ok(Some(made)) => {
            if made.is_new && !relative.is_empty() {
                let (above, _) = split_last(relative);
                let placed = if let Entered::Under(name) = &made.entered { join(above, name) } else { relative.to_vec() };
                writer.task.did(Deed::Added, &placed);
            }
            if let Some(node) = passed.filter(|_| made.is_new) {
                begin_passed(writer, relative, &made.entered, node);
            }
            Ok(made)
        }
        Ok(None) => {
            writer.task.tally.add(Count::Left);
            writer.task.report(FindingKind::LeftAsIs, relative, why_blocked(writer, relative));
            Ok(Made::blocked())
        }
        Err(error) => {
            writer.task.fail_entry(relative, error.context("nothing below was restored"))?;
            Ok(Made::blocked())
        }
    }
}

/// Why nothing was restored below what stands in the place of a folder. Overwriting does not help with a link on the way.
fn why_blocked(writer: &Writer<'_>, relative: &[u8]) -> String {
    const LEFT: &str = "left as it is, and nothing below it was restored: it is not a folder";
    let (above, name) = split_last(relative);
    match writer.destination.folder(above).and_then(|folder| folder.link_target(name)) {
        Ok(target) => {
            format!(
                "{LEFT}, but a link to \"{0}\", and none is followed; to restore there, name what lies below \"{0}\" as DEST",
                PathText(&target)
            )
        }
        Err(_) => LEFT.to_owned(),
    }
}

/// Gives a folder that is only the way to something its owner and mode at once: a later run that finds it
/// leaves it alone, also when this one is killed.
fn begin_passed(writer: &Writer<'_>, relative: &[u8], entered: &Entered, node: &Node) {
    let made = match entered {
        Entered::Under(name) => writer.destination.folder(&join(split_last(relative).0, name)),
        _ => writer.destination.folder(relative),
    };
    // Who cannot open it hears of that when something is made in it.
    if let Ok(folder) = made {
        apply_to_ancestor(&folder, &node.metadata, &writer.options, true);
    }
}

fn try_make(writer: &Writer<'_>, before: &NamesBefore, relative: &[u8], is_passed: bool) -> Result<Option<Made>> {
    let destination = &writer.destination;
    if relative.is_empty() {
        return made_before(&*destination.folder(b"")?, relative).map(Some);
    }
    let (above, name) = split_last(relative);
    let was_there = before.binary_search_by(|known| known.as_slice().cmp(name)).is_ok();
    let made = match destination.make_folder(relative) {
        Err(error) if error.kind() == ErrorKind::Exists && was_there => {
            let parent = destination.folder(above)?;
            match parent.stat(name)? {
                Some(existing) if !makes_way_for_folder(writer.task, &parent, (relative, &existing), is_passed) => return Ok(None),
                _ => take_place(writer.task, (&parent, above), name, || destination.make_folder(relative))?,
            }
        }
        // Another entry took the name during this restore: the file system takes two names for one.
        Err(error) if error.kind() == ErrorKind::Exists => return make_elsewhere(writer, above, name).map(Some),
        other => other?,
    };
    match made {
        MadeFolder { is_new: true, .. } => Ok(Some(Made::new(Entered::Here))),
        MadeFolder { is_new: false, folder } if was_there => made_before(&folder, relative).map(Some),
        MadeFolder { is_new: false, .. } => make_elsewhere(writer, above, name).map(Some),
    }
}

fn made_before(folder: &Folder, relative: &[u8]) -> Result<Made> {
    let names = folder.names()?;
    let is_new = counts_as_new(folder, relative, &names)?;
    Ok(Made { entered: Entered::Here, names, is_new })
}

/// Whether a folder that is there counts as one that this restore makes: a destination with nothing in it,
/// and what an earlier restore made and did not finish.
///
/// # Errors
/// Those of looking.
pub(super) fn counts_as_new(folder: &Folder, relative: &[u8], names: &[Vec<u8>]) -> Result<bool> {
    Ok(relative.is_empty() && names.is_empty() || folder.is_unfinished()?)
}

/// Whether another restore may be writing this meanwhile; where none is, it was dealt with before.
pub(super) fn is_perhaps_in_work(relative: &[u8]) -> bool {
    resembles_temporary_name(split_last(relative).1)
}

fn make_elsewhere(writer: &Writer<'_>, above: &[u8], name: &[u8]) -> Result<Made> {
    let make = |other: &[u8]| {
        let made = writer.destination.make_folder(&join(above, other))?;
        if made.is_new { Ok(()) } else { Err(crate::error::Error::new(ErrorKind::Exists, "the name is taken")) }
    };
    let (other, ()) = writer.place_elsewhere(above, name, make)?;
    Ok(Made::new(Entered::Under(other)))
}

/// Removes what does not belong into a folder, if asked to, and sets its metadata.
///
/// # Errors
/// What ends the restore; anything else is reported.
pub(super) fn finish(writer: &Writer<'_>, folder: &FolderInWork) -> Result<()> {
    if writer.task.request.delete {
        let is_kept = |relative: &[u8]| writer.is_kept(relative) || is_perhaps_in_work(relative);
        delete_others(writer.task, &writer.destination, folder, &is_kept)?;
    }
    if folder.treatment == Treatment::LeftAlone {
        return Ok(());
    }
    match writer.destination.folder(&folder.relative) {
        Ok(within) => {
            let (metadata, options) = (&folder.node.metadata, &writer.options);
            let mut is_as_it_was = false;
            // Nobody asked for the others: they were made just now, and there is nothing to compare.
            if folder.treatment == Treatment::Restored {
                match decide_about_folder(writer.task, options, folder, &within) {
                    Ok(FolderMetadata::Set) => {}
                    Ok(FolderMetadata::AsItWas) => is_as_it_was = true,
                    Ok(FolderMetadata::Changed) => {
                        writer.task.tally.add(Count::MetadataSet);
                        writer.task.did(Deed::Metadata, &folder.relative);
                    }
                    Ok(FolderMetadata::Left(differences)) => {
                        writer.task.report(FindingKind::LeftAsIs, &folder.relative, Why::Metadata(differences).to_string());
                        return Ok(());
                    }
                    Err(error) => return writer.task.fail_entry(&folder.relative, error.context("metadata not restored")),
                }
            }
            let notes = match folder.treatment {
                Treatment::Ancestor => {
                    apply_to_ancestor(&within, metadata, options, false);
                    Vec::new()
                }
                Treatment::Passed => apply_to_passed(&within, metadata, options),
                Treatment::Restored if folder.is_in_repository => Vec::new(),
                Treatment::Restored if is_as_it_was => apply_time_to_folder(&within, metadata),
                Treatment::Restored | Treatment::LeftAlone => apply_to_folder(&within, metadata, options),
            };
            notes.into_iter().for_each(|note| writer.task.note(&folder.relative, note));
            writer.count_left_behind(metadata);
            writer.task.tally.add(Count::Directories);
            Ok(())
        }
        Err(error) => writer.task.fail_entry(&folder.relative, error.context("metadata not restored")),
    }
}

/// Whether the destination itself keeps the metadata that it has: a user filled it before, and does
/// not want it overwritten.
pub(super) fn destination_keeps_metadata(is_new: bool, overwrite: Overwrite) -> bool {
    overwrite == Overwrite::Never && !is_new
}

/// The folder and the name of a path that is not empty.
pub(super) fn split_last(relative: &[u8]) -> (&[u8], &[u8]) {
    match relative.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (&relative[..at], &relative[at + 1..]),
        None => (&[], relative),
    }
}
