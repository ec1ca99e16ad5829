//! Removes an entry of a folder with what is below it: the one place where a restore removes anything
//! that it did not make.
//!
//! What is protected and what lies in another mount stays, whoever asks; of everything else the caller
//! says what becomes of it. A run that only looks goes the same way and asks the same questions. One
//! handle is open at a time, whatever the depth. The way back up is `..`, which is trusted only when it
//! leads to the very inode that the way down came through. No link is followed.

use std::sync::Arc;

use super::destination::join;
use super::fixed::{why_entries_are_fixed, why_entry_is_fixed};
use super::judge::{Choice, Found, Judge, Stays};
use super::protected::Protected;
use super::system_error;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::look::Mount;
use crate::platform::{AsHandle, EntryType, Existing, Failure, Handle, HandleRef, Identity, beneath, entries, listing, look, open};
use crate::units::PathText;

/// What holds for every removal in one destination.
#[derive(Debug)]
pub(super) struct Guard {
    pub protected: Arc<Protected>,
    /// The mount of the destination.
    pub top: Mount,
}

/// A judge who lets everything go.
#[derive(Debug, Default)]
pub(super) struct Everything {
    /// Why the first of those that stay does.
    pub stays: Option<Stays>,
}

impl Judge for Everything {
    fn choose(&mut self, _: &Found<'_>) -> (Choice, bool) {
        (Choice::Go, false)
    }

    fn gone(&mut self, _: &[u8]) {}

    fn stays(&mut self, _: &[u8], why: Stays) {
        self.stays.get_or_insert(why);
    }
}

/// A folder on the way down.
struct Level {
    identity: Identity,
    /// Names that are still to be looked at, and how long the path was before this one's own.
    names: std::vec::IntoIter<Vec<u8>>,
    begin: usize,
    is_taken_in: bool,
    /// False once something in it stays, or when it stays itself.
    goes: bool,
    /// Why nothing in it can go, if so.
    why_fixed: Option<&'static str>,
}

/// A removal under way.
struct Removal<'r> {
    guard: &'r Guard,
    judge: &'r mut dyn Judge,
    /// Only look.
    is_dry: bool,
    /// The path of the first entry, for messages.
    path: &'r [u8],
    below: Vec<u8>,
}

enum Visited {
    Gone,
    Stays,
    Entered(Handle, Level),
}

/// Removes `name` in `parent` as far as `judge` and `guard` allow, or with `is_dry` only tells the judge
/// what would go. True when nothing is left of it; one that is gone is fine. `path` names it in errors.
///
/// # Errors
/// `Denied`; `Changed` when the tree is moved meanwhile; those of the judge. What was removed before
/// stays removed.
pub(super) fn remove(guard: &Guard, parent: HandleRef<'_>, name: &[u8], path: &[u8], is_dry: bool, judge: &mut dyn Judge) -> Result<bool> {
    let mut removal = Removal { guard, judge, is_dry, path, below: name.to_vec() };
    let (mut here, first) = match removal.visit((parent, why_entries_are_fixed(parent)), name, false)? {
        Visited::Gone => return Ok(true),
        Visited::Stays => return Ok(false),
        Visited::Entered(here, level) => (here, level),
    };
    let mut levels = vec![Level { begin: 0, ..first }];
    while let Some(level) = levels.last_mut() {
        removal.judge.check()?;
        if let Some(child) = level.names.next() {
            let begin = removal.below.len();
            removal.below.push(b'/');
            removal.below.extend_from_slice(&child);
            match removal.visit((here.as_handle(), level.why_fixed), &child, level.is_taken_in)? {
                Visited::Entered(handle, level) => {
                    here = handle;
                    levels.push(Level { begin, ..level });
                    continue;
                }
                Visited::Stays => level.goes = false,
                Visited::Gone => {}
            }
            removal.below.truncate(begin);
            continue;
        }
        let Some(done) = levels.pop() else { break };
        let is_first = levels.is_empty();
        if !is_first {
            here = removal.go_up(&here, levels.last().map(|above| above.identity))?;
        }
        if done.goes {
            let (above, begin) = if is_first { (parent, 0) } else { (here.as_handle(), done.begin + 1) };
            let own = removal.below.get(begin..).unwrap_or_default().to_vec();
            removal.end(above, &own, true)?;
        }
        if is_first {
            return Ok(done.goes);
        }
        removal.below.truncate(done.begin);
        if let Some(above) = levels.last_mut() {
            above.goes &= done.goes;
        }
    }
    Ok(true)
}

