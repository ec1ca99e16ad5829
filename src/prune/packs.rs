//! What to do with each pack: keep it, remove it, or write it again without its waste.
//!
//! A pack of which nothing is needed goes, and costs nothing. Writing a pack again costs a read and a
//! write of all that is still needed of it, so it is done where it brings most: packs with the largest
//! unused share first, until no more than a small share of the repository is unused. A frame less than
//! half of which is needed is never left long, because every restore decodes all of it.
//! `docs/decisions/0007-what-prune-writes-again.md` has the measurements.

use std::cmp::Reverse;
use std::collections::HashSet;

use rayon::prelude::*;

use super::naming::Naming;
use super::needed::Needed;
use super::rewriting::{Move, Rewriting, RewrittenPack, Unit};
use super::unnamed::judge;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ChunkId, PackId, SegmentId};
use crate::index::{IndexedPack, SEGMENTS_AT_ONCE};
use crate::progress::Progress;
use crate::repository::{ChunkReader, PackListing, Repository, UnnamedPacks, class_of_frame};

/// A frame of which less than half is needed is waste worth a rewrite of its pack …
const FRAME_LIVE_SHARE: u64 = 2;
/// … when the waste of the pack is more than 1 in 50 of its bytes.
const PACK_WASTE_SHARE: u64 = 50;
/// 1 in so many bytes of all packs may stay unused, where they lie between others that are needed.
const UNUSED_SHARE: u64 = 400;
/// A pack of which less than 1 in so many bytes is unused is not worth the work.
const PACK_UNUSED_SHARE: u64 = 64;

/// What becomes of the packs.
#[derive(Default)]
pub(super) struct PackPlan {
    /// Packs of which nothing is needed, with their lengths.
    pub dead: Vec<(PackId, u64)>,
    /// Packs that no segment names and snapshots need, with their lengths.
    pub unnamed: Vec<(PackId, u64)>,
    /// Packs that are written again.
    pub rewriting: Rewriting,
    /// Stored bytes that are not needed and stay, about.
    pub kept_unused_bytes: u64,
}

/// How much of a pack is used.
struct Use {
    id: PackId,
    bytes: u64,
    /// Plain bytes of needed chunks.
    live: u64,
    /// Stored bytes of what is not needed, as if frames were compressed evenly.
    unused: u64,
    /// Those of them in frames less than half of which is needed.
    waste: u64,
}

impl Use {
    fn of(pack: &IndexedPack, needed: &Needed) -> Result<Self> {
        let mut used = Self { id: pack.id, bytes: pack.bytes, live: 0, unused: 0, waste: 0 };
        for frame in &pack.frames {
            let mut live = 0;
            for chunk in &frame.chunks {
                live += if needed.find(&chunk.id)? { u64::from(chunk.bytes) } else { 0 };
            }
            let plain = u64::from(frame.plain_bytes).max(1);
            let unused = u64::from(frame.sealed_bytes) * (plain - live.min(plain)) / plain;
            used.live += live;
            used.unused += unused;
            used.waste += if live * FRAME_LIVE_SHARE < plain { unused } else { 0 };
        }
        Ok(used)
    }

    fn is_wasteful(&self) -> bool {
        self.waste * PACK_WASTE_SHARE > self.bytes
    }

    fn is_worth_it(&self) -> bool {
        self.unused * PACK_UNUSED_SHARE > self.bytes
    }
}

/// What a plan is made from.
pub(super) struct Basis<'a> {
    pub repository: &'a Repository,
    /// Reads what is there, named or not.
    pub reader: ChunkReader,
    /// The packs that are there.
    pub listing: PackListing,
    /// Those of them that no segment names.
    pub unnamed: UnnamedPacks,
    /// Chunks that are recorded as lost.
    pub absent: HashSet<ChunkId>,
}

