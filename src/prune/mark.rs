//! Finds which chunks are needed: every tree page, list page and chunk below the snapshots that stay.

use crate::cancel::check_cancelled;
use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::look::MANIFESTS_AT_ONCE;
use super::needed::Needed;
use super::refuse::{refuse_some, refuse_unknown};
use crate::error::{Error, Result};
use crate::id::{ChunkId, SnapshotId};
use crate::index::Index;
use crate::manifest::{ContentList, Item};
use crate::progress::Progress;
use crate::repository::{ChunkReader, FrameBytes};
use crate::storage::{ask_each, waits_for_answers};
use crate::trees::{
    ContentVisitor, ListPlace, Look, PagePlace, PageReader, Piece, TreeVisitor, Unvisited, read_ahead, visit_by_all, visit_content,
    visit_in_order,
};

/// Marks what snapshots need, the newest in the order of a restore and the others by all threads at once.
pub(super) struct Marker {
    needed: Needed,
    marked: HashSet<SnapshotId>,
    /// Chunks that are recorded as lost.
    absent: HashSet<ChunkId>,
    /// Pages among them that could not be read: nothing below them is marked.
    skipped: Mutex<Unvisited>,
}

impl Marker {
    /// Nothing yet, of the chunks of `index`.
    pub(super) fn new(index: Arc<Index>) -> Self {
        Self { needed: Needed::new(index), marked: HashSet::new(), absent: HashSet::new(), skipped: Mutex::default() }
    }

    /// How many pages were skipped by the last marking. What lies below them is unknown.
    pub(super) fn skipped_count(&self) -> u64 {
        let skipped = lock(&self.skipped);
        (skipped.pages.len() + skipped.lists.len()) as u64
    }

    /// What was marked.
    pub(super) fn into_needed(mut self) -> Needed {
        self.needed.begin_search();
        self.needed
    }

    /// Marks everything below `snapshots` that is not marked yet; the first of them that was ever marked
    /// is the newest. Pages in `absent` are known to be lost, and are skipped where they cannot be read.
    ///
    /// # Errors
    /// `Damaged` when a manifest or a tree cannot be read: what is needed is then not known, and
    /// nothing may be removed. `Interrupted`.
    pub(super) fn mark(
        &mut self,
        reader: &ChunkReader,
        snapshots: &[SnapshotId],
        absent: &HashSet<ChunkId>,
        progress: &dyn Progress,
    ) -> Result<()> {
        self.absent.clone_from(absent);
        self.look_again(reader, progress)?;
        let unmarked: Vec<SnapshotId> = snapshots.iter().filter(|id| !self.marked.contains(id)).copied().collect();
        progress.add_total(unmarked.len() as u64, 0);
        progress.end_total();
        let (first, others) = unmarked.split_at(usize::from(self.marked.is_empty()).min(unmarked.len()));
        let storage = &**reader.objects().storage();
        // Where an answer takes long, many are marked at once: each of them alone reads few new pages.
        let at_once = if waits_for_answers(storage) { MANIFESTS_AT_ONCE } else { 1 };
        for (ids, is_first) in first.chunks(1).map(|ids| (ids, true)).chain(others.chunks(at_once).map(|ids| (ids, false))) {
            let read = |id: &SnapshotId| reader.objects().read_manifest(id).map_err(|error| refuse_unknown(id, error));
            let manifests = ask_each(storage, ids, read)?;
            let contents = manifests.iter().flat_map(|manifest| &manifest.entries).map(|entry| &entry.node.content);
            let unvisited = Unvisited::below(contents);
            let marked =
                if is_first { self.mark_in_order(reader, unvisited, progress) } else { self.mark_by_all(reader, unvisited, progress) };
            marked.map_err(|error| if let [id] = ids { refuse_unknown(id, error) } else { refuse_some(error) })?;
            self.marked.extend(ids);
            progress.add_done(ids.len() as u64, 0);
        }
        Ok(())
    }

