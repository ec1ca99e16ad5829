//! What the file system of a destination can hold.
//!
//! Disks for cameras and for other systems (FAT, exFAT, NTFS) hold no owners, hardly any modes, no links,
//! and times to two seconds. That is measured with a file that is removed again, where such a limit is
//! to be expected, and never in a dry run, which goes by the kind. How a disk rounds times is measured
//! when the first time differs, if it can be with a file that has no name. What it cannot hold is said
//! once and counted, and is no difference when what is there is compared.

use std::fs::File;
use std::sync::{Mutex, OnceLock};

use super::clock::Clock;
use super::given_names::temporary_name;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::failure::{Failure, Result as Answer};
use crate::platform::{AsHandle, Existing, HandleRef, Kind, attributes, entries, file_systems, look, names, open, process, rights, times};
use crate::units::PathText;

/// What a file system without owners says of them.
pub const NO_OWNERS: &str = "this file system holds no owners";
/// Without modes.
pub const NO_MODES: &str = "this file system does not hold every mode";
/// Without extended attributes.
pub const NO_XATTRS: &str = "this file system holds no extended attributes and ACLs";
/// With a calendar that is too short.
pub const NO_SUCH_TIMES: &str = "this file system does not hold every time";
/// Without hard links.
pub const NO_HARD_LINKS: &str = "this file system holds no hard links: each name is a file of its own";
/// Without symbolic links and what else is no file.
pub const NO_LINKS: &str = "this file system holds no symbolic links, pipes and devices";

/// Of what is there and was not asked to be as it was.
pub const TRUSTED_LEFT: &str = "attributes of the namespace `trusted` that the snapshot does not have stay (see --trusted-xattrs)";

/// Whether a note is about what a file system cannot hold, of an entry whose content is there.
pub fn is_limit(note: &str) -> bool {
    [NO_OWNERS, NO_MODES, NO_XATTRS, NO_SUCH_TIMES, NO_HARD_LINKS, TRUSTED_LEFT].contains(&note)
}

/// A file system that is restored to.
#[derive(Debug)]
pub struct Disk {
    holds: Holds,
    clock: OnceLock<Clock>,
    kind: Kind,
    is_shared: bool,
    /// False in a dry run, which makes no file, not even for a moment.
    may_probe: bool,
    /// Held while a name is given where looking for it and taking it are two steps.
    pub(super) naming: Mutex<()>,
}

/// What it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holds {
    /// Owners and groups.
    pub owners: bool,
    /// All bits of modes.
    pub modes: bool,
    /// Extended attributes, ACLs among them.
    pub xattrs: bool,
    /// Several names of one file.
    pub hard_links: bool,
    /// Symbolic links.
    pub links: bool,
}

impl Holds {
    const EVERYTHING: Self = Self { owners: true, modes: true, xattrs: true, hard_links: true, links: true };
    const CONTENT: Self = Self { owners: false, modes: false, xattrs: false, hard_links: false, links: false };
}

impl Default for Disk {
    /// One that holds everything.
    fn default() -> Self {
        Self {
            holds: Holds::EVERYTHING,
            clock: OnceLock::from(Clock::default()),
            kind: Kind::default(),
            is_shared: false,
            may_probe: false,
            naming: Mutex::default(),
        }
    }
}

impl Disk {
    /// The file system of an open folder; with `may_probe` it is tried out where its kind may lack
    /// something.
    pub(super) fn of(folder: impl AsHandle, may_probe: bool) -> Self {
        let kind = Kind::of(&folder).unwrap_or_default();
        // A program that serves a local disk, and not a folder of its own or of another machine.
        let is_on_block_device = look::at_handle(&folder).is_ok_and(|found| file_systems::is_on_disk(found.identity.device));
        let may_lack = matches!(kind, Kind::VFAT | Kind::EXFAT | Kind::HFS | Kind::NTFS) || kind == Kind::FUSE && is_on_block_device;
        let is_shared = kind.has_local_locks_only(is_on_block_device);
        let clock = OnceLock::new();
        let holds = if !may_lack {
            Holds::EVERYTHING
        } else if may_probe && let Some(found) = probe(folder.as_handle()) {
            // Nobody else sets it.
            let _ = clock.set(found.1);
            found.0
        } else if kind == Kind::NTFS {
            Holds::EVERYTHING
        } else {
            Holds::CONTENT
        };
        Self { holds, clock, kind, is_shared, may_probe, naming: Mutex::default() }
    }

