//! What to do with each pack: keep it, remove it, or write it again without its waste.

use std::collections::HashMap;

use super::mark::Needed;
use crate::id::{ChunkId, PackId, SegmentId};
use crate::index::{IndexSegment, IndexedPack};
use crate::pack::{FrameEntry, PackKind};

/// A frame of which less than half is needed is waste worth a rewrite of its pack …
const FRAME_LIVE_SHARE: u64 = 2;
/// … when the waste of the pack is more than 1 in 50 of its bytes.
const PACK_WASTE_SHARE: u64 = 50;

/// A chunk that is moved to a new pack.
pub(super) struct Move {
    pub rank: u64,
    pub id: ChunkId,
    pub kind: PackKind,
    /// It lies in a frame of database pages.
    pub is_database: bool,
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

/// Decides for each pack of `segments` that is in `listing` with the expected length. Packs in the
/// listing that no segment names are dead: no snapshot is running that could still name them.
///
/// A chunk that lies in several packs stays in all of them: which copy is whole is not known here.
pub(super) fn make_plan(segments: &[(SegmentId, IndexSegment)], listing: &HashMap<PackId, u64>, needed: &Needed) -> Plan {
    let mut plan = Plan::default();
    let mut named: HashMap<PackId, &IndexedPack> = HashMap::new();
    for pack in segments.iter().flat_map(|(_, segment)| &segment.packs) {
        named.insert(pack.id, pack);
    }
    for (id, bytes) in listing {
        match named.get(id) {
            None => plan.dead.push((*id, *bytes)),
            Some(pack) if pack.bytes == *bytes => plan_pack(&mut plan, pack, needed),
            // Another length than expected: damage, which is not ours to judge.
            Some(_) => {}
        }
    }
    plan.dead.sort_unstable();
    plan.rewritten.sort_unstable();
    plan.moves.sort_by_key(|chunk| (chunk.rank, chunk.id));
    plan.moves.dedup_by_key(|chunk| chunk.id);
    plan
}

fn plan_pack(plan: &mut Plan, pack: &IndexedPack, needed: &Needed) {
    let live_bytes = |frame: &FrameEntry| -> u64 {
        frame.chunks.iter().filter(|chunk| needed.rank(&chunk.id).is_some()).map(|chunk| u64::from(chunk.bytes)).sum()
    };
    // Stored bytes of what is not needed of a frame, as if it were compressed evenly.
    let unused_bytes = |frame: &FrameEntry, live: u64| {
        let plain = u64::from(frame.plain_bytes).max(1);
        u64::from(frame.sealed_bytes) * (plain - live.min(plain)) / plain
    };
    let (mut waste, mut unused, mut live_in_pack) = (0, 0, 0);
    for frame in &pack.frames {
        let live = live_bytes(frame);
        live_in_pack += live;
        unused += unused_bytes(frame, live);
        if live * FRAME_LIVE_SHARE < u64::from(frame.plain_bytes) {
            waste += unused_bytes(frame, live);
        }
    }
    if live_in_pack == 0 {
        plan.dead.push((pack.id, pack.bytes));
    } else if waste * PACK_WASTE_SHARE > pack.bytes {
        plan.rewritten.push((pack.id, pack.bytes));
        plan.moved_bytes += pack.bytes.saturating_sub(unused);
        for frame in &pack.frames {
            let is_database =
                pack.kind == PackKind::Data && frame.plain_bytes <= 256 << 10 && frame.chunks.iter().all(|chunk| chunk.bytes <= 16 << 10);
            let live = frame.chunks.iter().filter_map(|chunk| Some((chunk.id, needed.rank(&chunk.id)?)));
            plan.moves.extend(live.map(|(id, rank)| Move { rank, id, kind: pack.kind, is_database }));
        }
    } else {
        plan.kept_unused_bytes += unused;
    }
}
