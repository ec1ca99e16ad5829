//! Checks the packs that the index names: length, header, directory, and that the directory and the
//! index say the same.
//!
//! That is a few small reads for each pack, and it finds what a crash or a bad copy leaves: packs
//! that are missing, short, or zero at their end. The frames of a pack that fails are read at once,
//! whatever was asked for, so that it is known exactly what is lost.

use crate::cancel::check_cancelled;
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use super::damage::{Damage, is_bad_pack};
use super::frames::{OpenPack, Scratch, order_by_offset};
use super::objects::problem_of;
use super::outcome::{DamagedObject, Outcome};
use crate::error::Result;
use crate::id::{PackId, SegmentId};
use crate::index::{IndexSegment, IndexedPack};
use crate::pack::{PackKeys, read_directory};
use crate::progress::Progress;
use crate::repository::{PackListing, Repository, pack_name, segment_name};
use crate::storage::{map_at_once, map_at_once_with};

/// Segments that appear while others are checked are looked at too, so many times.
const ROUNDS_MAX: usize = 3;

/// The segments and packs that were looked at.
#[derive(Default)]
pub struct Looked {
    /// All of them, readable or not.
    pub segments: HashSet<SegmentId>,
    /// Segments that cannot be read.
    pub bad_segments: HashSet<SegmentId>,
    /// Packs that a readable segment names.
    pub packs: HashSet<PackId>,
}

/// Checks all index segments and the packs that they name.
///
/// # Errors
/// Those of the storage that are no damage; `Interrupted`, `Unsupported`.
pub fn check_segments(repository: &Repository, damage: &Mutex<Damage>, outcome: &mut Outcome, progress: &dyn Progress) -> Result<Looked> {
    let (storage, mut looked) = (&**repository.storage(), Looked::default());
    for _ in 0..ROUNDS_MAX {
        let (listed, at_once) = repository.objects().list_segments_to_load()?;
        let new: Vec<SegmentId> = listed.into_iter().filter(|id| looked.segments.insert(*id)).collect();
        if new.is_empty() {
            break;
        }
        // Listed after the segments: what a segment names was there before it.
        let packs = PackListing::read(&**repository.storage())?;
        if looked.packs.is_empty() {
            progress.add_total(packs.packs().len() as u64, 0);
            progress.end_total();
        }
        // Few at a time, so that memory does not grow with the repository.
        for group in new.chunks(at_once) {
            check_cancelled(progress)?;
            let read = |id: &SegmentId| Ok((*id, repository.objects().read_segment(*id)));
            let read: Vec<(SegmentId, Result<IndexSegment>)> = map_at_once(storage, group, read)?;
            let mut named = Vec::new();
            for (id, segment) in read {
                let name = segment_name(&id);
                match segment {
                    Ok(segment) => named.extend(segment.packs),
                    Err(error) if error.is_not_found() && repository.storage().stat(&name)?.is_none() => continue,
                    Err(error) if error.is_damage() => {
                        looked.bad_segments.insert(id);
                        outcome.damaged.push(DamagedObject { problem: problem_of(&name, &error), name });
                    }
                    Err(error) => return Err(error.context(name)),
                }
                outcome.segments += 1;
            }
            let known = looked.packs.len();
            for pack in &named {
                if looked.packs.insert(pack.id) {
                    outcome.packs += 1;
                    outcome.pack_bytes += pack.bytes;
                }
            }
            map_at_once_with(storage, &named, Scratch::default, |scratch, pack| {
                check_cancelled(progress)?;
                check_pack(repository, pack, &packs, damage, scratch)
            })?;
            progress.add_done((looked.packs.len() - known) as u64, 0);
        }
    }
    Ok(looked)
}

/// Compares a pack with what is said of it, and reads its frames where they differ.
///
/// # Errors
/// Those of the storage that are no damage; `Interrupted`.
pub fn check_told_pack(repository: &Repository, told: &IndexedPack, packs: &PackListing, damage: &Mutex<Damage>) -> Result<()> {
    check_pack(repository, told, packs, damage, &mut Scratch::default())
}

fn check_pack(
    repository: &Repository,
    indexed: &IndexedPack,
    packs: &PackListing,
    damage: &Mutex<Damage>,
    scratch: &mut Scratch,
) -> Result<()> {
    // Sets of finished answers, whole at any time.
    let lock = || damage.lock().unwrap_or_else(PoisonError::into_inner);
    let (storage, keys, name) = (&**repository.storage(), repository.keys(), pack_name(&indexed.id));
    let Some(bytes) = packs.packs().get(&indexed.id).copied() else {
        lock().add_lost_pack(indexed.id, "it is missing");
        return Ok(());
    };
    let problem = if bytes != indexed.bytes {
        format!("it has {bytes} bytes and should have {}", indexed.bytes)
    } else {
        match read_directory(storage, keys, &name, bytes) {
            Ok((directory, kind, (begin, end))) => {
                let is_same =
                    directory.frames == indexed.frames && kind == indexed.kind && (begin, end) == (indexed.data_begin, indexed.data_end);
                if is_same {
                    return Ok(());
                }
                "its directory is not what the index says of it".to_owned()
            }
            Err(error) if is_bad_pack(&error) => problem_of(&name, &error),
            Err(error) => return Err(error),
        }
    };
    match PackKeys::read(storage, keys, &name, bytes) {
        Ok(pack_keys) if pack_keys.kind() == indexed.kind => {
            lock().add_pack(indexed.id, problem);
            let pack = OpenPack { repository, id: indexed.id, name: &name, keys: &pack_keys, frames: &indexed.frames, damage };
            pack.read_frames(&order_by_offset(&indexed.frames), scratch).map(|_| ())
        }
        Ok(_) => {
            lock().add_lost_pack(indexed.id, problem);
            Ok(())
        }
        Err(error) if is_bad_pack(&error) => {
            lock().add_lost_pack(indexed.id, problem);
            Ok(())
        }
        Err(error) => Err(error),
    }
}
