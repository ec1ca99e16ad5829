//! Listings of folders that the workers make ahead of the walk.
//!
//! Most folders are small: to hand one over costs more than to list it. So several go together, more
//! of them the longer the level has been walked; a folder with few folders in it has them listed by as
//! many workers as there are.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};

use super::listing::{Entry, FolderListing};
use crate::error::Result;
use crate::source::Folder;

/// Listings of so many folders of one level are made ahead.
const AHEAD_IN_LEVEL: usize = 32;
/// One worker is given so many folders at a time at most.
const GROUP_MAX: usize = 8;
/// While listings with so many entries wait, no other is made: folders of a hundred thousand entries beside
/// each other must not be in memory together. The walk then lists a folder when it comes to it.
const ENTRIES_MAX: usize = 64 << 10;

/// How many entries the listings have that wait, on all levels of a walk.
pub(super) type EntriesAhead = Arc<AtomicUsize>;

/// A listing that waits to be taken.
struct Waiting {
    listing: Result<FolderListing>,
    _room: Room,
}

/// The room that the entries of a listing take while it waits.
struct Room {
    entries: usize,
    all: EntriesAhead,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.all.fetch_sub(self.entries, Ordering::Relaxed);
    }
}

impl Waiting {
    /// The listing of a folder; none while too many entries wait.
    fn read(parent: &Folder, name: &[u8], all: &EntriesAhead) -> Option<Self> {
        if all.load(Ordering::Relaxed) >= ENTRIES_MAX {
            return None;
        }
        let listing = parent.open_below(name).and_then(FolderListing::read);
        let entries = listing.as_ref().map_or(0, FolderListing::remaining);
        all.fetch_add(entries, Ordering::Relaxed);
        Some(Self { listing, _room: Room { entries, all: Arc::clone(all) } })
    }
}

/// The folders of one level that are being listed, in order of their names.
#[derive(Default)]
pub(super) struct FoldersAhead {
    entries: EntriesAhead,
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
    receiver: Receiver<Vec<Option<Waiting>>>,
    /// What came, without what was taken.
    listed: Option<std::vec::IntoIter<Option<Waiting>>>,
}

impl FoldersAhead {
    /// Nothing yet; `entries` is shared by all levels.
    pub(super) fn new(entries: EntriesAhead) -> Self {
        Self { entries, ..Self::default() }
    }

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
        let (parent, entries) = (Arc::clone(parent), Arc::clone(&self.entries));
        self.group_folders = names.len();
        self.folders += names.len();
        self.groups.push_back(Group { names: names.iter().cloned().collect(), receiver, listed: None });
        scope.spawn(move |_| {
            let listed = names.iter().map(|name| Waiting::read(&parent, name, &entries)).collect();
            // Nobody waits for it any more when the walk has ended.
            let _ = sender.send(listed);
        });
    }

    /// The listing of the folder `name`, when it was begun and there was room for its entries; waits until it
    /// is made. Folders before it are not asked for any more.
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
                        return listing;
                    }
                }
            }
        }
    }
}

impl Group {
    /// The next listing; none when it was not made.
    fn next_listing(&mut self) -> Option<Result<FolderListing>> {
        let listed = self.listed.get_or_insert_with(|| self.receiver.recv().unwrap_or_default().into_iter());
        listed.next().unwrap_or_default().map(|waiting| waiting.listing)
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
        let (mut ahead, mut most, mut came) = (FoldersAhead::default(), 0, 0);
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

    #[test]
    fn listings_that_wait_have_no_more_entries_than_they_may_and_what_is_dropped_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        for name in 0..20 {
            let wide = folder.path().join(format!("{name:03}"));
            std::fs::create_dir(&wide).unwrap();
            (0..50).for_each(|n| std::fs::write(wide.join(n.to_string()), b"").unwrap());
        }
        let open = || Folder::open(folder.path().as_os_str().as_bytes()).unwrap();
        let (listing, parent) = (FolderListing::read(open()).unwrap(), Arc::new(open()));
        let entries = EntriesAhead::default();
        // Room for 120 entries is left: two folders fit, the third goes a little beyond, and no other is listed.
        entries.store(ENTRIES_MAX - 120, Ordering::Relaxed);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let mut ahead = FoldersAhead::new(Arc::clone(&entries));
        // In groups of one, two and four folders. All are done before the first is taken, which makes room.
        pool.in_place_scope(|scope| ahead.begin(scope, &parent, listing.upcoming(), 7, |_| true));
        let took = (0..5).map(|name| ahead.take(format!("{name:03}").as_bytes()).is_some()).collect::<Vec<_>>();
        assert_eq!(entries.load(Ordering::Relaxed), ENTRIES_MAX - 120, "what was taken makes room");
        assert_eq!(took, [true, true, true, false, false]);
        pool.in_place_scope(|scope| {
            FoldersAhead::new(Arc::clone(&entries)).begin(scope, &parent, listing.upcoming(), 20, |_| true);
        });
        assert_eq!(entries.load(Ordering::Relaxed), ENTRIES_MAX - 120, "and what nobody asked for");
    }
}
