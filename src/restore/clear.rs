//! Whether what is in the way may go, and its removal.
//!
//! A folder makes way for a file only when all that is in it may go: not what the repository needs, not
//! another mount, and not what the snapshot did not look at.

use std::os::fd::BorrowedFd;

use super::in_the_way::{NamesBefore, Way, decide, gives_way_to_folder};
use super::links::{Links, Role};
use super::repositories::{IN_REPOSITORY, Takes, is_of_repository};
use super::sight::path_in_snapshot;
use super::task::{Task, join};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::Node;
use crate::target::{ApplyOptions, Choice, Existing, Folder, Found, Judge, Stays};

/// Of a name that something is mounted over.
const MOUNTED: &str = "left as it is: another file system is mounted there";

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
    if way != (Way::Replace { is_folder: true }) && within.is_mounted_over(&node.name)? {
        return Ok(Decided::Stays(MOUNTED.to_owned()));
    }
    if way == (Way::Replace { is_folder: true }) {
        let mut clearing = Clearing { task, relative, why: None };
        if !within.remove_as(&node.name, true, &mut clearing)? {
            return Ok(Decided::Stays(clearing.message()));
        }
    }
    Ok(Decided::Way(way))
}

/// Removes the folder `name`, which a file or link replaces, from the folder `relative` of the destination.
///
/// # Errors
/// `Exists` when something in it must stay.
pub(super) fn clear(task: &Task<'_>, within: &Folder, relative: &[u8], name: &[u8]) -> Result<()> {
    let mut clearing = Clearing { task, relative, why: None };
    match within.remove_as(name, false, &mut clearing)? {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Exists, clearing.message())),
    }
}

/// Whether what stands in the place of a folder is removed to make one. What is only passed through is
/// never replaced: nobody asked for it, and a link there may lead to all that is below.
pub(super) fn makes_way_for_folder(task: &Task<'_>, within: &Folder, (name, existing): (&[u8], &Existing), is_passed: bool) -> bool {
    !is_passed
        && gives_way_to_folder(existing, task.request.overwrite)
        && within.forbids_replacing(name, existing).is_none()
        && !within.is_mounted_over(name).unwrap_or(true)
}

struct Clearing<'c> {
    task: &'c Task<'c>,
    relative: &'c [u8],
    /// The first that stays, and why.
    why: Option<(Vec<u8>, String)>,
}

impl Clearing<'_> {
    fn message(&self) -> String {
        match &self.why {
            Some((below, why)) => format!("left as it is: \"{}\" in it stays: {why}", crate::units::PathText(below)),
            None => "left as it is: not all that is in it can go".to_owned(),
        }
    }

    fn keep(&mut self, below: &[u8], why: &str) -> bool {
        self.why.get_or_insert_with(|| (below.to_vec(), why.to_owned()));
        true
    }
}

impl Judge for Clearing<'_> {
    fn choose(&mut self, found: &Found<'_>) -> (Choice, bool) {
        let path = path_in_snapshot(self.task.origin(), &join(self.relative, found.below));
        if self.task.selection.is_excluded(&path, found.existing.is_directory()) {
            self.keep(found.below, "it is excluded");
        } else if !self.task.request.delete_excluded && self.task.sight.leaves_out(&path, found.existing) {
            self.keep(found.below, "the snapshot leaves it out");
        } else {
            return (Choice::Go, false);
        }
        (Choice::Keep, false)
    }

    fn is_kept_inside(&mut self, below: &[u8], folder: BorrowedFd<'_>) -> bool {
        if is_of_repository(folder) {
            return self.keep(below, "it is a repository");
        }
        let is_unknown = !self.task.request.delete_excluded && self.task.sight.leaves_out_inside(folder);
        is_unknown && self.keep(below, "the snapshot leaves it out")
    }

    fn gone(&mut self, _: &[u8]) {}

    fn stays(&mut self, below: &[u8], why: Stays) {
        match why {
            Stays::Chosen => {}
            Stays::Protected(what) => _ = self.keep(below, &format!("it is {what}")),
            Stays::OtherFileSystem => _ = self.keep(below, "another file system is mounted there"),
        }
    }

    fn check(&mut self) -> Result<()> {
        self.task.check()
    }
}