/// Decides for each pack that is listed with the expected length; one that no segment names is judged by
/// its own directory. Segments are read one at a time, so that memory does not grow with their number.
///
/// A chunk that lies in several packs stays in all of them: which copy is whole is not known here.
///
/// # Errors
/// `Damaged` when something that is needed is not there and is not recorded as lost, or when a segment or
/// this machine's index tables are; those of the storage; `Interrupted`.
pub(super) fn plan_packs(basis: &Basis<'_>, naming: &mut Naming, needed: &Needed, progress: &dyn Progress) -> Result<PackPlan> {
    let (repository, listing) = (basis.repository, basis.listing.packs());
    let (mut plan, mut partly) = (PackPlan::default(), Vec::new());
    let (segments, at_once) = repository.objects().list_segments_to_load()?;
    repository.objects().each_segment(&segments, at_once, &mut |id, segment| {
        let mut packs = segment.packs;
        // Another length than expected is damage, which is not ours to judge.
        packs.retain(|pack| naming.add(pack.id, id) && listing.get(&pack.id) == Some(&pack.bytes));
        // One look-up for each chunk of the repository: most of the time of a plan.
        let uses = packs.par_iter().map(|pack| Use::of(pack, needed)).collect::<Result<Vec<Use>>>()?;
        for used in uses {
            match used {
                Use { live: 0, id, bytes, .. } => plan.dead.push((id, bytes)),
                used if used.unused > 0 => partly.push(used),
                _ => {}
            }
        }
        Ok(())
    })?;
    let judged = judge(&basis.reader, &basis.unnamed, &basis.listing, needed, progress)?;
    plan.dead.extend(judged.dead);
    plan.unnamed = judged.kept;
    check_found(needed, &basis.absent)?;
    plan.dead.sort_unstable();
    // The largest share first; ids make the order the same each time.
    partly.sort_by_key(|used| (Reverse((u128::from(used.unused) << 64) / u128::from(used.bytes.max(1))), used.id));
    let kept_bytes: u64 = listing.values().sum::<u64>() - plan.dead.iter().map(|(_, bytes)| bytes).sum::<u64>();
    let mut unused: u64 = partly.iter().map(|used| used.unused).sum();
    for used in partly {
        if used.is_wasteful() || (used.is_worth_it() && unused > kept_bytes / UNUSED_SHARE) {
            unused -= used.unused;
            let moved_bytes = used.bytes.saturating_sub(used.unused);
            plan.rewriting.packs.push(RewrittenPack { id: used.id, bytes: used.bytes, moved_bytes, copied_bytes: used.live });
        }
    }
    plan.kept_unused_bytes = unused;
    plan.rewriting.packs.sort_unstable();
    plan_moves(repository, naming, needed, &mut plan.rewriting)?;
    Ok(plan)
}

/// Refuses to go on when something is needed that is not there: a pack that would tell more of it may be
/// the next to go.
fn check_found(needed: &Needed, absent: &HashSet<ChunkId>) -> Result<()> {
    for id in absent {
        needed.find(id)?;
    }
    match needed.missing_count() {
        0 => Ok(()),
        missing => {
            let message = format!(
                "{missing} chunks that snapshots need are in no pack that is there, and are not recorded as lost, so nothing is \
                 removed"
            );
            let hint = "put back what is missing if there is another copy of the repository, then run `repo repair`";
            Err(Error::new(ErrorKind::Damaged, message).with_hint(hint))
        }
    }
}

/// Plans what moves of the packs that are written again, and takes its marks away.
fn plan_moves(repository: &Repository, naming: &Naming, needed: &Needed, rewriting: &mut Rewriting) -> Result<()> {
    let mut waiting = rewriting.ids();
    let segments: Vec<SegmentId> = naming.segments_of(waiting.iter()).into_iter().collect();
    repository.objects().each_segment(&segments, SEGMENTS_AT_ONCE, &mut |_, segment| {
        for pack in segment.packs {
            if waiting.remove(&pack.id) {
                let (id, taken_bytes) = (pack.id, plan_pack(&mut rewriting.moves, pack, needed)?);
                if let Ok(at) = rewriting.packs.binary_search_by_key(&id, |pack| pack.id) {
                    let copied_bytes = &mut rewriting.packs[at].copied_bytes;
                    *copied_bytes = copied_bytes.saturating_sub(taken_bytes);
                }
            }
        }
        Ok(())
    })?;
    rewriting.moves.sort_by_key(|unit| (unit.rank, unit.pack));
    Ok(())
}

/// Returns the plain bytes that move.
fn plan_pack(moves: &mut Vec<Move>, pack: IndexedPack, needed: &Needed) -> Result<u64> {
    let mut taken_bytes = 0;
    for (number, frame) in (0..).zip(pack.frames) {
        let (mut live, mut rank, mut is_whole) = (Vec::new(), u32::MAX, true);
        for chunk in &frame.chunks {
            // Once: the mark goes, so that a second place of the chunk does not move as well.
            if needed.take(&chunk.id)? {
                live.push(chunk.id);
                taken_bytes += u64::from(chunk.bytes);
                rank = rank.min(needed.rank(&chunk.id)?);
            } else {
                is_whole = false;
            }
        }
        if !live.is_empty() {
            let class = class_of_frame(pack.kind, &frame);
            let unit = if is_whole { Unit::Frame(frame, number) } else { Unit::Chunks(live, class) };
            moves.push(Move { rank, pack: pack.id, pack_bytes: pack.bytes, kind: pack.kind, unit });
        }
    }
    Ok(taken_bytes)
}
