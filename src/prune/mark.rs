//! Which chunks are needed: every tree page, list page and chunk below the snapshots that stay.

use std::collections::{HashMap, HashSet};

use super::guard::refuse;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ChunkId, SnapshotId};
use crate::manifest::{Content, ContentList, Item, ListPage, Node, Page, TreeRef};
use crate::progress::Progress;
use crate::repository::{ChunkReader, read_page};
use crate::wire;

/// The chunks that are needed, each with its rank: when the walk first met it. The newest snapshot is
/// walked first, so the order of the ranks is the order in which a restore of it reads.
#[derive(Default)]
pub(super) struct Needed {
    ranks: HashMap<ChunkId, u64>,
    marked: HashSet<SnapshotId>,
    /// Chunks that are recorded as lost.
    absent: HashSet<ChunkId>,
}

impl Needed {
    /// Nothing yet. Pages in `absent` are known to be lost: what they named is not known, and comes back
    /// together with them if it ever does.
    pub(super) fn new(absent: HashSet<ChunkId>) -> Self {
        Self { absent, ..Self::default() }
    }

    /// A page as it is read, or none where it is recorded as lost and indeed cannot be read.
    fn unless_lost<T>(&self, id: &ChunkId, read: Result<T>) -> Result<Option<T>> {
        match read {
            Err(error) if error.is_damage() && self.absent.contains(id) => Ok(None),
            other => other.map(Some),
        }
    }

    /// The rank of a chunk that is needed.
    pub(super) fn rank(&self, id: &ChunkId) -> Option<u64> {
        self.ranks.get(id).copied()
    }

    /// Marks everything below `snapshots` that is not marked yet.
    ///
    /// # Errors
    /// `Damaged` when a manifest or a tree cannot be read: what is needed is then not known, and
    /// nothing may be removed. `Interrupted`.
    pub(super) fn mark(&mut self, reader: &ChunkReader<'_>, snapshots: &[SnapshotId], progress: &dyn Progress) -> Result<()> {
        for id in snapshots.iter().filter(|id| !self.marked.contains(id)).copied().collect::<Vec<_>>() {
            let refuse = |error: Error| refuse(&id, error);
            let manifest = reader.repository().read_manifest(&id).map_err(refuse)?;
            for entry in &manifest.entries {
                self.mark_node(reader, &entry.node, progress).map_err(refuse)?;
            }
            self.marked.insert(id);
            progress.add_done(1, 0);
        }
        Ok(())
    }

    /// True the first time.
    fn add(&mut self, id: ChunkId) -> bool {
        let rank = self.ranks.len() as u64;
        match self.ranks.entry(id) {
            std::collections::hash_map::Entry::Occupied(_) => false,
            std::collections::hash_map::Entry::Vacant(vacant) => {
                vacant.insert(rank);
                true
            }
        }
    }

    fn mark_node(&mut self, reader: &ChunkReader<'_>, node: &Node, progress: &dyn Progress) -> Result<()> {
        // A page that is marked has everything below it marked: an error on the way ends the prune.
        let mut pages: Vec<TreeRef> = Vec::new();
        self.take_content(reader, &node.content, &mut pages)?;
        while let Some(page) = pages.pop() {
            if progress.is_interrupted() {
                return Err(Error::new(ErrorKind::Interrupted, "interrupted"));
            }
            if !self.add(page.id) {
                continue;
            }
            match self.unless_lost(&page.id, read_page(reader, &page))? {
                None => {}
                Some(Page::Inner(refs)) => {
                    let below = |inner: &crate::manifest::PageRef| TreeRef { id: inner.id, depth: page.depth - 1, entries: inner.entries };
                    pages.extend(refs.iter().rev().map(below));
                }
                Some(Page::Leaf(nodes)) => {
                    let mut folders = Vec::new();
                    for node in &nodes {
                        self.take_content(reader, &node.content, &mut folders)?;
                    }
                    pages.extend(folders.into_iter().rev());
                }
            }
        }
        Ok(())
    }

    fn take_content(&mut self, reader: &ChunkReader<'_>, content: &Content, folders: &mut Vec<TreeRef>) -> Result<()> {
        match content {
            Content::Directory(tree) => folders.push(*tree),
            Content::File(_, list) => self.mark_list(reader, list)?,
            _ => {}
        }
        Ok(())
    }

    fn mark_list(&mut self, reader: &ChunkReader<'_>, list: &ContentList) -> Result<()> {
        let mut levels = vec![(list.depth, list.items.clone().into_iter())];
        while let Some((depth, items)) = levels.last_mut() {
            let depth = *depth;
            match items.next() {
                None => {
                    levels.pop();
                }
                Some(Item::Hole(_)) => {}
                Some(Item::Chunk(id, bytes)) => {
                    if self.add(id)
                        && depth > 0
                        && let Some(plain) = self.unless_lost(&id, reader.meta_chunk(&id))?
                    {
                        let page: ListPage = wire::decode(&plain, "a list page")?;
                        page.check(depth - 1, bytes)?;
                        levels.push((depth - 1, page.items.into_iter()));
                    }
                }
            }
        }
        Ok(())
    }
}
