//! Moves what is needed of packs with much waste to new packs.
//!
//! A frame all of which is needed moves as it is: unsealed, which proves that it is what was written,
//! and sealed for its new pack, without being unpacked. Only the rest of other frames is gathered and
//! compressed again. All threads take runs of the plan, in the order of a restore.

use crate::cancel::check_cancelled;
use std::sync::Arc;

use rayon::prelude::*;

use super::rewriting::Rewriting;
use super::rewriting::{Move, Unit};
use crate::chunker::Class;
use crate::crypto::Algorithm;
use crate::error::{Error, Result};
use crate::id::RunId;
use crate::pack::{FrameEntry, FramePlace, PackKind};
use crate::progress::Progress;
use crate::repository::{ChunkReader, FrameGatherer, Repository, Sink, class_of_frame};

/// A run of moves has about so many stored bytes: long enough that few frames are closed early at its end.
const RUN_BYTES: u64 = 16 << 20;

/// Writes what is needed of the packs of `rewriting` into new ones, durable and indexed when it returns.
///
/// # Errors
/// `Damaged` when a chunk that is needed cannot be read anywhere; those of the storage. The old packs
/// are still there then.
pub(super) fn move_chunks(repository: &Repository, run: RunId, rewriting: &Rewriting, progress: &dyn Progress) -> Result<()> {
    let reader = repository.chunks().reader_with(Arc::new(repository.chunks().open_index()?)).without_reload();
    let sink = Sink::open_to_move(repository.chunks(), &repository.read_facts()?, run)?;
    split_runs(&rewriting.moves).into_par_iter().try_for_each_init(Vec::new, |buffer, moves| {
        let mut gatherer = FrameGatherer::default();
        for unit in moves {
            check_cancelled(progress)?;
            move_unit(&reader, &sink, &mut gatherer, unit, buffer)?;
            progress.add_done(0, unit.bytes());
        }
        sink.flush(&mut gatherer)
    })?;
    sink.commit()
}

fn split_runs(moves: &[Move]) -> Vec<&[Move]> {
    let (mut runs, mut begin, mut bytes) = (Vec::new(), 0, 0);
    for (at, unit) in moves.iter().enumerate() {
        bytes += unit.bytes();
        if bytes >= RUN_BYTES {
            runs.push(&moves[begin..=at]);
            (begin, bytes) = (at + 1, 0);
        }
    }
    runs.push(&moves[begin..]);
    runs
}

fn move_unit(reader: &ChunkReader, sink: &Sink, gatherer: &mut FrameGatherer, unit: &Move, buffer: &mut Vec<u8>) -> Result<()> {
    let (chunks, class): (Vec<_>, Class) = match &unit.unit {
        Unit::Chunks(chunks, class) => (chunks.clone(), *class),
        Unit::Frame(entry, number) => {
            match read_packed(reader, unit, entry, *number, buffer) {
                Ok(packed) => return sink.move_frame(unit.kind, entry, packed),
                // Another pack may have its chunks.
                Err(error) if error.is_damage() => (entry.chunks.iter().map(|chunk| chunk.id).collect(), class_of_frame(unit.kind, entry)),
                Err(error) => return Err(error),
            }
        }
    };
    for id in chunks {
        // Reading verifies the id, so nothing that is damaged is carried on.
        let plain = if unit.kind == PackKind::Data { reader.data_chunk(&id)? } else { reader.meta_chunk(&id)? };
        sink.move_chunk(gatherer, unit.kind, class, id, &plain)?;
    }
    Ok(())
}

/// The compressed bytes of a frame, proven to be what was written.
fn read_packed<'b>(reader: &ChunkReader, unit: &Move, entry: &FrameEntry, number: u32, buffer: &'b mut Vec<u8>) -> Result<&'b [u8]> {
    let &FrameEntry { offset, sealed_bytes, plain_bytes, codec, .. } = entry;
    let place = FramePlace { number, offset, sealed_bytes, plain_bytes, codec };
    if reader.objects().keys().algorithm == Algorithm::None {
        // Nothing but the ids proves anything.
        let plain = reader.read_frame_at(&unit.pack, unit.pack_bytes, &place)?;
        let mut at = 0;
        for chunk in &entry.chunks {
            let end = at + chunk.bytes as usize;
            if !plain.get(at..end).is_some_and(|plain| reader.verify(unit.kind, &chunk.id, plain)) {
                return Err(Error::damaged(format!("chunk {}", chunk.id.short()), "it has other bytes than its id says"));
            }
            at = end;
        }
    }
    reader.read_packed_frame(&unit.pack, unit.pack_bytes, &place, buffer)
}
