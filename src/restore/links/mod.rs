//! Hard links: the names of a file after its first.
//!
//! Names of one file, or of one link, pipe or device, are found by (source, inode). A repository can
//! say anything, and a source can span file systems that number their inodes alike, or have one of its
//! folders in two places. So only an entry with the same content and metadata as the first becomes a link to
//! it, never more of them than the file had names, and only to the very inode that this restore wrote or
//! found right (the target checks that). When a first was not restored, the next of its names takes its part.

mod groups;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use groups::{GROUPS_LOOKED_AT, Group, Groups, Placed};

use super::clear::take_place;
use super::in_the_way::Way;
use super::inodes::Inodes;
use super::outcome::Count;
use super::task::join;
use super::writer::Writer;
use crate::error::{ErrorKind, Result};
use crate::manifest::{Metadata, Node};
use crate::target::{Existing, Identity, NO_HARD_LINKS, apply_inode_flags, temporary_name};
use crate::units::Timestamp;
use crate::wire;

pub(super) use groups::LinkKey;

/// What an entry with several names is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Not part of any group.
    Alone,
    /// The first name that is restored.
    First(LinkKey),
    /// A further name.
    Later(LinkKey),
}

/// A further name that waits for its first.
pub(super) struct LinkInWork {
    pub key: LinkKey,
    pub folder: Arc<[u8]>,
    pub node: Node,
    pub way: Way,
    pub ordinal: u64,
}

/// What became of a further name.
pub(super) enum Linked {
    /// It is made, or was given up.
    Done,
    /// There is no first to link to: it is a file itself, and may be the first for those after it.
    NoFirst(LinkInWork),
    /// The file system makes no such link: it is a file of its own, and so will be those after it.
    Refused(LinkInWork),
}

/// A file whose inode flags wait: folder, name, metadata.
type WaitingFlags = (Arc<[u8]>, Vec<u8>, Metadata);

/// The files with names still to come. Grows with files that have several names, not with files.
#[derive(Default)]
pub(super) struct Links {
    groups: Mutex<Groups>,
    /// When the run began that made the snapshot: what has changed since may have got or lost a name meanwhile.
    started_at: Timestamp,
    /// Files of the destination with several names.
    pub inodes: Inodes,
    /// Files whose inode flags wait until all names are made.
    flags: Mutex<Vec<WaitingFlags>>,
}

