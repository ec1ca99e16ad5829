//! Whether what is in the way may go, and its removal.
//!
//! A folder that is not empty makes way for something else only where what the snapshot does not have is to be deleted,
//! and all that is in it may and can go: not what the repository needs, not another mount, not what the snapshot did not
//! look at, and nothing that the system would keep. It is set aside first, and removed when something has its place. A restore that is killed in between leaves it.

use super::folders::split_last;
use super::in_the_way::{NamesBefore, Way, decide, gives_way_to_folder};
use super::links::{Links, Role};
use super::outcome::{ActionKind, Count};
use super::repositories::{IN_REPOSITORY, Takes, is_of_repository};
use super::sight::path_in_snapshot;
use super::task::{Task, join, with_causes};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::Node;
use crate::platform::HandleRef;
use crate::progress::{Deed, FindingKind, Topic};
use crate::target::{ApplyOptions, Choice, Existing, Folder, Found, Judge, Stays};
use crate::units::PathText;

/// Of a name that something is mounted over.
const MOUNTED: &str = "left as it is: another file system is mounted there";

/// Of a folder that holds something, where nothing else was asked for.
const NOT_EMPTY: &str = "left as it is: it is a folder that is not empty; with --delete it goes with all that is in it";

/// What is done with an entry, or why what is there must stay.
pub(super) enum Decided {
    Way(Way),
    Stays(String),
}

/// As [`decide`], and nothing is replaced or given other metadata that must stay.
///
/// # Errors
/// Those of looking.
pub(super) fn decide_in(
    task: &Task<'_>,
    options: &ApplyOptions,
    links: &Links,
    (within, relative): (&Folder, &[u8]),
    (before, takes): (&NamesBefore, Takes),
    (node, role): (&Node, Role),
) -> Result<Decided> {
    let way = decide(task, options, links, (within, relative), (before, takes), (node, role))?;
    if takes == Takes::Nothing && way == Way::Free || takes != Takes::All && matches!(way, Way::Leave(_)) {
        return Ok(Decided::Stays(IN_REPOSITORY.to_owned()));
    }
    if !matches!(way, Way::Replace { .. } | Way::SetMetadata(_)) {
        return Ok(Decided::Way(way));
    }
    if let Some(what) = within.stat(&node.name)?.and_then(|existing| within.forbids_replacing(&node.name, &existing)) {
        return Ok(Decided::Stays(format!("left as it is: it is {what}")));
    }
    if way != (Way::Replace { is_folder: true }) {
        if within.is_mounted_over(&node.name)? {
            return Ok(Decided::Stays(MOUNTED.to_owned()));
        }
        if let Some(why) = within.why_fixed(&node.name)? {
            return Ok(Decided::Stays(format!("left as it is: {why}")));
        }
    } else if let Err(why) = look(task, (within, relative), &node.name)? {
        return Ok(Decided::Stays(why));
    }
    Ok(Decided::Way(way))
}

/// Whether all of `name` in the folder `relative` of the destination may and can go, or why not. A dry run lists
/// what is in it.
///
/// # Errors
/// Those of looking.
fn look(task: &Task<'_>, (within, relative): (&Folder, &[u8]), name: &[u8]) -> Result<std::result::Result<(), String>> {
    let mut clearing = Clearing::new(task, relative, name, true);
    if !within.remove_as(name, true, &mut clearing)? {
        return Ok(Err(clearing.message()));
    }
    if clearing.is_filled && !task.request.delete {
        return Ok(Err(NOT_EMPTY.to_owned()));
    }
    if task.is_dry {
        task.tally.add_many(Count::Deleted, clearing.going.len() as u64);
        for path in clearing.going {
            task.tally.act(ActionKind::Delete, path);
        }
    }
    Ok(Ok(()))
}

/// Puts something in the place of `name` in the folder `relative` of the destination, with `place`. What is
/// there is set aside as a whole and removed afterwards; it is put back when there is nothing to take its place.
///
/// # Errors
/// `Exists` when something of it must stay; those of `place`.
pub(super) fn take_place<T>(
    task: &Task<'_>,
    (within, relative): (&Folder, &[u8]),
    name: &[u8],
    place: impl FnOnce() -> Result<T>,
) -> Result<T> {
    if let Err(why) = look(task, (within, relative), name)? {
        return Err(Error::new(ErrorKind::Exists, why));
    }
    let Some(aside) = within.set_aside(name)? else { return place() };
    let placed = match place() {
        Ok(placed) => placed,
        Err(error) => {
            if let Err(other) = within.put_back(&aside, name) {
                let message = format!("what was there before is left under this name: {}", with_causes(&other));
                task.report(FindingKind::Warning(Topic::Leftover), &join(relative, &aside), message);
            }
            return Err(error);
        }
    };
    let mut clearing = Clearing::new(task, relative, name, false);
    let why = match within.remove_as(&aside, false, &mut clearing) {
        Ok(true) => return Ok(placed),
        Ok(false) => clearing.message(),
        Err(error) => with_causes(&error),
    };
    let message = format!("what was there as {} before is left under this name: {why}", PathText(name));
    task.report(FindingKind::Warning(Topic::Leftover), &join(relative, &aside), message);
    Ok(placed)
}