    /// Looks again into the pages that were skipped: a snapshot may have stored them again since. The
    /// pages above them are marked, so no other way leads there.
    fn look_again(&mut self, reader: &ChunkReader, progress: &dyn Progress) -> Result<()> {
        let skipped = std::mem::take(self.skipped.get_mut().unwrap_or_else(PoisonError::into_inner));
        let listed = skipped.lists.iter().flat_map(|list| &list.items).filter_map(Item::chunk);
        for id in skipped.pages.iter().map(PagePlace::id).chain(listed) {
            self.needed.skip_page(id)?;
        }
        self.mark_by_all(reader, skipped, progress).map_err(refuse_some)
    }

    /// Marks in the order of a restore.
    fn mark_in_order(&mut self, reader: &ChunkReader, unvisited: Unvisited, progress: &dyn Progress) -> Result<()> {
        let needed = RefCell::new(&mut self.needed);
        let add = |id: &ChunkId, is_page: bool| {
            let mut needed = needed.borrow_mut();
            if is_page { needed.add_page_ranked(id) } else { needed.add_ranked(id) }
        };
        let marking = Marking { add, absent: &self.absent, skipped: &self.skipped, reader, progress };
        read_ahead(reader, |ahead| visit_in_order(&marking, ahead, unvisited, &marking))
    }

    /// Marks by all threads, in no order.
    fn mark_by_all(&self, reader: &ChunkReader, unvisited: Unvisited, progress: &dyn Progress) -> Result<()> {
        let add = |id: &ChunkId, is_page: bool| if is_page { self.needed.add_page(id) } else { self.needed.add(id) };
        let marking = Marking { add, absent: &self.absent, skipped: &self.skipped, reader, progress };
        visit_by_all(&**reader.objects().storage(), &marking, unvisited, &marking)
    }
}

/// A visitor that marks what it comes to.
struct Marking<'a, A> {
    /// Marks a chunk; told whether it is a page, and true the first time.
    add: A,
    absent: &'a HashSet<ChunkId>,
    skipped: &'a Mutex<Unvisited>,
    reader: &'a ChunkReader,
    progress: &'a dyn Progress,
}

impl<A> PageReader for Marking<'_, A> {
    fn read_page(&self, id: &ChunkId) -> Result<FrameBytes> {
        check_cancelled(self.progress)?;
        self.reader.read_page(id)
    }
}

impl<A: Fn(&ChunkId, bool) -> Result<bool>> TreeVisitor for Marking<'_, A> {
    fn enter(&self, page: &PagePlace) -> Result<Look> {
        // A page that was looked into has everything below it marked, or is among those that were skipped: an
        // error on the way ends the prune.
        Ok(if (self.add)(page.id(), true)? { Look::Below } else { Look::Past })
    }

    fn take_file(&self, list: &ContentList) -> Result<()> {
        visit_content(self, list, &mut MarkingContent(self))
    }

    fn lose(&self, page: PagePlace, error: Error) -> Result<()> {
        self.check_known_lost(page.id(), error)?;
        lock(self.skipped).pages.push(page);
        Ok(())
    }
}

/// The content of a file, as [`Marking`] sees it.
struct MarkingContent<'m, 'a, A>(&'m Marking<'a, A>);

impl<A: Fn(&ChunkId, bool) -> Result<bool>> ContentVisitor for MarkingContent<'_, '_, A> {
    fn take(&mut self, piece: Piece) -> Result<()> {
        match piece {
            Piece::Chunk { id, .. } => (self.0.add)(&id, false).map(drop),
            Piece::Hole(_) => Ok(()),
        }
    }

    fn enter(&mut self, page: &ListPlace) -> Result<bool> {
        (self.0.add)(page.id(), true)
    }

    fn lose(&mut self, page: &ListPlace, error: Error) -> Result<()> {
        self.0.check_known_lost(page.id(), error)?;
        lock(self.0.skipped).lists.push(page.to_list());
        Ok(())
    }
}

impl<A> Marking<'_, A> {
    /// A page that is recorded as lost, and indeed cannot be read, is skipped.
    fn check_known_lost(&self, id: &ChunkId, error: Error) -> Result<()> {
        if error.is_damage() && self.absent.contains(id) { Ok(()) } else { Err(error) }
    }
}

fn lock(skipped: &Mutex<Unvisited>) -> MutexGuard<'_, Unvisited> {
    // A list of finished answers, whole at any time.
    skipped.lock().unwrap_or_else(PoisonError::into_inner)
}
