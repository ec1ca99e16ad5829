//! Walks the trees of all snapshots, each page once however many snapshots share it, and looks up
//! every chunk that they name.

use crate::cancel::check_cancelled;
use std::collections::HashSet;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::damage::Damage;
use super::outcome::Outcome;
use crate::error::{Error, Result};
use crate::id::ChunkId;
use crate::index::{Index, Location};
use crate::manifest::{Content, ContentList};
use crate::pack::PackKind;
use crate::progress::Progress;
use crate::repository::{ChunkReader, FrameBytes};
use crate::trees::{ContentVisitor, ListPlace, Look, PagePlace, PageReader, Piece, TreeVisitor, Unvisited, visit_by_all, visit_content};

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
    reader: &'a ChunkReader,
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
    pub fn new(reader: &'a ChunkReader, index: &'a Index, damage: &'a Damage, progress: &'a dyn Progress) -> Self {
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
        }
    }

    /// Walks everything below these top-level entries.
    ///
    /// # Errors
    /// Those of the storage that are no damage; `Interrupted`, `Unsupported`.
    pub fn walk(self, roots: &[Content], outcome: &mut Outcome) -> Result<Walked> {
        let storage = self.reader.objects().storage();
        visit_by_all(&**storage, &self, Unvisited::below(roots), &self)?;
        let count = |pages: Mutex<HashSet<_>>| pages.into_inner().unwrap_or_else(PoisonError::into_inner).len() as u64;
        outcome.tree_pages = count(self.tree_pages);
        outcome.list_pages = count(self.list_pages);
        outcome.references = self.references.into_inner();
        let lost = self.lost.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Walked { is_suspicious: self.is_suspicious.into_inner(), lost })
    }

    /// True when the page was not met between these names before. Those of a root page may be any.
    fn has_new_bounds(&self, place: &PagePlace) -> bool {
        let Some((after, last_name)) = place.bounds() else { return false };
        let mut hasher = blake3::Hasher::new();
        hasher.update(&place.id().0).update(&(after.len() as u64).to_le_bytes()).update(after).update(last_name);
        is_new(&self.bounds, *hasher.finalize().as_bytes())
    }

    fn add_lost(&self, id: &ChunkId) {
        self.is_suspicious.store(true, Ordering::Relaxed);
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).insert(*id);
    }

    /// Damage is looked into later; any other error ends the walk.
    fn note(&self, outcome: Result<()>) -> Result<()> {
        match outcome {
            Err(error) if error.is_damage() => {
                self.is_suspicious.store(true, Ordering::Relaxed);
                Ok(())
            }
            other => other,
        }
    }
}

impl PageReader for Trees<'_> {
    /// A page that is in no place whole is noted.
    fn read_page(&self, id: &ChunkId) -> Result<FrameBytes> {
        check_cancelled(self.progress)?;
        self.reader.read_page(id).inspect_err(|error| {
            if error.is_damage() {
                self.add_lost(id);
            }
        })
    }
}

impl TreeVisitor for Trees<'_> {
    fn enter(&self, page: &PagePlace) -> Result<Look> {
        let (is_first, has_new_bounds) = (is_new(&self.tree_pages, page.key()), self.has_new_bounds(page));
        if is_first {
            self.progress.add_done(1, 0);
        }
        Ok(match (is_first, has_new_bounds) {
            (true, _) => Look::Below,
            // Only its names have to be looked at.
            (false, true) => Look::Names,
            (false, false) => Look::Past,
        })
    }

    fn take_file(&self, list: &ContentList) -> Result<()> {
        let mut content = Pieces { trees: self, references: 0, places: Vec::new() };
        let outcome = visit_content(self, list, &mut content);
        self.references.fetch_add(content.references, Ordering::Relaxed);
        self.note(outcome)
    }

    fn lose(&self, _: PagePlace, error: Error) -> Result<()> {
        self.note(Err(error))
    }
}

/// The pieces of one file, looked up.
struct Pieces<'t, 'a> {
    trees: &'t Trees<'a>,
    references: u64,
    places: Vec<Location>,
}

impl ContentVisitor for Pieces<'_, '_> {
    fn take(&mut self, piece: Piece) -> Result<()> {
        self.references += 1;
        let Piece::Chunk { id, bytes, .. } = piece else { return Ok(()) };
        match is_lost(self.trees.index, self.trees.damage, &id, bytes, &mut self.places) {
            Ok(false) => Ok(()),
            Ok(true) => {
                self.trees.add_lost(&id);
                Ok(())
            }
            Err(error) => self.trees.note(Err(error)),
        }
    }

    fn enter(&mut self, page: &ListPlace) -> Result<bool> {
        Ok(is_new(&self.trees.list_pages, page.key()))
    }

    fn lose(&mut self, _: &ListPlace, error: Error) -> Result<()> {
        self.trees.note(Err(error))
    }
}
