//! What to do with each pack: keep it, remove it, or write it again without its waste.
//!
//! A pack of which nothing is needed goes, and costs nothing. Writing a pack again costs a read and a
//! write of all that is still needed of it, so it is done where it brings most: packs with the largest
//! unused share first, until no more than a small share of the repository is unused. A frame less than
//! half of which is needed is never left long, because every restore decodes all of it.
//! `docs/decisions/0007-what-prune-writes-again.md` has the measurements.

use std::collections::{HashMap, HashSet};

use super::mark::Needed;
use crate::chunker::Class;
use crate::id::{ChunkId, PackId, SegmentId};
use crate::index::{IndexSegment, IndexedPack};
use crate::pack::{FrameEntry, PackKind};
use crate::repository::class_of_frame;

/// A frame of which less than half is needed is waste worth a rewrite of its pack …
const FRAME_LIVE_SHARE: u64 = 2;
/// … when the waste of the pack is more than 1 in 50 of its bytes.
const PACK_WASTE_SHARE: u64 = 50;
/// 1 in so many bytes of all packs may stay unused, where they lie between others that are needed.
const UNUSED_SHARE: u64 = 400;
/// A pack of which less than 1 in so many bytes is unused is not worth the work.
const PACK_UNUSED_SHARE: u64 = 64;

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
    pub rank: u64,
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

/// What becomes of the packs.
#[derive(Default)]
pub(super) struct Plan {
    /// Packs of which nothing is needed, with their lengths.
    pub dead: Vec<(PackId, u64)>,
    /// Packs that are written again.
    pub rewritten: Vec<(PackId, u64)>,
    /// What is needed of those, in the order of a restore of the newest snapshot.
    pub moves: Vec<Move>,
    /// Stored bytes of what is moved, about.
    pub moved_bytes: u64,
    /// Stored bytes that are not needed and stay, about.
    pub kept_unused_bytes: u64,
}

impl Plan {
    /// Stored bytes that writing packs again would free, about.
    pub(super) fn wasted_bytes(&self) -> u64 {
        self.rewritten.iter().map(|(_, bytes)| bytes).sum::<u64>().saturating_sub(self.moved_bytes)
    }
}

/// How much of a pack is used.
struct Use<'a> {
    pack: &'a IndexedPack,
    /// Plain bytes of needed chunks.
    live: u64,
    /// Stored bytes of what is not needed, as if frames were compressed evenly.
    unused: u64,
    /// Those of them in frames less than half of which is needed.
    waste: u64,
}

impl<'a> Use<'a> {
    fn of(pack: &'a IndexedPack, needed: &Needed) -> Self {
        let mut used = Self { pack, live: 0, unused: 0, waste: 0 };
        for frame in &pack.frames {
            let live: u64 = frame.chunks.iter().filter(|chunk| needed.has(&chunk.id)).map(|chunk| u64::from(chunk.bytes)).sum();
            let plain = u64::from(frame.plain_bytes).max(1);
            let unused = u64::from(frame.sealed_bytes) * (plain - live.min(plain)) / plain;
            used.live += live;
            used.unused += unused;
            used.waste += if live * FRAME_LIVE_SHARE < plain { unused } else { 0 };
        }
        used
    }

    fn is_wasteful(&self) -> bool {
        self.waste * PACK_WASTE_SHARE > self.pack.bytes
    }

    fn is_worth_it(&self) -> bool {
        self.unused * PACK_UNUSED_SHARE > self.pack.bytes
    }
}

/// Decides for each pack of `segments` that is in `listing` with the expected length. Packs in the
/// listing that no segment names are dead: no snapshot is running that could still name them.
///
/// A chunk that lies in several packs stays in all of them: which copy is whole is not known here.
pub(super) fn make_plan(segments: &[(SegmentId, IndexSegment)], listing: &HashMap<PackId, u64>, needed: &Needed) -> Plan {
    let mut plan = Plan::default();
    let named: HashMap<PackId, &IndexedPack> =
        segments.iter().flat_map(|(_, segment)| &segment.packs).map(|pack| (pack.id, pack)).collect();
    let mut partly = Vec::new();
    for (id, bytes) in listing {
        match named.get(id) {
            None => plan.dead.push((*id, *bytes)),
            Some(pack) if pack.bytes == *bytes => match Use::of(pack, needed) {
                Use { live: 0, .. } => plan.dead.push((*id, *bytes)),
                used if used.unused > 0 => partly.push(used),
                _ => {}
            },
            // Another length than expected: damage, which is not ours to judge.
            Some(_) => {}
        }
    }
    plan.dead.sort_unstable();
    // The largest share first; ids make the order the same each time.
    partly.sort_by_key(|used| (std::cmp::Reverse((u128::from(used.unused) << 64) / u128::from(used.pack.bytes.max(1))), used.pack.id));
    let kept_bytes: u64 = listing.values().sum::<u64>() - plan.dead.iter().map(|(_, bytes)| bytes).sum::<u64>();
    let mut unused: u64 = partly.iter().map(|used| used.unused).sum();
    let mut moved = HashSet::new();
    for used in partly {
        if used.is_wasteful() || (used.is_worth_it() && unused > kept_bytes / UNUSED_SHARE) {
            unused -= used.unused;
            plan.rewritten.push((used.pack.id, used.pack.bytes));
            plan.moved_bytes += used.pack.bytes.saturating_sub(used.unused);
            plan_moves(&mut plan.moves, used.pack, needed, &mut moved);
        }
    }
    plan.kept_unused_bytes = unused;
    plan.rewritten.sort_unstable();
    plan.moves.sort_by_key(|unit| (unit.rank, unit.pack));
    plan
}

fn plan_moves(moves: &mut Vec<Move>, pack: &IndexedPack, needed: &Needed, moved: &mut HashSet<ChunkId>) {
    for (number, frame) in (0..).zip(&pack.frames) {
        let is_whole = frame.chunks.iter().all(|chunk| needed.has(&chunk.id) && !moved.contains(&chunk.id));
        let live: Vec<ChunkId> = frame.chunks.iter().map(|chunk| chunk.id).filter(|id| needed.has(id) && moved.insert(*id)).collect();
        let Some(rank) = live.iter().map(|id| needed.rank(id)).min() else { continue };
        // A frame that names a chunk twice is not moved as it is, so that the chunk is there once.
        let unit = if is_whole && live.len() == frame.chunks.len() {
            Unit::Frame(frame.clone(), number)
        } else {
            Unit::Chunks(live, class_of_frame(pack.kind, frame))
        };
        moves.push(Move { rank, pack: pack.id, pack_bytes: pack.bytes, kind: pack.kind, unit });
    }
}
