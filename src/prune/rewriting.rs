//! Which packs are written again, and how many of them fit on the disk at a time.
//!
//! A pack goes only after what is needed of it is durable elsewhere. On a full disk that is no more
//! than the reserve at first; each pack that went makes room for more.

use std::collections::HashSet;

use crate::chunker::Class;
use crate::id::{ChunkId, PackId};
use crate::pack::{FrameEntry, PackKind};

/// What a rewrite leaves free beside the packs: room for headers, directories and segments.
const ROOM_BYTES: u64 = 128 << 10;
/// And for the index, this share of what moves.
const INDEX_SHARE: u64 = 8;

/// What moves to a new pack.
pub(super) enum Unit {
    /// A frame all of which is needed, as it is.
    Frame(FrameEntry, u32),
    /// The needed chunks of a frame, and how they are gathered again.
    Chunks(Vec<ChunkId>, Class),
}

/// Something that moves, and from where.
pub(super) struct Move {
    /// When a restore of the newest snapshot comes to it.
    pub rank: u32,
    pub pack: PackId,
    pub pack_bytes: u64,
    pub kind: PackKind,
    pub unit: Unit,
}

impl Move {
    /// About how many stored bytes it is: what is compressed is counted as it will be unpacked.
    pub fn bytes(&self) -> u64 {
        match &self.unit {
            Unit::Frame(entry, _) => u64::from(entry.sealed_bytes),
            Unit::Chunks(chunks, class) => chunks.len() as u64 * if *class == Class::Database { 8 << 10 } else { 32 << 10 },
        }
    }
}

/// A pack that is written again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RewrittenPack {
    pub id: PackId,
    pub bytes: u64,
    /// Stored bytes of what is needed of it, about.
    pub moved_bytes: u64,
    /// Plain bytes of what is needed of it and moves from another pack, which has a copy. That one may be
    /// damaged, and is read only when it moves: until then this copy must stay.
    pub copied_bytes: u64,
}

/// Packs that are written again, and what moves.
#[derive(Default)]
pub(super) struct Rewriting {
    pub packs: Vec<RewrittenPack>,
    /// What is needed of them, in the order of a restore of the newest snapshot.
    pub moves: Vec<Move>,
}

impl Rewriting {
    /// Stored bytes of what is moved, about.
    pub fn moved_bytes(&self) -> u64 {
        self.packs.iter().map(|pack| pack.moved_bytes).sum()
    }

    /// The packs that go, with their lengths.
    pub fn gone_bytes(&self) -> u64 {
        self.packs.iter().map(|pack| pack.bytes).sum()
    }

    /// Stored bytes that it frees, about.
    pub fn wasted_bytes(&self) -> u64 {
        self.gone_bytes().saturating_sub(self.moved_bytes())
    }

    /// The packs themselves.
    pub fn ids(&self) -> HashSet<PackId> {
        self.packs.iter().map(|pack| pack.id).collect()
    }

    /// Takes the packs out whose content fits into `free_bytes` beside what is there, those with the
    /// least content first, and none that has copies of what another moves; all when nobody knows how much
    /// is free.
    pub fn take_fitting(&mut self, free_bytes: Option<u64>) -> Self {
        let Some(free_bytes) = free_bytes.filter(|free| wanted_bytes(self.moved_bytes()) > *free) else { return std::mem::take(self) };
        self.packs.sort_by_key(|pack| (pack.copied_bytes > 0, pack.moved_bytes, pack.id));
        let mut moved_bytes = 0;
        let fits = |pack: &&RewrittenPack| {
            moved_bytes += pack.moved_bytes;
            pack.copied_bytes == 0 && wanted_bytes(moved_bytes) <= free_bytes
        };
        let rest = self.packs.split_off(self.packs.iter().take_while(fits).count());
        let packs = std::mem::replace(&mut self.packs, rest);
        let ids: HashSet<PackId> = packs.iter().map(|pack| pack.id).collect();
        let (moves, rest) = std::mem::take(&mut self.moves).into_iter().partition(|unit| ids.contains(&unit.pack));
        self.moves = rest;
        Self { packs, moves }
    }
}

fn wanted_bytes(moved_bytes: u64) -> u64 {
    moved_bytes.saturating_add(moved_bytes / INDEX_SHARE).saturating_add(ROOM_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunker::Class;
    use crate::pack::PackKind;

    fn rewriting(moved_bytes: &[u64]) -> Rewriting {
        let id = |number: usize| PackId([number as u8; 32]);
        let pack = |(number, moved_bytes): (usize, &u64)| RewrittenPack {
            id: id(number),
            bytes: 32 << 20,
            moved_bytes: *moved_bytes,
            copied_bytes: 0,
        };
        let unit = || Unit::Chunks(Vec::new(), Class::General);
        let unit = |(number, _)| Move { rank: 0, pack: id(number), pack_bytes: 32 << 20, kind: PackKind::Data, unit: unit() };
        Rewriting { packs: moved_bytes.iter().enumerate().map(pack).collect(), moves: moved_bytes.iter().enumerate().map(unit).collect() }
    }

    #[test]
    fn all_packs_are_written_again_at_once_where_there_is_room_or_nobody_knows() {
        for free_bytes in [None, Some(1 << 30)] {
            let mut all = rewriting(&[3 << 20, 1 << 20, 2 << 20]);
            let taken = all.take_fitting(free_bytes);
            assert_eq!((taken.packs.len(), taken.moves.len(), all.packs.len(), all.moves.len()), (3, 3, 0, 0));
            assert_eq!(taken.packs[0].moved_bytes, 3 << 20, "in the order of the plan");
        }
    }

    #[test]
    fn where_room_is_short_the_packs_with_the_least_content_go_first_with_all_their_moves() {
        let mut all = rewriting(&[3 << 20, 64 << 10, 2 << 20]);
        let taken = all.take_fitting(Some(256 << 10));
        assert_eq!((taken.ids(), taken.moves.len(), taken.moves[0].pack), (HashSet::from([PackId([1; 32])]), 1, PackId([1; 32])));
        assert_eq!((all.packs.len(), all.moves.len(), all.wasted_bytes()), (2, 2, (64 - 5) << 20));
        assert!(all.take_fitting(Some(256 << 10)).packs.is_empty(), "nothing more fits");
        assert_eq!(all.packs.len(), 2);
    }

    #[test]
    fn a_pack_with_copies_of_what_another_moves_never_goes_before_it() {
        let mut all = rewriting(&[3 << 20, 64 << 10]);
        all.packs[1].copied_bytes = 1;
        assert!(all.take_fitting(Some(256 << 10)).packs.is_empty());
        assert_eq!(all.take_fitting(Some(1 << 30)).packs.len(), 2, "together");
    }
}