impl Removal<'_> {
    fn fail(&self, failure: Failure) -> Error {
        let below = self.below.iter().position(|byte| *byte == b'/').map_or(&b""[..], |at| &self.below[at + 1..]);
        system_error("cannot remove", &join(self.path, below), failure)
    }

    fn stays(&mut self, why: Stays) -> Result<Visited> {
        self.judge.stays(&self.below, why);
        Ok(Visited::Stays)
    }

    /// Looks at an entry and removes it, if it goes and is no folder.
    fn visit(&mut self, (folder, why_fixed): (HandleRef<'_>, Option<&'static str>), name: &[u8], is_taken_in: bool) -> Result<Visited> {
        let (existing, mount) = match look::closely(folder, name) {
            Ok(found) => found,
            Err(Failure::NOT_FOUND) => return Ok(Visited::Gone),
            Err(failure) => return Err(self.fail(failure)),
        };
        if let Some(why) = self.guard.keeps(folder, name, &existing, mount) {
            return self.stays(why);
        }
        let (choice, takes_in) = self.judge.choose(&Found { below: &self.below, existing: &existing, is_taken_in });
        if choice == Choice::Go
            && let Some(why) = why_fixed.or_else(|| why_entry_is_fixed(folder, name))
        {
            return self.stays(Stays::Fixed(why));
        }
        match choice {
            Choice::Keep => return self.stays(Stays::Chosen),
            Choice::Look if !existing.is_directory() => return self.stays(Stays::Chosen),
            Choice::Go if !existing.is_directory() => {
                self.end(folder, name, false)?;
                return Ok(Visited::Gone);
            }
            Choice::Go | Choice::Look => {}
        }
        let handle = match beneath::open_folder_in_mount(folder, name) {
            Ok(handle) => handle,
            Err(Failure::ELSEWHERE) => return self.stays(Stays::OtherFileSystem),
            Err(failure) => return Err(self.fail(failure)),
        };
        // Asked of the handle again: by its name it may be another one by now.
        let (opened, mount) = look::closely(&handle, b"").map_err(|failure| self.fail(failure))?;
        if let Some(why) = self.guard.keeps(handle.as_handle(), b"", &opened, mount) {
            return self.stays(why);
        }
        if self.judge.is_kept_inside(&self.below, handle.as_handle()) {
            return self.stays(Stays::Chosen);
        }
        let names = listing::names_from(&handle).map_err(|failure| self.fail(failure))?;
        let goes = choice == Choice::Go && !self.guard.protected.is_above(opened.identity);
        let level = Level {
            identity: opened.identity,
            names: names.into_iter(),
            begin: 0,
            is_taken_in: takes_in,
            goes,
            why_fixed: why_entries_are_fixed(handle.as_handle()),
        };
        Ok(Visited::Entered(handle, level))
    }

    /// Removes a name and tells the judge.
    fn end(&mut self, folder: HandleRef<'_>, name: &[u8], is_folder: bool) -> Result<()> {
        if !self.is_dry {
            match if is_folder { entries::remove_folder(folder, name) } else { entries::remove(folder, name) } {
                Ok(()) | Err(Failure::NOT_FOUND) => {}
                Err(failure) => return Err(self.fail(failure)),
            }
        }
        self.judge.gone(&self.below);
        Ok(())
    }

    fn go_up(&self, here: &Handle, above: Option<Identity>) -> Result<Handle> {
        let up = open::folder_in(here, "..").map_err(|failure| self.fail(failure))?;
        let (found, _) = look::closely(&up, b"").map_err(|failure| self.fail(failure))?;
        if Some(found.identity) != above {
            return Err(Error::new(ErrorKind::Changed, format!("{} was moved while it was removed", PathText(self.path))));
        }
        Ok(up)
    }
}

impl Guard {
    /// Why an entry stays whatever anybody says, if it does.
    fn keeps(&self, folder: HandleRef<'_>, name: &[u8], existing: &Existing, mount: Mount) -> Option<Stays> {
        if let Some(what) = self.protected.name_of(existing.identity) {
            return Some(Stays::Protected(what.to_owned()));
        }
        if mount.is_other_than(self.top, existing.is_directory()) {
            return Some(Stays::OtherFileSystem);
        }
        self.protected.name_of_content(folder, name, existing).map(Stays::Protected)
    }

    /// Why the entry `name` of `folder` must not be replaced by a rename, if it must not.
    pub fn forbids_replacing(&self, folder: HandleRef<'_>, name: &[u8], existing: &Existing) -> Option<String> {
        let identity = existing.identity;
        let above = || {
            (existing.entry_type == EntryType::Directory && self.protected.is_above(identity))
                .then_some("a folder above what the repository needs")
        };
        let known = self.protected.name_of(identity).or_else(above).map(str::to_owned);
        known.or_else(|| self.protected.name_of_content(folder, name, existing))
    }
}