    /// What the file system holds on which the folder `path` would be made, by its kind.
    ///
    /// # Errors
    /// `NotFound` when nothing of the path can be opened.
    pub fn of_missing(path: &[u8]) -> Result<Holds> {
        let path = std::path::absolute(names::to_path(path)).map_err(|error| Error::io("cannot look at", PathText(path), error))?;
        let nearest = path.ancestors().find_map(|above| open::folder(above).ok());
        let nearest =
            nearest.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("{} is not there", PathText(names::to_bytes(&path)))))?;
        Ok(Self::of(nearest, false).holds)
    }

    /// What it holds.
    pub fn holds(&self) -> Holds {
        self.holds
    }

    /// True when other machines, or programs, may use the same files without seeing the locks of this one.
    pub(super) fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// True when a time of modification may be ignored that is set without one of access, as programs do
    /// that serve a disk by an older library.
    pub(super) fn needs_both_times(&self) -> bool {
        self.kind == Kind::FUSE
    }

    /// How it keeps times; `folder` is one of its folders.
    pub(super) fn clock(&self, folder: HandleRef<'_>) -> &Clock {
        self.clock.get_or_init(|| match open::nameless_file(folder) {
            Ok(file) => Clock::measure(file),
            Err(_) if self.may_probe => probe(folder).map_or_else(|| self.usual_clock(), |(_, clock)| clock),
            Err(_) => self.usual_clock(),
        })
    }

    fn usual_clock(&self) -> Clock {
        match self.kind {
            Kind::VFAT | Kind::EXFAT | Kind::HFS | Kind::FUSE => Clock::of_kind(2_000_000_000),
            Kind::NTFS => Clock::of_kind(100),
            _ => Clock::default(),
        }
    }
}

/// Tries out with a file, which is removed again, what the file system of a folder holds; nothing where
/// no file can be made.
fn probe(folder: HandleRef<'_>) -> Option<(Holds, Clock)> {
    let before = times::of(folder).ok()?;
    let (name, other) = (temporary_name().ok()?, temporary_name().ok()?);
    let file = open::new_file(folder, name).ok()?;
    let clock = Clock::measure(&file);
    let mut holds = Holds {
        modes: holds_modes(&file),
        xattrs: !is_unsupported(attributes::set(&file, b"user.repo-restore", b"1")),
        hard_links: made(folder, &other, entries::add_name(folder, name, folder, other)),
        links: made(folder, &other, entries::make_link(folder, other, &name)),
        owners: true,
    };
    holds.owners = holds_owners(&file);
    drop(file);
    let _ = entries::remove(folder, name);
    // Nothing has changed in the folder.
    let _ = times::set(folder, &before);
    Some((holds, clock))
}

fn made(folder: HandleRef<'_>, name: &[u8], result: Answer<()>) -> bool {
    let is_made = result.is_ok();
    if is_made {
        let _ = entries::remove(folder, name);
    }
    // Any other reason says nothing of the file system.
    !is_unsupported(result) || is_made
}

fn is_unsupported(result: Answer<()>) -> bool {
    matches!(result, Err(Failure::NOT_PERMITTED | Failure::UNSUPPORTED | Failure::NO_CALL | Failure::INVALID | Failure::NO_MORE_NAMES))
}

fn holds_modes(file: &File) -> bool {
    // Some take a mode without a word and keep another.
    [0o641, 0o604].into_iter().all(|mode| rights::set_mode(file, mode).is_ok() && found_is(file, |found| found.mode == mode))
}

fn holds_owners(file: &File) -> bool {
    let user = process::user();
    if user != 0 {
        // A mount option may give all files to somebody.
        return found_is(file, |found| found.uid == user);
    }
    rights::set_owner(file, (1, 2)).is_ok() && found_is(file, |found| (found.uid, found.gid) == (1, 2))
}

fn found_is(file: &File, is_right: impl Fn(&Existing) -> bool) -> bool {
    look::at_handle(file).is_ok_and(|found| is_right(&found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_of_this_system_holds_everything_and_nothing_is_left_of_the_trial() {
        let top = tempfile::tempdir().unwrap();
        let folder = std::fs::File::open(top.path()).unwrap();
        let before = rustix::fs::fstat(&folder).unwrap();
        let (holds, clock) = probe(folder.as_handle()).unwrap();
        assert!(holds.modes && holds.owners && holds.hard_links && holds.links, "{holds:?}");
        assert_eq!(std::fs::read_dir(top.path()).unwrap().count(), 0);
        let after = rustix::fs::fstat(&folder).unwrap();
        assert_eq!((before.st_mtime, before.st_mtime_nsec), (after.st_mtime, after.st_mtime_nsec));
        let time = crate::units::Timestamp::new(1_700_000_001, 123_456_789);
        assert_eq!(clock.kept(time), time);
        assert_eq!(Disk::of(folder.as_handle(), true).clock(folder.as_handle()).kept(time), time);
    }
}