impl Links {
    /// Of a snapshot whose run began at `started_at`.
    pub fn new(started_at: Timestamp) -> Self {
        Self { started_at, ..Self::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Groups> {
        // What a thread that died left half done is a name too many or too few for one file.
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds the role of an entry in the source `root`, and makes it the first if it is. Links, pipes
    /// and devices can have several names too; folders cannot.
    pub fn join(&self, root: usize, node: &Node) -> Role {
        let (inode, links) = (node.metadata.inode, node.metadata.links);
        if links < 2 || node.is_directory() {
            return Role::Alone;
        }
        let changed = (node.metadata.ctime, links);
        let metadata = Metadata { ctime: Timestamp::default(), links: 0, ..node.metadata.clone() };
        let likeness = (root, inode, *blake3::hash(&wire::encode(&(metadata, &node.content))).as_bytes());
        let is_one = |other: (Timestamp, u32)| changed == other || changed.0.max(other.0) >= self.started_at;
        let mut groups = self.lock();
        let Groups { by_key, alike, count } = &mut *groups;
        let keys = alike.entry(likeness).or_default();
        for key in keys.iter().rev().take(GROUPS_LOOKED_AT) {
            let Some(group) = by_key.get_mut(key).filter(|group| is_one(group.changed)) else { continue };
            if !std::mem::replace(&mut group.has_first, true) {
                return Role::First(*key);
            }
            if group.names_to_join > 0 {
                group.names_to_join -= 1;
                return Role::Later(*key);
            }
        }
        *count += 1;
        let key = LinkKey { number: *count, inode };
        keys.push(key);
        let group = Group { likeness, changed, names_to_join: links - 1, names_left: links - 1, has_first: true, placed: None };
        by_key.insert(key, group);
        Role::First(key)
    }

    /// The role of a further name whose first was not there: it takes that part, or another has.
    pub fn join_again(&self, key: LinkKey) -> Role {
        let mut groups = self.lock();
        let Some(group) = groups.by_key.get_mut(&key) else { return Role::Alone };
        if std::mem::replace(&mut group.has_first, true) {
            return Role::Later(key);
        }
        group.names_left = group.names_left.saturating_sub(1);
        Role::First(key)
    }

    /// The first name is complete.
    pub fn place(&self, key: LinkKey, folder: &Arc<[u8]>, name: &[u8], identity: Identity) {
        let mut groups = self.lock();
        if let Some(group) = groups.by_key.get_mut(&key) {
            group.placed = Some(Placed { folder: Arc::clone(folder), name: name.to_vec(), identity });
            if group.names_left == 0 {
                groups.remove(key);
            }
        }
    }

    /// The first name was not restored.
    pub fn forget(&self, key: LinkKey) {
        if let Some(group) = self.lock().by_key.get_mut(&key) {
            (group.has_first, group.placed) = (false, None);
        }
    }

    /// Whether what is there under a further name, with the right content, must make way for a link: it is
    /// another file than the first, which may be one that is still to be written.
    pub fn is_apart(&self, role: Role, existing: &Existing) -> bool {
        let Role::Later(key) = role else { return false };
        let groups = self.lock();
        let Some(group) = groups.by_key.get(&key) else { return false };
        // Across file systems there are no links.
        group
            .placed
            .as_ref()
            .is_none_or(|placed| placed.identity != existing.identity && placed.identity.device == existing.identity.device)
    }

    /// The entry is there already and stays, in its role.
    pub fn stays(&self, role: Role, folder: &Arc<[u8]>, name: &[u8], existing: &Existing) {
        match role {
            Role::Alone => {}
            Role::First(key) => self.place(key, folder, name, existing.identity),
            Role::Later(key) => self.lock().settle_one(key),
        }
    }

    /// The entry is not restored: if it is the first of its names, the next one is.
    pub fn gives_up(&self, role: Role) {
        if let Role::First(key) = role {
            self.forget(key);
        }
    }

    /// Where the first name is, for one further name.
    fn placed(&self, key: LinkKey) -> Option<Placed> {
        let mut groups = self.lock();
        let placed = groups.by_key.get(&key)?.placed.clone()?;
        groups.settle_one(key);
        Some(placed)
    }

    /// Leaves the inode flags of a file for when all its names are made.
    pub fn leave_flags(&self, folder: &Arc<[u8]>, name: &[u8], metadata: &Metadata) {
        if metadata.inode_flags != 0 {
            let waiting = (Arc::clone(folder), name.to_vec(), metadata.clone());
            self.flags.lock().unwrap_or_else(PoisonError::into_inner).push(waiting);
        }
    }
}

/// Makes a further name, or gives it back for the caller to restore as a file.
///
/// # Errors
/// What ends the restore.
pub(super) fn make_link(writer: &Writer<'_>, link: LinkInWork) -> Result<Linked> {
    let Some(placed) = writer.links.placed(link.key) else { return Ok(Linked::NoFirst(link)) };
    let name = &link.node.name;
    match place_link(writer, &link, &placed) {
        Ok(()) => {
            writer.task.tally.add(Count::HardLinks);
            writer.task.did(link.way.deed(), &join(&link.folder, name));
            writer.task.progress.add_done(1, link.node.file_bytes());
            Ok(Linked::Done)
        }
        // Too many names, another file system mounted there, replaced meanwhile: the content is what
        // counts, so it becomes a file of its own.
        Err(error) if matches!(error.kind(), ErrorKind::Other | ErrorKind::Changed | ErrorKind::NotFound | ErrorKind::Denied) => {
            let is_possible = writer.destination.folder(&link.folder).is_ok_and(|within| within.disk().holds().hard_links);
            let why =
                if is_possible { format!("not linked to its other name but written again: {error}") } else { NO_HARD_LINKS.to_owned() };
            writer.task.note(&join(&link.folder, name), why);
            Ok(Linked::Refused(link))
        }
        Err(error) => writer.task.fail_entry(&join(&link.folder, name), error).map(|()| Linked::Done),
    }
}

fn place_link(writer: &Writer<'_>, link: &LinkInWork, placed: &Placed) -> Result<()> {
    let (from, folder) = (writer.destination.folder(&placed.folder)?, writer.destination.folder(&link.folder)?);
    let name = &link.node.name;
    if matches!(link.way, Way::Replace { .. }) && folder.stat(name)?.is_some_and(|existing| existing.identity == placed.identity) {
        return Ok(());
    }
    let temporary = temporary_name()?;
    folder.hard_link_from(&from, &placed.name, placed.identity, &temporary)?;
    let place = |name: &[u8]| folder.rename_new(&temporary, name, link.way != Way::Free);
    let own = if link.way == (Way::Replace { is_folder: true }) {
        take_place(writer.task, (&folder, &link.folder), name, || place(name))
    } else {
        place(name)
    };
    let outcome = match own {
        Err(error) if error.kind() == ErrorKind::Exists && link.way == Way::Free => {
            writer.place_elsewhere(&link.folder, name, place).map(|_| ())
        }
        other => other,
    };
    if outcome.is_err() {
        // The failure to place it is what the user should hear of.
        folder.discard(&temporary);
    }
    outcome
}

/// Sets the inode flags that waited.
pub(super) fn apply_flags(writer: &Writer<'_>) {
    let waiting = std::mem::take(&mut *writer.links.flags.lock().unwrap_or_else(PoisonError::into_inner));
    for (folder, name, metadata) in waiting {
        let relative = join(&folder, &name);
        match writer.destination.folder(&folder).and_then(|within| within.open_file(&name)) {
            Ok(file) => {
                apply_inode_flags(file, &metadata, &writer.options).into_iter().for_each(|note| writer.task.note(&relative, note));
            }
            Err(error) => writer.task.note(&relative, format!("inode flags not restored: {error}")),
        }
    }
}
