//! What this machine knows of snapshots that are whole: which index segments name all they need.
//!
//! A run takes unchanged files from its base without reading them, so their chunks must still be there.
//! Looking each of them up costs an eighth of a run that finds nothing changed. That is not needed when
//! the run that made the base noted the segments that name its packs: while all of these are listed, and
//! every pack that they name is there, nothing of the base is missing. Where there is no note, or a
//! segment of it is gone, everything is looked up, and a new note is made.
//!
//! A note is about objects that never change, so it does not become wrong, only useless. A hash keeps
//! a failing disk from making up another one.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::Chunks;
use crate::id::{SegmentId, SnapshotId};
use crate::index::Index;
use crate::repository::cache::write_file;

/// So many notes are kept: one or two for each series.
const NOTES_MAX: usize = 64;

impl Chunks {
    /// Whether this machine has noted that `snapshot` needs nothing but packs that segments of `index` name.
    pub fn is_noted_whole(&self, snapshot: &SnapshotId, index: &Index) -> bool {
        let note = self.objects.cache().and_then(|cache| fs::read(cache.whole().join(snapshot.to_string())).ok());
        let listed: BTreeSet<SegmentId> = index.segments().collect();
        note.and_then(|note| decode(snapshot, &note)).is_some_and(|segments| segments.iter().all(|segment| listed.contains(segment)))
    }

    /// Notes that `snapshot`, which was just committed, needs nothing but packs that `segments` name. The
    /// note of `before`, on which no later run will build, goes.
    pub fn note_whole(&self, snapshot: &SnapshotId, segments: &BTreeSet<SegmentId>, before: Option<&SnapshotId>) {
        let Some(folder) = self.objects.cache().map(|cache| cache.whole()) else { return };
        // Without a note the next run looks everything up.
        let _ = fs::create_dir_all(&folder);
        let _ = write_file(&folder, &snapshot.to_string(), &encode(snapshot, segments));
        if let Some(before) = before {
            let _ = fs::remove_file(folder.join(before.to_string()));
        }
        remove_oldest(&folder);
    }
}

fn encode(snapshot: &SnapshotId, segments: &BTreeSet<SegmentId>) -> Vec<u8> {
    let mut note: Vec<u8> = segments.iter().flat_map(|segment| segment.0).collect();
    note.extend(hash(snapshot, &note).as_bytes());
    note
}

/// The segments of a note; `None` when it is not what was written about this snapshot.
fn decode(snapshot: &SnapshotId, note: &[u8]) -> Option<Vec<SegmentId>> {
    let (segments, rest) = note.split_at_checked(note.len().checked_sub(blake3::OUT_LEN)?)?;
    let ids = segments.chunks_exact(SegmentId::BYTES);
    if *hash(snapshot, segments).as_bytes() != *rest || !ids.remainder().is_empty() {
        return None;
    }
    ids.map(|id| id.try_into().ok().map(SegmentId)).collect()
}

fn hash(snapshot: &SnapshotId, segments: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_derive_key("strongroom note of a whole snapshot, version 1");
    hasher.update(&snapshot.0).update(segments);
    hasher.finalize()
}

/// Removes the notes that were made longest ago, as far as there are too many.
fn remove_oldest(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut notes: Vec<_> = entries.flatten().filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path()))).collect();
    let Some(needless) = notes.len().checked_sub(NOTES_MAX) else { return };
    notes.sort();
    for (_, path) in notes.into_iter().take(needless) {
        let _ = fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_says_what_was_written_about_this_snapshot_or_nothing() {
        let (snapshot, segments) = (SnapshotId([1; 32]), BTreeSet::from([SegmentId([2; 32]), SegmentId([3; 32])]));
        let note = encode(&snapshot, &segments);
        assert_eq!(decode(&snapshot, &note).unwrap(), [SegmentId([2; 32]), SegmentId([3; 32])]);
        assert_eq!(decode(&SnapshotId([9; 32]), &note), None);
        for at in 0..note.len() {
            let mut flipped = note.clone();
            flipped[at] ^= 1;
            assert_eq!((decode(&snapshot, &flipped), decode(&snapshot, &note[..at])), (None, None));
        }
    }

    #[test]
    fn of_very_many_notes_the_oldest_go() {
        let folder = tempfile::tempdir().unwrap();
        for n in 0..NOTES_MAX + 3 {
            fs::write(folder.path().join(n.to_string()), b"note").unwrap();
        }
        remove_oldest(folder.path());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), NOTES_MAX);
    }
}
