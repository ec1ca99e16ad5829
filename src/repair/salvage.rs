//! Saves what can be read of damaged packs.

use crate::cancel::check_cancelled;
use std::collections::{BTreeSet, HashSet};

use super::index::Indexed;
use super::outcome::Outcome;
use crate::chunker::Class;
use crate::error::Result;
use crate::id::{ChunkId, PackId, RunId};
use crate::index::Location;
use crate::pack::PackKind;
use crate::progress::Progress;
use crate::repository::{ChunkReader, FrameGatherer, Repository, Sink, class_of_frame};
use crate::verify::Damage;

/// A chunk that is to be moved to a new pack.
pub(super) struct Move {
    id: ChunkId,
    kind: PackKind,
    class: Class,
}

/// The chunks that are whole in one of the `bad` packs, and in no good one.
///
/// # Errors
/// `Damaged` when this machine's index tables are.
pub(super) fn find_whole_chunks(indexed: &Indexed, bad: &BTreeSet<PackId>, damage: &Damage, outcome: &mut Outcome) -> Result<Vec<Move>> {
    let mut moves = Vec::new();
    let (mut seen, mut places) = (HashSet::new(), Vec::new());
    for pack in bad.iter().filter_map(|id| indexed.packs.get(id)) {
        let before = moves.len();
        for frame in &pack.frames {
            let class = class_of_frame(pack.kind, frame);
            for chunk in &frame.chunks {
                indexed.index.places(&chunk.id, &mut places)?;
                let is_whole = |place: &Location| place.pack_kind == pack.kind && !damage.has(place);
                let is_elsewhere = places.iter().any(|place| is_whole(place) && !bad.contains(&place.pack));
                if !is_elsewhere && places.iter().any(is_whole) && seen.insert(chunk.id) {
                    moves.push(Move { id: chunk.id, kind: pack.kind, class });
                }
            }
        }
        outcome.packs_salvaged += u64::from(moves.len() > before);
    }
    outcome.chunks_salvaged = moves.len() as u64;
    Ok(moves)
}

/// Stores these chunks again, durable and indexed when it returns.
///
/// # Errors
/// `Damaged` when one cannot be read any more: the disk is failing, and nothing is moved away from it on
/// such evidence; those of the storage; `Interrupted`.
pub(super) fn move_chunks(
    repository: &Repository,
    run: RunId,
    reader: &ChunkReader,
    moves: &[Move],
    progress: &dyn Progress,
) -> Result<()> {
    if moves.is_empty() {
        return Ok(());
    }
    let sink = Sink::open_to_move(repository.chunks(), &repository.read_facts()?, run)?;
    let mut gatherer = FrameGatherer::default();
    for Move { id, kind, class } in moves {
        check_cancelled(progress)?;
        // Reading verifies the id, so nothing that is damaged is carried on.
        let plain = if *kind == PackKind::Data { reader.data_chunk(id)? } else { reader.meta_chunk(id)? };
        sink.move_chunk(&mut gatherer, *kind, *class, *id, &plain)?;
    }
    sink.flush(&mut gatherer)?;
    sink.commit()
}
