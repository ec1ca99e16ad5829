//! Which chunks are needed, which of them are there, and in which order: two bits for each entry of the
//! index and four bytes for each frame, so that a hundred million chunks are marked in a few dozen MiB.

use std::collections::HashMap;
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
    /// The same, first of the pages that were looked into, and when all are, of what was found in a pack
    /// that is there.
    found: Vec<AtomicU64>,
    /// By the number of the frame: 0, or its rank.
    ranks: Vec<AtomicU32>,
    next_rank: u32,
    /// What is needed and stands not in the index: it came later, or is lost. And whether the other
    /// bit of it would be set.
    others: Mutex<HashMap<ChunkId, bool>>,
}

impl Needed {
    /// Nothing yet, of the chunks of `index`.
    pub(super) fn new(index: Arc<Index>) -> Self {
        let bits = || (0..index.chunk_count().div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        let (marks, found) = (bits(), bits());
        let ranks = (0..index.frame_count()).map(|_| AtomicU32::new(0)).collect();
        Self { index, marks, found, ranks, next_rank: 1, others: Mutex::default() }
    }

    /// The word and the bit of an entry.
    fn mark_of(&self, entry: EntryNumbers) -> (&AtomicU64, u64) {
        // The number is below the count that the array was made for.
        (&self.marks[(entry.chunk / 64) as usize], 1 << (entry.chunk % 64))
    }

    /// The same, of whether it was found.
    fn found_of(&self, entry: EntryNumbers) -> (&AtomicU64, u64) {
        (&self.found[(entry.chunk / 64) as usize], 1 << (entry.chunk % 64))
    }

    /// Marks a page, from any thread. True when it was not looked into before, also where it was marked as
    /// content of a file: a snapshot that nobody made in good faith may name one chunk as both.
    ///
    /// # Errors
    /// As [`Needed::has`].
    pub(super) fn add_page(&self, id: &ChunkId) -> Result<bool> {
        self.add(id)?;
        self.look_into(id)
    }

    /// Marks the next page in order. True as from [`Needed::add_page`].
    ///
    /// # Errors
    /// As [`Needed::has`].
    pub(super) fn add_page_ranked(&mut self, id: &ChunkId) -> Result<bool> {
        self.add_ranked(id)?;
        self.look_into(id)
    }

    fn look_into(&self, id: &ChunkId) -> Result<bool> {
        Ok(match self.index.entry(id)? {
            Some(entry) => {
                let (looked, bit) = self.found_of(entry);
                looked.fetch_or(bit, Ordering::Relaxed) & bit == 0
            }
            None => self.others().insert(*id, true) != Some(true),
        })
    }

    /// Takes back that a page was looked into; its mark stays.
    ///
    /// # Errors
    /// As [`Needed::has`].
    pub(super) fn skip_page(&self, id: &ChunkId) -> Result<()> {
        match self.index.entry(id)? {
            Some(entry) => {
                let (looked, bit) = self.found_of(entry);
                looked.fetch_and(!bit, Ordering::Relaxed);
            }
            None => {
                self.others().insert(*id, false);
            }
        }
        Ok(())
    }

    /// Ends the marking: from here on nothing was found yet.
    pub(super) fn begin_search(&mut self) {
        self.found.iter_mut().for_each(|word| *word.get_mut() = 0);
        self.others().values_mut().for_each(|is_found| *is_found = false);
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
            None => self.others().contains_key(id),
        })
    }

    /// Whether a chunk is needed; notes that it was found.
    ///
    /// # Errors
    /// As [`Needed::has`].
    pub(super) fn find(&self, id: &ChunkId) -> Result<bool> {
        let Some(entry) = self.index.entry(id)? else {
            return Ok(self.others().get_mut(id).map(|is_found| *is_found = true).is_some());
        };
        let ((word, bit), (found, _)) = (self.mark_of(entry), self.found_of(entry));
        let is_needed = word.load(Ordering::Relaxed) & bit != 0;
        if is_needed && found.load(Ordering::Relaxed) & bit == 0 {
            found.fetch_or(bit, Ordering::Relaxed);
        }
        Ok(is_needed)
    }

    /// Whether a chunk is needed and was not found so far.
    ///
    /// # Errors
    /// As [`Needed::has`].
    pub(super) fn is_missing(&self, id: &ChunkId) -> Result<bool> {
        Ok(match self.index.entry(id)? {
            Some(entry) => {
                let ((word, bit), (found, _)) = (self.mark_of(entry), self.found_of(entry));
                word.load(Ordering::Relaxed) & !found.load(Ordering::Relaxed) & bit != 0
            }
            None => self.others().get(id) == Some(&false),
        })
    }

    /// How many chunks are needed and were not found.
    pub(super) fn missing_count(&self) -> u64 {
        let words = self.marks.iter().zip(&self.found);
        let missing = words.map(|(marks, found)| (marks.load(Ordering::Relaxed) & !found.load(Ordering::Relaxed)).count_ones());
        missing.map(u64::from).sum::<u64>() + self.others().values().filter(|is_found| !**is_found).count() as u64
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
            None => self.add_other(id),
        })
    }

    fn add_other(&self, id: &ChunkId) -> bool {
        let mut others = self.others();
        let is_new = !others.contains_key(id);
        if is_new {
            others.insert(*id, false);
        }
        is_new
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
        let Some(entry) = self.index.entry(id)? else { return Ok(self.add_other(id)) };
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
            None => self.others().remove(id).is_some(),
        })
    }

    /// How many bytes of memory the marks take.
    #[cfg(test)]
    fn memory_bytes(&self) -> usize {
        (self.marks.len() + self.found.len()) * 8 + self.ranks.len() * 4
    }

    fn others(&self) -> MutexGuard<'_, HashMap<ChunkId, bool>> {
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
    fn a_page_that_was_marked_as_content_is_looked_into_all_the_same_and_once() {
        let mut needed = needed();
        for id in [chunk(7), chunk(5000)] {
            assert!(needed.add(&id).unwrap());
            assert!(needed.add_page(&id).unwrap() && !needed.add_page(&id).unwrap() && !needed.add(&id).unwrap());
            needed.skip_page(&id).unwrap();
            assert!(needed.has(&id).unwrap() && needed.add_page_ranked(&id).unwrap());
        }
        needed.begin_search();
        assert!(needed.is_missing(&chunk(7)).unwrap() && needed.is_missing(&chunk(5000)).unwrap());
        assert!(needed.find(&chunk(7)).unwrap() && !needed.find(&chunk(8)).unwrap());
        assert_eq!(needed.missing_count(), 1);
    }

    #[test]
    fn marks_take_two_bits_for_each_chunk_and_four_bytes_for_each_frame() {
        let needed = needed();
        assert_eq!((needed.index.chunk_count(), needed.index.frame_count()), (2000, 80));
        assert_eq!(needed.memory_bytes(), 2 * 2048 / 8 + 80 * 4);
    }
}
