//! Which chunks are needed, and in which order: a bit for each entry of the index and four bytes for each
//! frame, so that a hundred million chunks are marked in a few dozen MiB.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::Result;
use crate::id::ChunkId;
use crate::index::{EntryNumbers, Index};

/// Marks of chunks. Those that come in order give their frames a rank: when a walk in order comes to
/// them first, which is the order in which a restore reads.
pub(super) struct Needed {
    index: Arc<Index>,
    /// By the number of the entry, one bit each.
    marks: Vec<AtomicU64>,
    /// By the number of the frame: 0, or its rank.
    ranks: Vec<AtomicU32>,
    next_rank: u32,
    /// What is needed and stands not in the index: it came later, or is lost.
    others: Mutex<HashSet<ChunkId>>,
}

impl Needed {
    /// Nothing yet, of the chunks of `index`.
    pub(super) fn new(index: Arc<Index>) -> Self {
        let marks = (0..index.chunk_count().div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        let ranks = (0..index.frame_count()).map(|_| AtomicU32::new(0)).collect();
        Self { index, marks, ranks, next_rank: 1, others: Mutex::default() }
    }

    /// The word and the bit of an entry.
    fn mark_of(&self, entry: EntryNumbers) -> (&AtomicU64, u64) {
        // The number is below the count that the array was made for.
        (&self.marks[(entry.chunk / 64) as usize], 1 << (entry.chunk % 64))
    }

    /// Whether a chunk is needed.
    ///
    /// # Errors
    /// `Damaged` when this machine's index tables are.
    pub(super) fn has(&self, id: &ChunkId) -> Result<bool> {
        Ok(match self.index.entry(id)? {
            Some(entry) => {
                let (word, bit) = self.mark_of(entry);
                word.load(Ordering::Relaxed) & bit != 0
            }
            None => self.others().contains(id),
        })
    }

    /// When a restore of the newest snapshot comes to the frame of a chunk; after all others when it does
    /// not need it.
    ///
    /// # Errors
    /// As [`Needed::has`].
    pub(super) fn rank(&self, id: &ChunkId) -> Result<u32> {
        let rank = self.index.entry(id)?.and_then(|entry| self.ranks.get(entry.frame as usize));
        Ok(rank.map_or(0, |rank| rank.load(Ordering::Relaxed)).wrapping_sub(1))
    }

    /// Marks a chunk, from any thread. True the first time.
    ///
    /// # Errors
    /// As [`Needed::has`].
    pub(super) fn add(&self, id: &ChunkId) -> Result<bool> {
        Ok(match self.index.entry(id)? {
            Some(entry) => self.add_entry(entry),
            None => self.others().insert(*id),
        })
    }

    fn add_entry(&self, entry: EntryNumbers) -> bool {
        let (word, bit) = self.mark_of(entry);
        word.fetch_or(bit, Ordering::Relaxed) & bit == 0
    }

    /// Marks the next chunk in order. True the first time.
    ///
    /// # Errors
    /// As [`Needed::has`].
    pub(super) fn add_ranked(&mut self, id: &ChunkId) -> Result<bool> {
        let Some(entry) = self.index.entry(id)? else { return Ok(self.others().insert(*id)) };
        let is_new = self.add_entry(entry);
        if let Some(rank) = self.ranks.get(entry.frame as usize).filter(|rank| is_new && rank.load(Ordering::Relaxed) == 0) {
            rank.store(self.next_rank, Ordering::Relaxed);
            // Beyond all measure they come last, in no order.
            self.next_rank = self.next_rank.saturating_add(1).min(u32::MAX - 1);
        }
        Ok(is_new)
    }

    /// Takes the mark of a chunk away. True when it had one.
    ///
    /// # Errors
    /// As [`Needed::has`].
    pub(super) fn take(&self, id: &ChunkId) -> Result<bool> {
        Ok(match self.index.entry(id)? {
            Some(entry) => {
                let (word, bit) = self.mark_of(entry);
                word.fetch_and(!bit, Ordering::Relaxed) & bit != 0
            }
            None => self.others().remove(id),
        })
    }

    /// How many bytes of memory the marks take.
    #[cfg(test)]
    fn memory_bytes(&self) -> usize {
        self.marks.len() * 8 + self.ranks.len() * 4
    }

    fn others(&self) -> MutexGuard<'_, HashSet<ChunkId>> {
        // A set of finished answers, whole at any time.
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{PackId, SegmentId};
    use crate::index::{IndexSegment, IndexedPack};
    use crate::pack::{ChunkEntry, FrameEntry, PackKind};

    fn chunk(number: u64) -> ChunkId {
        ChunkId(*blake3::hash(&number.to_le_bytes()).as_bytes())
    }

    /// A pack of chunks `first` and following, 25 in each of `frames` frames.
    fn segment(name: u8, first: u64, frames: u64) -> IndexSegment {
        let chunks = |frame: u64| (0..25).map(|at| ChunkEntry { id: chunk(first + frame * 25 + at), bytes: 1 }).collect();
        let frame = |frame: u64| FrameEntry { offset: frame, sealed_bytes: 1, plain_bytes: 25, codec: 0, chunks: chunks(frame) };
        let (id, frames) = (PackId([name; 32]), (0..frames).map(frame).collect());
        IndexSegment::new(vec![IndexedPack { id, kind: PackKind::Data, bytes: 9000, data_begin: 0, data_end: 9000, frames }])
    }

    /// Two segments whose last and first hundred chunks are the same.
    fn needed() -> Needed {
        let load = |id: SegmentId| Ok(segment(id.0[0], u64::from(id.0[0]) * 900, 40));
        Needed::new(Arc::new(Index::open(None, &[SegmentId([0; 32]), SegmentId([1; 32])], &load).unwrap()))
    }

    #[test]
    fn a_mark_is_set_once_and_taken_once_and_no_other_chunk_has_it() {
        let mut needed = needed();
        for number in (0..2000).step_by(3) {
            let id = chunk(number);
            let is_new = if number % 2 == 0 { needed.add(&id) } else { needed.add_ranked(&id) };
            assert!(is_new.unwrap() && !needed.add(&id).unwrap() && !needed.add_ranked(&id).unwrap());
        }
        for number in 0..2000 {
            let id = chunk(number);
            assert_eq!(needed.has(&id).unwrap(), number % 3 == 0, "chunk {number}, of which there are 1,900 in the index");
            assert_eq!((needed.take(&id).unwrap(), needed.take(&id).unwrap()), (number % 3 == 0, false));
        }
    }

    #[test]
    fn frames_are_ranked_in_the_order_in_which_their_first_chunks_come() {
        let mut needed = needed();
        for number in [1500, 30, 1501, 31, 700] {
            needed.add_ranked(&chunk(number)).unwrap();
        }
        needed.add(&chunk(400)).unwrap();
        let ranks = [1502, 26, 700, 400].map(|number| needed.rank(&chunk(number)).unwrap());
        assert_eq!(ranks, [0, 1, 2, u32::MAX]);
        assert_eq!(needed.rank(&chunk(5000)).unwrap(), u32::MAX, "what is in no frame");
    }

    #[test]
    fn marks_take_a_bit_for_each_chunk_and_four_bytes_for_each_frame() {
        let needed = needed();
        assert_eq!((needed.index.chunk_count(), needed.index.frame_count()), (2000, 80));
        assert_eq!(needed.memory_bytes(), 2048 / 8 + 80 * 4);
    }
}
