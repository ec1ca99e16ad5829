//! The sealed objects of a repository: where they lie, what opens them, and what this machine keeps about them.
//!
//! Manifests and index segments are listed, read and published here, each under the hash of its bytes. The handle is
//! cheap to clone, so that a reader of chunks or a sink lives on without the repository that it came from.

use std::collections::HashSet;
use std::sync::Arc;

use super::cache::CacheFolder;
use super::layout;
use crate::error::{ErrorKind, Result};
use crate::id::{RunId, SegmentId, SnapshotId};
use crate::index::{IndexSegment, SEGMENT_PLAIN_BYTES_MAX, SEGMENTS_AT_ONCE};
use crate::manifest::Manifest;
use crate::pack::{KeyRing, ObjectKind, open_object, seal_object};
use crate::storage::{ANSWERS_BYTES_MAX, Budget, Listed, Share, Storage, ask_each, waits_for_answers};

/// Segments that are loaded at once take at most so much, sealed, plain and decoded, unless even a few are longer.
const SEGMENTS_MEMORY_BYTES: u64 = 64 << 20;
const SEGMENT_COPIES: u64 = 3;

/// A manifest with its sources is never longer.
pub(super) const MANIFEST_BYTES_MAX: u64 = 64 << 20;

/// A handle on the objects of one repository. Clones share what they hold.
#[derive(Clone)]
pub struct Objects {
    storage: Arc<dyn Storage>,
    keys: Arc<KeyRing>,
    cache: Option<Arc<CacheFolder>>,
    /// Names of objects that are of another repository (see `foreign`), once somebody has looked.
    passed_over: Arc<HashSet<String>>,
    answers: Arc<Budget>,
}

impl Objects {
    pub(super) fn new(storage: Arc<dyn Storage>, keys: KeyRing, cache: Option<CacheFolder>) -> Self {
        let answers = Arc::new(Budget::new(ANSWERS_BYTES_MAX));
        Self { storage, keys: Arc::new(keys), cache: cache.map(Arc::new), passed_over: Arc::default(), answers }
    }

    /// The same objects without these, wherever they are listed.
    pub(super) fn without(&self, passed_over: HashSet<String>) -> Self {
        Self { passed_over: Arc::new(passed_over), ..self.clone() }
    }

