//! Moves what is needed of packs with much waste to new packs.
//!
//! A frame all of which is needed moves as it is: unsealed, which proves that it is what was written,
//! and sealed for its new pack, without being unpacked. Only the rest of other frames is gathered and
//! compressed again. All threads take runs of the plan, in the order of a restore.

use std::collections::HashMap;
use std::ops::Range;

use crate::cancel::check_cancelled;
use std::sync::Arc;

use rayon::prelude::*;

use super::rewriting::Rewriting;
use super::rewriting::{Move, Unit};
use crate::chunker::Class;
use crate::crypto::Algorithm;
use crate::error::{Error, Result};
use crate::id::{PackId, RunId};
use crate::pack::{FrameEntry, FramePlace, PackKind};
use crate::progress::Progress;
use crate::repository::{ChunkReader, FrameBytes, FrameGatherer, Repository, Sink, class_of_frame};
use crate::storage::{join_parts, map_at_once, waits_for_answers};

/// A run of moves has about so many stored bytes: long enough that few frames are closed early at its end.
const RUN_BYTES: u64 = 16 << 20;
/// Where an answer takes long, so much is read before it moves, and held.
const FETCHED_BYTES: u64 = 32 << 20;

/// Writes what is needed of the packs of `rewriting` into new ones, durable and indexed when it returns.
///
/// # Errors
/// `Damaged` when a chunk that is needed cannot be read anywhere; those of the storage. The old packs
/// are still there then.
pub(super) fn move_chunks(repository: &Repository, run: RunId, rewriting: &Rewriting, progress: &dyn Progress) -> Result<()> {
    let reader = repository.chunks().reader_with(Arc::new(repository.chunks().open_index()?)).without_reload();
    let sink = Sink::open_to_move(repository.chunks(), &repository.read_facts()?, run)?;
    if !waits_for_answers(&**repository.storage()) {
        move_runs(&reader, &sink, &rewriting.moves, None, progress)?;
        return sink.commit();
    }
    for moves in split_runs(&rewriting.moves, FETCHED_BYTES) {
        let fetched = fetch(&reader, moves, progress)?;
        move_runs(&reader, &sink, moves, Some(&fetched), progress)?;
    }
    sink.commit()
}

/// Moves by all threads; what was `fetched` is not read any more.
fn move_runs(
    reader: &ChunkReader,
    sink: &Sink,
    moves: &[Move],
    fetched: Option<&HashMap<usize, Fetched>>,
    progress: &dyn Progress,
) -> Result<()> {
    let mut begin = 0;
    let numbered = |moves: &[Move]| {
        begin += moves.len();
        begin - moves.len()
    };
    let runs = split_runs(moves, RUN_BYTES);
    let begins: Vec<usize> = runs.iter().copied().map(numbered).collect();
    runs.into_par_iter().zip(begins).try_for_each_init(Vec::new, |buffer, (moves, begin)| {
        let mut gatherer = FrameGatherer::default();
        for (at, unit) in moves.iter().enumerate() {
            check_cancelled(progress)?;
            let fetched = fetched.and_then(|fetched| fetched.get(&(begin + at)));
            move_unit(reader, sink, &mut gatherer, unit, fetched, buffer)?;
            progress.add_done(0, unit.bytes());
        }
        sink.flush(&mut gatherer)
    })
}

/// What was read of a move: a compressed frame, proven to be what was written, or the chunks.
enum Fetched {
    Frame(Vec<u8>),
    Chunks(Vec<FrameBytes>),
}

/// Reads what moves, by as many requests at once as the storage takes, under the numbers of the moves. What cannot be
/// read is not there.
fn fetch(reader: &ChunkReader, moves: &[Move], progress: &dyn Progress) -> Result<HashMap<usize, Fetched>> {
    let storage = &**reader.objects().storage();
    let properties = storage.properties();
    let mut frames: Vec<(PackId, u64, FramePlace, usize)> = Vec::new();
    let mut others: Vec<usize> = Vec::new();
    for (number, unit) in moves.iter().enumerate() {
        match &unit.unit {
            // Nothing but the ids proves anything where nothing is sealed.
            Unit::Frame(entry, at) if reader.objects().keys().algorithm != Algorithm::None => {
                frames.push((unit.pack, unit.pack_bytes, place_of(entry, *at), number));
            }
            _ => others.push(number),
        }
    }
    frames.sort_unstable_by_key(|(pack, _, place, _)| (*pack, place.offset));
    let parts: Vec<(PackId, Range<u64>)> = frames.iter().map(|(pack, _, place, _)| (*pack, place.range())).collect();
    let request_bytes = properties.request_bytes(parts.iter().map(|(_, range)| range.end - range.start).sum());
    let fetched = map_at_once(storage, &join_parts(&parts, properties.gap_bytes, request_bytes), |beside| {
        check_cancelled(progress)?;
        let (beside, mut fetched) = (&frames[beside.clone()], Vec::new());
        let places: Vec<FramePlace> = beside.iter().map(|(_, _, place, _)| *place).collect();
        if let Some((pack, pack_bytes, ..)) = beside.first() {
            reader.read_packed_frames_beside(pack, *pack_bytes, &places, &mut |at, packed| {
                fetched.extend(packed.ok().map(|packed| (beside[at].3, Fetched::Frame(packed))));
            });
        }
        Ok(fetched)
    })?;
    let chunks = map_at_once(storage, &others, |number| {
        check_cancelled(progress)?;
        let unit = &moves[*number];
        let Unit::Chunks(chunks, _) = &unit.unit else { return Ok(None) };
        let read = |id| if unit.kind == PackKind::Data { reader.data_chunk(id) } else { reader.meta_chunk(id) };
        Ok(chunks.iter().map(read).collect::<Result<_>>().ok().map(|chunks| (*number, Fetched::Chunks(chunks))))
    })?;
    Ok(fetched.into_iter().flatten().chain(chunks.into_iter().flatten()).collect())
}

fn place_of(entry: &FrameEntry, number: u32) -> FramePlace {
    let &FrameEntry { offset, sealed_bytes, plain_bytes, codec, .. } = entry;
    FramePlace { number, offset, sealed_bytes, plain_bytes, codec }
}

/// Runs of about so many stored bytes.
fn split_runs(moves: &[Move], run_bytes: u64) -> Vec<&[Move]> {
    let (mut runs, mut begin, mut bytes) = (Vec::new(), 0, 0);
    for (at, unit) in moves.iter().enumerate() {
        bytes += unit.bytes();
        if bytes >= run_bytes {
            runs.push(&moves[begin..=at]);
            (begin, bytes) = (at + 1, 0);
        }
    }
    runs.push(&moves[begin..]);
    runs
}

fn move_unit(
    reader: &ChunkReader,
    sink: &Sink,
    gatherer: &mut FrameGatherer,
    unit: &Move,
    fetched: Option<&Fetched>,
    buffer: &mut Vec<u8>,
) -> Result<()> {
    match (&unit.unit, fetched) {
        (Unit::Frame(entry, _), Some(Fetched::Frame(packed))) => return sink.move_frame(unit.kind, entry, packed),
        (Unit::Chunks(chunks, class), Some(Fetched::Chunks(plain))) => {
            let mut both = chunks.iter().zip(plain);
            return both.try_for_each(|(id, plain)| sink.move_chunk(gatherer, unit.kind, *class, *id, plain));
        }
        _ => {}
    }
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
    let place = place_of(entry, number);
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