/// Whether what stands in the place of the folder `relative` is removed to make one, in the folder `within` above
/// it. What is only passed through is never replaced: nobody asked for it, and a link there may lead to all
/// that is below.
pub(super) fn makes_way_for_folder(task: &Task<'_>, within: &Folder, (relative, existing): (&[u8], &Existing), is_passed: bool) -> bool {
    let (above, name) = split_last(relative);
    !is_passed
        && gives_way_to_folder(existing, task.request.overwrite)
        && within.forbids_replacing(name, existing).is_none()
        && !within.is_mounted_over(name).unwrap_or(true)
        && look(task, (within, above), name).is_ok_and(|looked| looked.is_ok())
}

struct Clearing<'c> {
    task: &'c Task<'c>,
    relative: &'c [u8],
    /// What it is called when it is not set aside.
    name: &'c [u8],
    /// The first that stays, and why.
    why: Option<(Vec<u8>, String)>,
    /// True when nothing is removed yet.
    is_look: bool,
    /// True once something was met in it.
    is_filled: bool,
    /// What would go from within it in a dry run, with its path in the destination.
    going: Vec<Vec<u8>>,
}

impl<'c> Clearing<'c> {
    fn new(task: &'c Task<'c>, relative: &'c [u8], name: &'c [u8], is_look: bool) -> Self {
        Self { task, relative, name, why: None, is_look, is_filled: false, going: Vec::new() }
    }

    fn message(&self) -> String {
        match &self.why {
            Some((below, why)) if below == self.name => format!("left as it is: {why}"),
            Some((below, why)) => format!("left as it is: \"{}\" in it stays: {why}", PathText(below)),
            None => "left as it is: not all that is in it can go".to_owned(),
        }
    }

    /// The path in the destination of what is found, whatever its first name is by now.
    fn relative_of(&self, below: &[u8]) -> Vec<u8> {
        let rest = below.iter().position(|byte| *byte == b'/').map_or(&b""[..], |at| &below[at + 1..]);
        join(&join(self.relative, self.name), rest)
    }

    fn keep(&mut self, below: &[u8], why: &str) -> bool {
        self.why.get_or_insert_with(|| (below.to_vec(), why.to_owned()));
        true
    }
}

impl Judge for Clearing<'_> {
    fn choose(&mut self, found: &Found<'_>) -> (Choice, bool) {
        let path = path_in_snapshot(self.task.origin(), &self.relative_of(found.below));
        let is_inside = found.below.contains(&b'/');
        self.is_filled |= is_inside;
        if is_inside && !self.is_look && !self.task.request.delete {
            // It came after the look.
            self.keep(found.below, "nobody asked for its removal");
        } else if is_inside && self.task.request.delete && !self.task.selection.is_gone(&path) {
            self.keep(found.below, "it is not among what the snapshot lists as gone");
        } else if self.task.selection.is_excluded(&path, found.existing.is_directory()) {
            self.keep(found.below, "it is excluded");
        } else if !self.task.request.delete_excluded && self.task.sight.leaves_out(&path, found.existing) {
            self.keep(found.below, "the snapshot leaves it out");
        } else {
            return (Choice::Go, false);
        }
        (Choice::Keep, false)
    }

    fn is_kept_inside(&mut self, below: &[u8], folder: HandleRef<'_>) -> bool {
        if is_of_repository(folder) {
            return self.keep(below, "it is a repository");
        }
        let is_unknown = !self.task.request.delete_excluded && self.task.sight.leaves_out_inside(folder);
        is_unknown && self.keep(below, "the snapshot leaves it out")
    }

    fn gone(&mut self, below: &[u8]) {
        if !below.contains(&b'/') {
            return;
        }
        if !self.is_look {
            self.task.tally.add(Count::Deleted);
            self.task.did(Deed::Removed, &self.relative_of(below));
        } else if self.task.is_dry {
            let path = self.task.shown(&self.relative_of(below));
            self.going.push(path);
        }
    }

    fn stays(&mut self, below: &[u8], why: Stays) {
        match why {
            Stays::Chosen => {}
            Stays::Protected(what) => _ = self.keep(below, &format!("it is {what}")),
            Stays::OtherFileSystem => _ = self.keep(below, "another file system is mounted there"),
            Stays::Fixed(why) => _ = self.keep(below, why),
        }
    }

    fn check(&mut self) -> Result<()> {
        self.task.check()
    }
}
