//! All that restores from a repository: for each snapshot and path which bytes. It is read as a reader
//! reads who gets what can be had: what is damaged is passed over, the rest goes on.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use strongroom::error::{Error, ErrorKind, Result};
use strongroom::id::SnapshotId;
use strongroom::manifest::{Content, Node};
use strongroom::repository::{ChunkReader, OpenOptions, Repository};
use strongroom::storage::Storage;
use strongroom::trees::{Piece, SnapshotView, Step, visit_content};
use strongroom::wire;

use crate::crash::source::Files;
use crate::crash::world::credential;

/// What begins at an offset of a file, or at none for the entry itself, by the hash of it.
type Pieces = BTreeMap<Option<u64>, [u8; 16]>;

/// What restores of one snapshot, by path.
type Paths = BTreeMap<Vec<u8>, Pieces>;

/// All that restores.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restorable(BTreeMap<SnapshotId, Paths>);

fn hash(bytes: &[u8]) -> [u8; 16] {
    std::array::from_fn(|at| blake3::hash(bytes).as_bytes()[at])
}

thread_local! {
    /// Where commands of this thread have their caches.
    static CACHE: RefCell<Option<PathBuf>> = const { RefCell::new(None) };
}

/// Does something on a machine that has its caches in `cache`: index tables, and no catalog.
pub fn with_cache<T>(cache: Option<&Path>, work: impl FnOnce() -> T) -> T {
    let before = CACHE.replace(cache.map(Path::to_owned));
    let done = work();
    CACHE.set(before);
    done
}

/// Opens with any of the keys that tests give to repositories.
pub fn open_any(storage: Arc<dyn Storage>) -> Result<Repository> {
    let open = |key| {
        let cache_root = CACHE.with_borrow(Clone::clone);
        let options = OpenOptions { credential: Some(credential(key)), cache_root, no_catalog: true, ..OpenOptions::default() };
        Repository::open(Arc::clone(&storage), options)
    };
    match open(0) {
        Err(error) if error.kind() == ErrorKind::WrongKey => open(1),
        opened => opened,
    }
}

impl Restorable {
    /// All that restores from `storage` now; nothing where it does not open.
    pub fn of(storage: Arc<dyn Storage>) -> Self {
        open_any(storage).map_or_else(|_| Self::default(), |repository| Self::of_repository(&repository))
    }

    pub fn of_repository(repository: &Repository) -> Self {
        let (Ok(reader), Ok(listed)) = (repository.reader(), repository.objects().list_snapshots()) else { return Self::default() };
        let readable = listed.into_iter().filter_map(|id| Some((id, repository.objects().read_manifest(&id).ok()?)));
        Self(readable.map(|(id, manifest)| (id, paths(&reader, &SnapshotView::new(&reader, &manifest)))).collect())
    }

    /// How many snapshots something restores of.
    pub fn snapshots(&self) -> usize {
        self.0.len()
    }

    /// How many pieces there are in all.
    pub fn pieces(&self) -> usize {
        self.0.values().flat_map(Paths::values).map(Pieces::len).sum()
    }

    /// The first that restores here and not there, in words; what is of the snapshots `removed` may go.
    pub fn lost_in(&self, after: &Self, removed: &[SnapshotId]) -> Option<String> {
        let mut lost = String::new();
        let mut count = 0;
        for (id, paths) in self.0.iter().filter(|(id, _)| !removed.contains(id)) {
            let there = after.0.get(id);
            for (path, pieces) in paths {
                let there = there.and_then(|paths| paths.get(path));
                for (offset, hash) in pieces.iter().filter(|(offset, hash)| there.and_then(|pieces| pieces.get(offset)) != Some(hash)) {
                    if count == 0 {
                        let path = String::from_utf8_lossy(path);
                        let _ = write!(lost, "snapshot {}, {path} at {offset:?} ({:02x})", id.short(), hash[0]);
                    }
                    count += 1;
                }
            }
        }
        (count > 0).then(|| format!("{count} pieces restore no more, first {lost}"))
    }

    /// Whether exactly these files restore of a snapshot, below `root`.
    pub fn check_files(repository: &Repository, id: SnapshotId, root: &Path, files: &Files) -> std::result::Result<(), String> {
        let found =
            crate::crash::world::contents(repository, id, root).map_err(|error| format!("reported snapshot {}: {error}", id.short()))?;
        if found == *files { Ok(()) } else { Err(format!("reported snapshot {} holds other files than were saved", id.short())) }
    }
}

fn paths(reader: &ChunkReader, view: &SnapshotView<'_>) -> Paths {
    let (mut walk, mut found, mut failures) = (view.walk(), Paths::new(), 0);
    loop {
        match walk.next_step() {
            Ok(None) => return found,
            Ok(Some(Step::Leave)) => {}
            Ok(Some(Step::Entry(node))) => {
                found.insert(walk.path().to_vec(), pieces(reader, &node));
            }
            // Asked again, it goes on behind what cannot be read.
            Err(error) if is_passed_over(&error) && failures < 1000 => failures += 1,
            Err(_) => return found,
        }
    }
}

fn is_passed_over(error: &Error) -> bool {
    error.is_damage() || error.is_not_found()
}

fn pieces(reader: &ChunkReader, node: &Node) -> Pieces {
    let mut pieces = Pieces::from([(None, hash(&wire::encode(node)))]);
    if let Content::File(_, list) = &node.content {
        // What comes behind a page of a list that is lost has no place any more.
        let _ = visit_content(reader, list, &mut |piece: Piece| {
            if let Piece::Chunk { id, offset, .. } = piece
                && let Ok(plain) = reader.data_chunk(&id)
            {
                pieces.insert(Some(offset), hash(&plain));
            }
            Ok(())
        });
    }
    pieces
}
