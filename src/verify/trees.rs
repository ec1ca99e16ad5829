//! Walks the trees of all snapshots, each page once however many snapshots share it, and looks up
//! every chunk that they name.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::Scope;

use super::damage::Damage;
use super::objects::check_interrupted;
use super::outcome::Outcome;
use crate::error::{Error, Result};
use crate::id::ChunkId;
use crate::index::{Index, Location};
use crate::manifest::{Content, ContentList, Item, Page};
use crate::pack::PackKind;
use crate::progress::Progress;
use crate::repository::{ChunkReader, FrameBytes};
use crate::trees::{PagePlace, decode_list_page};

/// Whether a chunk of file content of this length is in no place whole.
///
/// # Errors
/// `Damaged` when this machine's cache is and holds no good place.
pub fn is_lost(index: &Index, damage: &Damage, id: &ChunkId, bytes: u64, places: &mut Vec<Location>) -> Result<bool> {
    let found = index.places(id, places);
    let is_good = |place: &Location| place.pack_kind == PackKind::Data && u64::from(place.chunk_bytes) == bytes && !damage.has(place);
    if places.iter().any(is_good) { Ok(false) } else { found.map(|()| true) }
}

/// A walk over the trees of many snapshots.
pub struct Trees<'a> {
    reader: &'a ChunkReader<'a>,
    index: &'a Index,
    damage: &'a Damage,
    progress: &'a dyn Progress,
    /// Pages that were seen: a page is checked against what its reference says, so that belongs to it.
    tree_pages: Mutex<HashSet<(ChunkId, u8, u64)>>,
    /// Pages with the names between which theirs must lie, which their neighbours say: these are not the same
    /// in every snapshot. Of both together only a hash.
    bounds: Mutex<HashSet<[u8; 32]>>,
    list_pages: Mutex<HashSet<(ChunkId, u8, u64)>>,
    references: AtomicU64,
    is_suspicious: AtomicBool,
    lost: Mutex<HashSet<ChunkId>>,
    is_over: AtomicBool,
    failure: Mutex<Option<Error>>,
}

/// What a walk found.
#[derive(Debug, Default)]
pub struct Walked {
    /// Something is missing or cannot be read; what that costs is found by looking at each snapshot.
    pub is_suspicious: bool,
    /// The chunks of content and the pages that are named and are in no place whole.
    pub lost: HashSet<ChunkId>,
}

/// True when `page` was not met before.
fn is_new<T: Eq + Hash>(pages: &Mutex<HashSet<T>>, page: T) -> bool {
    pages.lock().unwrap_or_else(PoisonError::into_inner).insert(page)
}

impl<'a> Trees<'a> {
    /// A walk that looks chunks up in `index`.
    pub fn new(reader: &'a ChunkReader<'a>, index: &'a Index, damage: &'a Damage, progress: &'a dyn Progress) -> Self {
        Self {
            reader,
            index,
            damage,
            progress,
            tree_pages: Mutex::default(),
            bounds: Mutex::default(),
            list_pages: Mutex::default(),
            references: AtomicU64::new(0),
            is_suspicious: AtomicBool::new(false),
            lost: Mutex::default(),
            is_over: AtomicBool::new(false),
            failure: Mutex::new(None),
        }
    }