    /// Where the objects lie.
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    /// The right to have so many bytes of answers in memory, where many requests are under way at once; waits for it.
    /// A folder of this machine is read by no more threads than there are cores.
    pub fn share_memory(&self, bytes: u64) -> Option<Share<'_>> {
        waits_for_answers(&*self.storage).then(|| self.answers.take(bytes))
    }

    /// What seals and opens them.
    pub fn keys(&self) -> &KeyRing {
        &self.keys
    }

    /// This machine's folder for this copy of the repository.
    pub fn cache(&self) -> Option<&CacheFolder> {
        self.cache.as_deref()
    }

    /// Whether the object `name` is passed over, because it is of another repository.
    pub fn passes_over(&self, name: &str) -> bool {
        self.passed_over.contains(name)
    }

    /// Reads the manifest of a snapshot.
    ///
    /// # Errors
    /// `NotFound`, `Damaged`, `Unsupported`.
    pub fn read_manifest(&self, id: &SnapshotId) -> Result<Manifest> {
        let name = layout::snapshot_name(id);
        let bytes = self.storage.read(&name, MANIFEST_BYTES_MAX)?;
        Manifest::decode(&open_object(&self.keys, ObjectKind::Manifest, bytes, &id.0, MANIFEST_BYTES_MAX, &name)?)
    }

    /// Publishes a manifest and makes its name durable: from here on the snapshot exists. Everything
    /// that it names must be durable before.
    ///
    /// # Errors
    /// Those of the storage; `Invalid` when it could not be read back.
    pub fn publish_manifest(&self, manifest: &Manifest) -> Result<SnapshotId> {
        let plain = manifest.encode();
        // What nobody could read back must not be called a snapshot.
        Manifest::decode(&plain).map_err(|error| error.with_kind(ErrorKind::Invalid).context("the snapshot cannot be described"))?;
        let bytes = seal_object(&self.keys, ObjectKind::Manifest, manifest.run, &plain)?;
        layout::check_length("a manifest", plain.len().max(bytes.len()), MANIFEST_BYTES_MAX)?;
        let hash = layout::publish_hashed(&*self.storage, layout::SNAPSHOTS, &bytes, |hash| layout::snapshot_name(&SnapshotId(hash)))?;
        // With the top: an init that was killed may have published `repository.json` without its own sync.
        self.storage.sync(&[layout::SNAPSHOTS.to_owned(), String::new()])?;
        Ok(SnapshotId(hash))
    }

    /// The ids of all snapshots.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn list_snapshots(&self) -> Result<Vec<SnapshotId>> {
        self.list_own(layout::SNAPSHOTS, SnapshotId::parse)
    }

    /// The ids of all index segments.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn list_segments(&self) -> Result<Vec<SegmentId>> {
        self.list_own(layout::INDEX, SegmentId::parse)
    }

    /// Gives `each` what these segments hold, in their order: one at a time, or where an answer takes long `at_once`
    /// are read and held.
    ///
    /// # Errors
    /// As [`Objects::read_segment`]; those of `each`.
    pub fn each_segment(
        &self,
        ids: &[SegmentId],
        at_once: usize,
        each: &mut dyn FnMut(SegmentId, IndexSegment) -> Result<()>,
    ) -> Result<()> {
        for ids in ids.chunks(if waits_for_answers(&*self.storage) { at_once } else { 1 }) {
            let segments = ask_each(&*self.storage, ids, |id| self.read_segment(*id))?;
            ids.iter().zip(segments).try_for_each(|(id, segment)| each(*id, segment))?;
        }
        Ok(())
    }

    /// As [`Objects::list_segments`], and how many may be loaded at the same time: as many as the storage is asked
    /// for at once, where they are short, so that what is in memory does not grow with the storage.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn list_segments_to_load(&self) -> Result<(Vec<SegmentId>, usize)> {
        let listed = self.list_own_objects(layout::INDEX, SegmentId::parse)?;
        let longest = listed.iter().map(|(_, listed)| listed.bytes).max().unwrap_or_default();
        let fitting = SEGMENTS_MEMORY_BYTES / longest.saturating_mul(SEGMENT_COPIES).max(1);
        let wanted = self.storage.properties().requests_at_once.min(usize::try_from(fitting).unwrap_or(usize::MAX));
        Ok((listed.into_iter().map(|(id, _)| id).collect(), wanted.max(SEGMENTS_AT_ONCE)))
    }

    fn list_own<T>(&self, folder: &str, parse: impl Fn(&str) -> Result<T>) -> Result<Vec<T>> {
        Ok(self.list_own_objects(folder, parse)?.into_iter().map(|(id, _)| id).collect())
    }

    fn list_own_objects<T>(&self, folder: &str, parse: impl Fn(&str) -> Result<T>) -> Result<Vec<(T, Listed)>> {
        let listed = layout::list_ids(&*self.storage, folder, parse)?.into_iter();
        Ok(listed.filter(|(_, listed)| !self.passes_over(&listed.name)).collect())
    }

    /// Reads an index segment.
    ///
    /// # Errors
    /// `NotFound`, `Damaged`, `Unsupported`.
    pub fn read_segment(&self, id: SegmentId) -> Result<IndexSegment> {
        let name = layout::segment_name(&id);
        let bytes = self.storage.read(&name, SEGMENT_PLAIN_BYTES_MAX)?;
        IndexSegment::decode(&open_object(&self.keys, ObjectKind::Index, bytes, &id.0, SEGMENT_PLAIN_BYTES_MAX, &name)?)
    }

    /// Publishes an index segment; its name is durable after the next sync of `index`. Returns its id
    /// and its stored length.
    ///
    /// # Errors
    /// Those of the storage; `Invalid` when it is longer than readers accept.
    pub fn publish_segment(&self, run: RunId, segment: &IndexSegment) -> Result<(SegmentId, u64)> {
        let plain = segment.encode();
        let bytes = seal_object(&self.keys, ObjectKind::Index, run, &plain)?;
        layout::check_length("an index segment", plain.len().max(bytes.len()), SEGMENT_PLAIN_BYTES_MAX)?;
        let hash = layout::publish_hashed(&*self.storage, layout::INDEX, &bytes, |hash| layout::segment_name(&SegmentId(hash)))?;
        Ok((SegmentId(hash), bytes.len() as u64))
    }
}
