//! Listings of folders that the workers make ahead of the walk.
//!
//! Most folders are small: to hand one over costs more than to list it. So several go together, more
//! of them the longer the level has been walked; a folder with few folders in it has them listed by as
//! many workers as there are.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use super::listing::{Entry, FolderListing};
use crate::error::{Error, ErrorKind, Result};
use crate::source::Folder;

/// Listings of so many folders of one level are made ahead.
const AHEAD_IN_LEVEL: usize = 32;
/// One worker is given so many folders at a time at most.
const GROUP_MAX: usize = 8;

/// The folders of one level that are being listed, in order of their names.
#[derive(Default)]
pub(super) struct Ahead {
    groups: VecDeque<Group>,
    folders: usize,
    /// All entries up to this name were looked at.
    until: Vec<u8>,
    /// So many folders were in the last group.
    group_folders: usize,
}

/// Folders that one worker lists.
struct Group {
    names: VecDeque<Vec<u8>>,
    receiver: Receiver<Vec<Result<FolderListing>>>,
    /// What came, without what was taken.
    listed: Option<std::vec::IntoIter<Result<FolderListing>>>,
}

impl Ahead {
    /// How many listings were begun and not taken.
    pub(super) fn len(&self) -> usize {
        self.folders
    }

    /// True when another group should be begun.
    pub(super) fn wants_more(&self) -> bool {
        self.folders + GROUP_MAX <= AHEAD_IN_LEVEL
    }

    /// Has the next of `upcoming`, entries of `parent` in order of their names, listed where they are
    /// wanted, `room` of them at most. Returns how many.
    pub(super) fn begin<'scope>(
        &mut self,
        scope: &rayon::Scope<'scope>,
        parent: &Arc<Folder>,
        upcoming: &[Entry],
        room: usize,
        is_wanted: impl Fn(&Entry) -> bool,
    ) -> usize {
        if upcoming.last().is_none_or(|last| last.name <= self.until) {
            // Asked for every entry of a folder of files.
            return 0;
        }
        let begin = upcoming.partition_point(|entry| entry.name <= self.until);
        let (before, mut names) = (self.folders, Vec::new());
        for entry in &upcoming[begin..] {
            if self.folders + names.len() >= AHEAD_IN_LEVEL.min(before + room) {
                break;
            }
            self.until.clone_from(&entry.name);
            if is_wanted(entry) {
                names.push(entry.name.clone());
                if names.len() >= (2 * self.group_folders).clamp(1, GROUP_MAX) {
                    self.begin_group(scope, parent, std::mem::take(&mut names));
                }
            }
        }
        self.begin_group(scope, parent, names);
        self.folders - before
    }

    fn begin_group<'scope>(&mut self, scope: &rayon::Scope<'scope>, parent: &Arc<Folder>, names: Vec<Vec<u8>>) {
        if names.is_empty() {
            return;
        }
        let (sender, receiver) = sync_channel(1);
        let parent = Arc::clone(parent);
        self.group_folders = names.len();
        self.folders += names.len();
        self.groups.push_back(Group { names: names.iter().cloned().collect(), receiver, listed: None });
        scope.spawn(move |_| {
            let listed = names.iter().map(|name| parent.open_below(name).and_then(FolderListing::read)).collect();
            // Nobody waits for it any more when the walk has ended.
            let _ = sender.send(listed);
        });
    }

    /// The listing of the folder `name`, when it was begun; waits until it is made. Folders before it
    /// are not asked for any more.
    pub(super) fn take(&mut self, name: &[u8]) -> Option<Result<FolderListing>> {
        loop {
            let group = self.groups.front_mut()?;
            match group.names.front() {
                None => {
                    self.groups.pop_front();
                }
                Some(first) if first.as_slice() > name => return None,
                Some(first) => {
                    let is_wanted = first == name;
                    group.names.pop_front();
                    self.folders -= 1;
                    let listing = group.next_listing();
                    if is_wanted {
                        return Some(listing);
                    }
                }
            }
        }
    }
}

impl Group {
    fn next_listing(&mut self) -> Result<FolderListing> {
        let listed = self.listed.get_or_insert_with(|| self.receiver.recv().unwrap_or_default().into_iter());
        listed.next().unwrap_or_else(|| Err(Error::new(ErrorKind::Other, "a worker ended early")))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn every_folder_that_is_asked_for_comes_with_its_own_entries_and_the_room_is_kept_to() {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<String> = (0..100).map(|n| format!("{n:03}")).collect();
        for name in &names {
            std::fs::create_dir_all(folder.path().join(name).join(format!("in {name}"))).unwrap();
        }
        let parent = Folder::open(folder.path().as_os_str().as_bytes()).unwrap();
        let listing = FolderListing::read(parent).unwrap();
        let parent = Arc::new(Folder::open(folder.path().as_os_str().as_bytes()).unwrap());
        // What ends in 3 is never wanted, and what ends in 5 is wanted and then not asked for.
        let ends = |name: &str, end: char| name.ends_with(end);
        let (mut ahead, mut most, mut came) = (Ahead::default(), 0, 0);
        rayon::in_place_scope(|scope| {
            for name in &names {
                if ahead.wants_more() {
                    let (before, room) = (ahead.len(), 20 - ahead.len());
                    let wanted = |entry: &Entry| !entry.name.ends_with(b"3");
                    let begun = ahead.begin(scope, &parent, listing.upcoming(), room, wanted);
                    assert_eq!(ahead.len(), before + begun);
                    most = most.max(ahead.len());
                }
                if ends(name, '5') {
                    continue;
                }
                match ahead.take(name.as_bytes()) {
                    None => assert!(ends(name, '3'), "{name}"),
                    Some(found) => {
                        let entry = found.unwrap().upcoming()[0].name.clone();
                        assert_eq!(entry, format!("in {name}").as_bytes());
                        came += 1;
                    }
                }
            }
        });
        assert_eq!((ahead.len(), most, came), (0, 20, 80));
    }
}
