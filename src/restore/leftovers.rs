//! What a restore that was killed has left: files under temporary names, as long as those that they were
//! to be. The next restore removes them.
//!
//! Only names that a restore makes and a user does not, never what the snapshot has under such a name or a
//! pattern excludes, only when no restore is at work that could still
//! need them, and never what must stay in any case. What is in doubt is left, and said. Every folder is looked through that a restore
//! comes to; where one was killed is also written down on this machine (see [`super::records`]), so that
//! all folders below that destination are.

use std::borrow::Cow;
use std::sync::Arc;

use super::in_the_way::NamesBefore;
use super::outcome::{ActionKind, Count};
use super::sight::path_in_snapshot;
use super::task::{Task, join};
use crate::error::Result;
use crate::platform::process;
use crate::progress::{FindingKind, Topic};
use crate::target::{
    Choice, Destination, Folder, Found, Judge, Stays, Use, is_name_aside, is_temporary_name, range_of_temporary_names,
    resembles_temporary_name,
};
use crate::trees::SnapshotView;

/// Removes what a killed restore has left in the folder `relative`, which has these `names`, and takes it
/// out of them. In a dry run it is listed.
///
/// # Errors
/// What ends the restore; anything else is reported.
pub(super) fn clear(task: &Task<'_>, destination: &Destination, relative: &[u8], names: &mut NamesBefore) -> Result<()> {
    let range = range_of_temporary_names(names);
    if range.is_empty() {
        return Ok(());
    }
    let within = match destination.folder(relative) {
        Ok(within) => within,
        Err(error) => return task.fail_entry(relative, error),
    };
    // After the names were listed: what a restore begins later is not among them.
    let used = destination.use_of(&within);
    let mut left = Vec::new();
    for name in names.drain(range.clone()) {
        let path = join(relative, &name);
        let verdict = if is_wanted(task, &path) { Ok(Verdict::Ignore) } else { judge(&within, &name, used) };
        let verdict = match verdict {
            Ok(Verdict::Remove) => remove(task, &within, &name),
            other => other,
        };
        let is_removed = matches!(verdict, Ok(Verdict::Remove));
        match verdict {
            // Nothing is removed in a dry run, which may come to the folder twice.
            Ok(Verdict::Remove) if task.is_dry && !task.foretold_leftovers.insert(&path) => {}
            Ok(Verdict::Remove) => {
                task.tally.add(Count::Leftovers);
                if task.is_dry {
                    task.tally.act(ActionKind::Delete, task.shown(&path));
                }
            }
            Ok(Verdict::Ignore) => {}
            Ok(Verdict::Doubt(why)) => {
                let message = format!("looks like what a restore leaves that was killed; it stays, because {why}");
                task.report(FindingKind::Warning(Topic::Leftover), &path, message);
            }
            Err(error) => task.fail_entry(&path, error)?,
        }
        if !is_removed {
            left.push(name);
        }
    }
    names.splice(range.start..range.start, left);
    Ok(())
}

/// Whether what is at `relative` is no leftover whatever its name is: the snapshot has it, or may have it, or
/// a pattern leaves it alone.
fn is_wanted(task: &Task<'_>, relative: &[u8]) -> bool {
    let path = path_in_snapshot(task.origin(), relative);
    if task.selection.is_excluded(&path, false) {
        return true;
    }
    // A tree that cannot be read may have it.
    SnapshotView::new(task.reader, task.manifest).lookup(&path).map_or(true, |node| node.is_some())
}

enum Verdict {
    Remove,
    /// It is nothing of ours, or still needed.
    Ignore,
    Doubt(Cow<'static, str>),
}

fn doubt(why: &'static str) -> Verdict {
    Verdict::Doubt(why.into())
}

fn judge(within: &Folder, name: &[u8], used: Use) -> Result<Verdict> {
    if !is_temporary_name(name) {
        if is_name_aside(name) {
            return Ok(doubt("it was there before and was to make way for something that may not have its place"));
        }
        let is_like = resembles_temporary_name(name);
        return Ok(if is_like { doubt("this version of the program gave no such name") } else { Verdict::Ignore });
    }
    let Some(existing) = within.stat(name)? else { return Ok(Verdict::Remove) };
    let user = process::user();
    Ok(if existing.is_directory() {
        doubt("it is a folder")
    } else if user != 0 && existing.uid != user {
        doubt("it belongs to another user")
    } else {
        match used {
            Use::Free => Verdict::Remove,
            Use::Busy => Verdict::Ignore,
            Use::Unknown => doubt("another restore may still be at work there"),
        }
    })
}

/// Removes it, but in a dry run; it stays when it must.
fn remove(task: &Task<'_>, within: &Folder, name: &[u8]) -> Result<Verdict> {
    let mut removing = Removing { stays: None };
    if !within.remove_as(name, task.is_dry, &mut removing)? {
        return Ok(match removing.stays {
            Some(Stays::Protected(what)) => Verdict::Doubt(format!("it is {what}").into()),
            Some(Stays::OtherFileSystem) => doubt("it is on another file system that is mounted there"),
            Some(Stays::Fixed(why)) => doubt(why),
            Some(Stays::Chosen) | None => doubt("it is a folder"),
        });
    }
    Ok(Verdict::Remove)
}

/// Lets anything go but a folder, which may have taken the place of what was looked at.
struct Removing {
    stays: Option<Stays>,
}

impl Judge for Removing {
    fn choose(&mut self, found: &Found<'_>) -> (Choice, bool) {
        (if found.existing.is_directory() { Choice::Keep } else { Choice::Go }, false)
    }

    fn gone(&mut self, _: &[u8]) {}

    fn stays(&mut self, _: &[u8], why: Stays) {
        self.stays = Some(why);
    }
}

/// As [`clear`], for the folder `top` of the destination and everything below it, but not in other mounts.
/// False when `top` itself lies in one, or cannot be looked through.
///
/// # Errors
/// What ends the restore.
pub(super) fn clear_below(task: &Task<'_>, destination: &Arc<Destination>, top: &[u8]) -> Result<bool> {
    let mut waiting = vec![top.to_vec()];
    let mut is_looked_through = false;
    while let Some(relative) = waiting.pop() {
        task.check()?;
        let look = || {
            let folder = destination.folder(&relative)?;
            Ok::<_, crate::error::Error>((folder.is_in_other_mount()?, folder.names()?, folder))
        };
        // What cannot be looked through, or went meanwhile, is looked through when a restore comes to it.
        let Ok((false, mut names, folder)) = look() else { continue };
        is_looked_through = true;
        clear(task, destination, &relative, &mut names)?;
        let is_folder = |name: &Vec<u8>| folder.stat(name).is_ok_and(|existing| existing.is_some_and(|existing| existing.is_directory()));
        waiting.extend(names.iter().filter(|name| is_folder(name)).map(|name| join(&relative, name)));
    }
    Ok(is_looked_through)
}
