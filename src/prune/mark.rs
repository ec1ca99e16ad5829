//! Finds which chunks are needed: every tree page, list page and chunk below the snapshots that stay.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::Scope;

use super::guard::refuse;
use super::needed::Needed;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ChunkId, SnapshotId};
use crate::index::Index;
use crate::manifest::{Content, ContentList, Item, Node, Page};
use crate::progress::Progress;
use crate::repository::ChunkReader;
use crate::trees::{PagePlace, read_list_page};

/// Marks what snapshots need, the newest in the order of a restore and the others by all threads at once.
pub(super) struct Marker {
    needed: Needed,
    marked: HashSet<SnapshotId>,
    /// Chunks that are recorded as lost.
    absent: HashSet<ChunkId>,
    /// Pages among them that could not be read: nothing below them is marked.
    skipped: Mutex<Below>,
}

/// Pages that are yet to be looked into.
#[derive(Default)]
struct Below {
    pages: Vec<PagePlace>,
    lists: Vec<ContentList>,
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
        reader: &ChunkReader<'_>,
        snapshots: &[SnapshotId],
        absent: &HashSet<ChunkId>,
        progress: &dyn Progress,
    ) -> Result<()> {
        self.absent.clone_from(absent);
        self.look_again(reader, progress)?;
        for id in snapshots.iter().filter(|id| !self.marked.contains(id)).copied().collect::<Vec<_>>() {
            let refuse = |error: Error| refuse(&id, error);
            let manifest = reader.repository().read_manifest(&id).map_err(refuse)?;
            let nodes: Vec<&Node> = manifest.entries.iter().map(|entry| &entry.node).collect();
            if self.marked.is_empty() {
                self.rank_nodes(reader, &nodes, progress).map_err(refuse)?;
            } else {
                Marking { marker: self, reader, progress, failure: Mutex::default(), is_over: AtomicBool::new(false) }
                    .run(&nodes)
                    .map_err(refuse)?;
            }
            self.marked.insert(id);
            progress.add_done(1, 0);
        }
        Ok(())
    }

    /// Looks again into the pages that were skipped: a snapshot may have stored them again since. The
    /// pages above them are marked, so no other way leads there.
    fn look_again(&mut self, reader: &ChunkReader<'_>, progress: &dyn Progress) -> Result<()> {
        let skipped = std::mem::take(self.skipped.get_mut().unwrap_or_else(PoisonError::into_inner));
        let listed = skipped.lists.iter().flat_map(|list| &list.items).filter_map(Item::chunk);
        for id in skipped.pages.iter().map(PagePlace::id).chain(listed) {
            self.needed.skip_page(id)?;
        }
        let context = |error: Error| error.context("what the snapshots that stay need cannot be read, so nothing is removed");
        Marking { marker: self, reader, progress, failure: Mutex::default(), is_over: AtomicBool::new(false) }
            .go_below(skipped)
            .map_err(context)
    }

    /// Marks in the order of a restore.
    fn rank_nodes(&mut self, reader: &ChunkReader<'_>, nodes: &[&Node], progress: &dyn Progress) -> Result<()> {
        let mut below = Below::default();
        nodes.iter().for_each(|node| below.take(node));
        let mut pages: Vec<PagePlace> = below.pages.drain(..).rev().collect();
        let Self { needed, absent, skipped, .. } = self;
        loop {
            for list in below.lists.drain(..) {
                mark_list(reader, &list, absent, skipped, &mut |id, is_page| {
                    if is_page { needed.add_page_ranked(id) } else { needed.add_ranked(id) }
                })?;
            }
            let Some(page) = pages.pop() else { return Ok(()) };
            check_interrupted(progress)?;
            if needed.add_page_ranked(page.id())? {
                match unless_lost(absent, page.id(), page.read(reader))? {
                    Some(decoded) => below.take_page(&page, decoded),
                    None => lock(skipped).pages.push(page),
                }
                pages.extend(below.pages.drain(..).rev());
            }
        }
    }
}

impl Below {
    fn take(&mut self, node: &Node) {
        match &node.content {
            Content::Directory(tree) => self.pages.push(PagePlace::root(tree)),
            Content::File(_, list) => self.lists.push(list.clone()),
            _ => {}
        }
    }