    /// Walks everything below these top-level entries.
    ///
    /// # Errors
    /// Those of the storage that are no damage; `Interrupted`, `Unsupported`.
    pub fn walk(self, roots: &[Content], outcome: &mut Outcome) -> Result<Walked> {
        rayon::scope(|scope| roots.iter().for_each(|root| self.visit(scope, root)));
        if let Some(error) = self.failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        let count = |pages: Mutex<HashSet<_>>| pages.into_inner().unwrap_or_else(PoisonError::into_inner).len() as u64;
        outcome.tree_pages = count(self.tree_pages);
        outcome.list_pages = count(self.list_pages);
        outcome.references = self.references.into_inner();
        let lost = self.lost.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Walked { is_suspicious: self.is_suspicious.into_inner(), lost })
    }

    fn visit<'s>(&'s self, scope: &Scope<'s>, content: &Content) {
        match content {
            Content::Directory(tree) => self.visit_page(scope, PagePlace::root(tree)),
            Content::File(_, list) => {
                let outcome = self.check_list(list);
                self.settle(outcome);
            }
            _ => {}
        }
    }

    fn visit_page<'s>(&'s self, scope: &Scope<'s>, place: PagePlace) {
        let is_first = is_new(&self.tree_pages, place.key());
        if is_first | self.has_new_bounds(&place) {
            scope.spawn(move |scope| {
                if self.is_over.load(Ordering::Relaxed) {
                    return;
                }
                match self.read_page(&place) {
                    Ok(Page::Leaf(nodes)) if is_first => nodes.iter().for_each(|node| self.visit(scope, &node.content)),
                    // Only its names had to be looked at.
                    Ok(Page::Leaf(_)) => {}
                    Ok(Page::Inner(refs)) => place.below(refs).for_each(|below| self.visit_page(scope, below)),
                    Err(error) => self.settle(Err(error)),
                }
            });
        }
    }

    /// True when the page was not met between these names before. Those of a root page may be any.
    fn has_new_bounds(&self, place: &PagePlace) -> bool {
        let Some((after, last_name)) = place.bounds() else { return false };
        let mut hasher = blake3::Hasher::new();
        hasher.update(&place.id().0).update(&(after.len() as u64).to_le_bytes()).update(after).update(last_name);
        is_new(&self.bounds, *hasher.finalize().as_bytes())
    }

    fn read_page(&self, place: &PagePlace) -> Result<Page> {
        check_interrupted(self.progress)?;
        place.decode(&self.read_chunk(place.id())?)
    }

    fn check_list(&self, list: &ContentList) -> Result<()> {
        let mut places = Vec::new();
        let mut waiting: Vec<(u8, Vec<Item>)> = Vec::new();
        self.check_items(list.depth, &list.items, &mut waiting, &mut places)?;
        while let Some((depth, items)) = waiting.pop() {
            check_interrupted(self.progress)?;
            self.check_items(depth, &items, &mut waiting, &mut places)?;
        }
        Ok(())
    }

    /// Looks up chunks, or reads the pages that the items above the leaves are.
    fn check_items(&self, depth: u8, items: &[Item], waiting: &mut Vec<(u8, Vec<Item>)>, places: &mut Vec<Location>) -> Result<()> {
        self.references.fetch_add(if depth == 0 { items.len() as u64 } else { 0 }, Ordering::Relaxed);
        for item in items {
            match item {
                Item::Chunk(id, bytes) if depth == 0 => match is_lost(self.index, self.damage, id, *bytes, places) {
                    Ok(false) => {}
                    Ok(true) => self.add_lost(id),
                    Err(error) => self.settle(Err(error)),
                },
                Item::Chunk(id, bytes) => {
                    if is_new(&self.list_pages, (*id, depth, *bytes)) {
                        match self.read_chunk(id).and_then(|page| decode_list_page(&page, depth - 1, *bytes)) {
                            Ok(page) => waiting.push((depth - 1, page.items)),
                            Err(error) if error.is_damage() => self.settle(Err(error)),
                            Err(error) => return Err(error),
                        }
                    }
                }
                Item::Hole(_) if depth == 0 => {}
                Item::Hole(_) => return Err(Error::damaged("a content list", "it has a hole among its pages")),
            }
        }
        Ok(())
    }

    /// A page by its id; one that is in no place whole is noted.
    fn read_chunk(&self, id: &ChunkId) -> Result<FrameBytes> {
        self.reader.meta_chunk(id).inspect_err(|error| {
            if error.is_damage() {
                self.add_lost(id);
            }
        })
    }

    fn add_lost(&self, id: &ChunkId) {
        self.is_suspicious.store(true, Ordering::Relaxed);
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).insert(*id);
    }

    /// Damage is looked into later; any other error ends the walk.
    fn settle(&self, outcome: Result<()>) {
        match outcome {
            Ok(()) => {}
            Err(error) if error.is_damage() => self.is_suspicious.store(true, Ordering::Relaxed),
            Err(error) => {
                self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                self.is_over.store(true, Ordering::Relaxed);
            }
        }
    }
}
