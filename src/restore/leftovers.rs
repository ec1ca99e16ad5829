//! What a restore that was killed has left: files under temporary names, as long as those that they were
//! to be. The next restore removes them.
//!
//! Only names that a restore makes and a user does not, and only when no restore is at work that could
//! still need them. What is in doubt is left, and said. Every folder is looked through that a restore
//! comes to; where one was killed is also written down on this machine (see [`super::records`]), so that
//! all folders below that destination are.

use std::sync::Arc;

use super::in_the_way::NamesBefore;
use super::outcome::{ActionKind, Count};
use super::task::{Task, join};
use crate::error::Result;
use crate::progress::FindingKind;
use crate::target::{Destination, Folder, Use, is_temporary_name, range_of_temporary_names, resembles_temporary_name};

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
        let is_removed = match judge(&within, &name, used) {
            Ok(Verdict::Remove) => remove(task, &within, relative, &name)?,
            Ok(Verdict::Ignore) => false,
            Ok(Verdict::Doubt(why)) => {
                let message = format!("looks like what a restore leaves that was killed; it stays, because {why}");
                task.report(FindingKind::Warning, &join(relative, &name), message);
                false
            }
            Err(error) => task.fail_entry(&join(relative, &name), error).map(|()| false)?,
        };
        if !is_removed {
            left.push(name);
        }
    }
    names.splice(range.start..range.start, left);
    Ok(())
}

enum Verdict {
    Remove,
    /// It is nothing of ours, or still needed.
    Ignore,
    Doubt(&'static str),
}

fn judge(within: &Folder, name: &[u8], used: Use) -> Result<Verdict> {
    if !is_temporary_name(name) {
        let is_like = resembles_temporary_name(name);
        return Ok(if is_like { Verdict::Doubt("this version of the program gave no such name") } else { Verdict::Ignore });
    }
    let Some(existing) = within.stat(name)? else { return Ok(Verdict::Remove) };
    let user = rustix::process::geteuid();
    Ok(if existing.is_directory() {
        Verdict::Doubt("it is a folder")
    } else if !user.is_root() && existing.uid != user.as_raw() {
        Verdict::Doubt("it belongs to another user")
    } else {
        match used {
            Use::Free => Verdict::Remove,
            Use::Busy => Verdict::Ignore,
            Use::Unknown => Verdict::Doubt("another restore may still be at work there"),
        }
    })
}

/// Removes it; false when it could not be.
fn remove(task: &Task<'_>, within: &Folder, relative: &[u8], name: &[u8]) -> Result<bool> {
    let path = join(relative, name);
    if task.request.dry_run {
        task.tally.act(ActionKind::Delete, task.shown(&path));
    } else if let Err(error) = within.remove(name) {
        return task.fail_entry(&path, error).map(|()| false);
    }
    task.tally.add(Count::Leftovers);
    Ok(true)
}

/// As [`clear`], for the folder `top` of the destination and everything below it on its file system.
///
/// # Errors
/// What ends the restore.
pub(super) fn clear_below(task: &Task<'_>, destination: &Arc<Destination>, top: &[u8]) -> Result<()> {
    let mut waiting = vec![top.to_vec()];
    let mut device = None;
    while let Some(relative) = waiting.pop() {
        task.check()?;
        let look = || {
            let folder = destination.folder(&relative)?;
            let identity = folder.stat_self()?.identity;
            Ok::<_, crate::error::Error>((identity.device, folder.names()?, folder))
        };
        // What cannot be looked through, or went meanwhile, is looked through when a restore comes to it.
        let Ok((found, mut names, folder)) = look() else { continue };
        if *device.get_or_insert(found) != found {
            continue;
        }
        clear(task, destination, &relative, &mut names)?;
        let is_folder = |name: &Vec<u8>| folder.stat(name).is_ok_and(|existing| existing.is_some_and(|existing| existing.is_directory()));
        waiting.extend(names.iter().filter(|name| is_folder(name)).map(|name| join(&relative, name)));
    }
    Ok(())
}