    fn take_page(&mut self, place: &PagePlace, page: Page) {
        match page {
            Page::Inner(refs) => self.pages.extend(place.below(refs)),
            Page::Leaf(nodes) => nodes.iter().for_each(|node| self.take(node)),
        }
    }
}

/// A walk by all threads, in no order.
struct Marking<'a, 'r> {
    marker: &'a Marker,
    reader: &'a ChunkReader<'r>,
    progress: &'a dyn Progress,
    failure: Mutex<Option<Error>>,
    is_over: AtomicBool,
}

impl Marking<'_, '_> {
    fn run(self, nodes: &[&Node]) -> Result<()> {
        let mut below = Below::default();
        nodes.iter().for_each(|node| below.take(node));
        self.go_below(below)
    }

    fn go_below(self, below: Below) -> Result<()> {
        rayon::scope(|scope| self.go_on(scope, below));
        self.failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    }

    fn go_on<'s>(&'s self, scope: &Scope<'s>, below: Below) {
        let Marker { needed, absent, skipped, .. } = self.marker;
        for list in below.lists {
            self.settle(mark_list(self.reader, &list, absent, skipped, &mut |id, is_page| {
                if is_page { needed.add_page(id) } else { needed.add(id) }
            }));
        }
        for page in below.pages {
            // A page that was looked into has everything below it marked, or is among those that were skipped: an
            // error on the way ends the prune.
            match needed.add_page(page.id()) {
                Ok(false) => {}
                Ok(true) => scope.spawn(move |scope| {
                    if !self.is_over.load(Ordering::Relaxed) {
                        let outcome = self.visit(scope, &page);
                        self.settle(outcome);
                    }
                }),
                Err(error) => self.settle(Err(error)),
            }
        }
    }

    fn visit<'s>(&'s self, scope: &Scope<'s>, page: &PagePlace) -> Result<()> {
        check_interrupted(self.progress)?;
        match unless_lost(&self.marker.absent, page.id(), page.read(self.reader))? {
            Some(decoded) => {
                let mut below = Below::default();
                below.take_page(page, decoded);
                self.go_on(scope, below);
            }
            None => lock(&self.marker.skipped).pages.push(page.clone()),
        }
        Ok(())
    }

    fn settle(&self, outcome: Result<()>) {
        if let Err(error) = outcome {
            self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            self.is_over.store(true, Ordering::Relaxed);
        }
    }
}

/// Marks what a content list names; `add` is told whether it is a page, and is true the first time.
fn mark_list(
    reader: &ChunkReader<'_>,
    list: &ContentList,
    absent: &HashSet<ChunkId>,
    skipped: &Mutex<Below>,
    add: &mut dyn FnMut(&ChunkId, bool) -> Result<bool>,
) -> Result<()> {
    let mut levels = vec![(list.depth, list.items.clone().into_iter())];
    while let Some((depth, items)) = levels.last_mut() {
        let depth = *depth;
        match items.next() {
            None => {
                levels.pop();
            }
            Some(Item::Hole(_)) => {}
            Some(Item::Chunk(id, bytes)) => {
                if !add(&id, depth > 0)? || depth == 0 {
                    continue;
                }
                let Some(page) = unless_lost(absent, &id, read_list_page(reader, &id, depth - 1, bytes))? else {
                    lock(skipped).lists.push(ContentList { depth, items: vec![Item::Chunk(id, bytes)] });
                    continue;
                };
                levels.push((depth - 1, page.items.into_iter()));
            }
        }
    }
    Ok(())
}

/// A page as it is read, or none where it is recorded as lost and indeed cannot be read.
fn unless_lost<T>(absent: &HashSet<ChunkId>, id: &ChunkId, read: Result<T>) -> Result<Option<T>> {
    match read {
        Err(error) if error.is_damage() && absent.contains(id) => Ok(None),
        other => other.map(Some),
    }
}

fn lock(skipped: &Mutex<Below>) -> MutexGuard<'_, Below> {
    // A list of finished answers, whole at any time.
    skipped.lock().unwrap_or_else(PoisonError::into_inner)
}

fn check_interrupted(progress: &dyn Progress) -> Result<()> {
    if progress.is_interrupted() { Err(Error::new(ErrorKind::Interrupted, "interrupted")) } else { Ok(()) }
}
