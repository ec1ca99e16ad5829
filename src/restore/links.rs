//! Hard links: the names of a file after its first.
//!
//! Names of one file, or of one link, pipe or device, are found by (source, inode). A repository can
//! say anything, and a source can span file systems that number their inodes alike, so only an entry
//! with the same content and metadata as the first becomes a link to it, and only to the very inode
//! that this restore wrote or found right (the target checks that). A first that was not restored is
//! forgotten, and the next name is restored as a file.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::clear::clear;
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

/// Names of one file: the number of the source, and the inode.
pub(super) type LinkKey = (usize, u64);

struct First {
    digest: [u8; 32],
    /// Names that are still to come.
    names_left: u32,
    /// Where it is, once it is complete.
    placed: Option<Placed>,
}

#[derive(Clone)]
struct Placed {
    folder: Arc<[u8]>,
    name: Vec<u8>,
    identity: Identity,
}

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
    firsts: Mutex<HashMap<LinkKey, First>>,
    /// Files of the destination with several names.
    pub inodes: Inodes,
    /// Files whose inode flags wait until all names are made.
    flags: Mutex<Vec<WaitingFlags>>,
}

impl Links {
    fn lock(&self) -> MutexGuard<'_, HashMap<LinkKey, First>> {
        // Each change is one call that leaves the map whole.
        self.firsts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds the role of an entry in the source `root`, and makes it the first if it is. Links, pipes
    /// and devices can have several names too; folders cannot.
    pub fn join(&self, root: usize, node: &Node) -> Role {
        if node.metadata.links < 2 || node.is_directory() {
            return Role::Alone;
        }
        let key = (root, node.metadata.inode);
        // A further name that is made or removed during a run changes only these two.
        let metadata = Metadata { ctime: Timestamp::default(), links: 0, ..node.metadata.clone() };
        let digest = *blake3::hash(&wire::encode(&(metadata, &node.content))).as_bytes();
        let mut firsts = self.lock();
        let Some(first) = firsts.get(&key) else {
            firsts.insert(key, First { digest, names_left: node.metadata.links - 1, placed: None });
            return Role::First(key);
        };
        if first.digest != digest {
            return Role::Alone;
        }
        Role::Later(key)
    }

    /// The first name is complete.
    pub fn place(&self, key: LinkKey, folder: &Arc<[u8]>, name: &[u8], identity: Identity) {
        if let Some(first) = self.lock().get_mut(&key) {
            first.placed = Some(Placed { folder: Arc::clone(folder), name: name.to_vec(), identity });
        }
    }

    /// The first name was not restored.
    pub fn forget(&self, key: LinkKey) {
        self.lock().remove(&key);
    }

    /// Whether what is there under a further name, with the right content, must make way for a link: it is
    /// another file than the first, which may be one that is still to be written.
    pub fn is_apart(&self, role: Role, existing: &Existing) -> bool {
        let Role::Later(key) = role else { return false };
        let firsts = self.lock();
        let Some(first) = firsts.get(&key) else { return false };
        // Across file systems there are no links.
        first
            .placed
            .as_ref()
            .is_none_or(|placed| placed.identity != existing.identity && placed.identity.device == existing.identity.device)
    }

    /// The entry is there already and stays, in its role.
    pub fn stays(&self, role: Role, folder: &Arc<[u8]>, name: &[u8], existing: &Existing) {
        match role {
            Role::Alone => {}
            Role::First(key) => self.place(key, folder, name, existing.identity),
            Role::Later(key) => _ = self.placed(key),
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
        let mut firsts = self.lock();
        let first = firsts.get_mut(&key)?;
        let placed = first.placed.clone();
        first.names_left = first.names_left.saturating_sub(1);
        if first.names_left == 0 {
            firsts.remove(&key);
        }
        placed
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
    if let Way::Replace { is_folder } = link.way {
        if folder.stat(name)?.is_some_and(|existing| existing.identity == placed.identity) {
            return Ok(());
        }
        if is_folder {
            clear(writer.task, &folder, &link.folder, name)?;
        }
    }
    let temporary = temporary_name()?;
    folder.hard_link_from(&from, &placed.name, placed.identity, &temporary)?;
    let place = |name: &[u8]| folder.rename_new(&temporary, name, link.way != Way::Free);
    let outcome = match place(name) {
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
                use std::os::fd::AsFd;
                apply_inode_flags(file.as_fd(), &metadata, &writer.options).into_iter().for_each(|note| writer.task.note(&relative, note));
            }
            Err(error) => writer.task.note(&relative, format!("inode flags not restored: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Content, ContentList};
    use crate::wire::Extensions;

    fn node(content: Content) -> Node {
        let metadata = Metadata { inode: 7, links: 2, ..Metadata::default() };
        Node { name: b"a".to_vec(), metadata, content, flags: 0, extensions: Extensions::none() }
    }

    #[test]
    fn only_what_is_equal_but_for_ctime_and_number_of_links_is_a_further_name() {
        let links = Links::default();
        let first = node(Content::File(0, ContentList::default()));
        assert_eq!(links.join(0, &first), Role::First((0, 7)));
        let mut linked_meanwhile = first.clone();
        (linked_meanwhile.metadata.links, linked_meanwhile.metadata.ctime) = (3, Timestamp::new(1, 0));
        assert_eq!(links.join(0, &linked_meanwhile), Role::Later((0, 7)));
        // Another file system that is mounted in the same source.
        let mut other = first.clone();
        other.metadata.uid = 1;
        assert_eq!(links.join(0, &other), Role::Alone);
        assert_eq!(links.join(0, &node(Content::Fifo)), Role::Alone);
        assert_eq!(links.join(1, &node(Content::Fifo)), Role::First((1, 7)));
    }
}
