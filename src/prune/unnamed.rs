//! What becomes of packs that no segment names.
//!
//! An interrupted run leaves such packs, and nothing needs them. But they are also what is left of a lost
//! segment, or the only whole copy of something, so their own directories decide.

use crate::cancel::check_cancelled;
use std::collections::HashSet;

use super::needed::Needed;
use crate::error::Result;
use crate::id::PackId;
use crate::progress::Progress;
use crate::repository::{ChunkReader, PackListing, UnnamedPacks};

/// Which of the unnamed packs go and which stay, with their lengths.
#[derive(Default)]
pub(super) struct Judged {
    /// Nothing is needed of them, or all of it was read from elsewhere.
    pub dead: Vec<(PackId, u64)>,
    /// Snapshots need them.
    pub kept: Vec<(PackId, u64)>,
}

/// Decides, when the packs that segments name have been looked through. `reader` looks up everything that
/// is there.
///
/// A rewrite that was interrupted leaves second copies of what is needed. One of them goes only after the
/// other was read: which of them is whole is not known before.
///
/// # Errors
/// `Damaged` when this machine's index tables are; those of the storage; `Interrupted`.
pub(super) fn judge(
    reader: &ChunkReader,
    unnamed: &UnnamedPacks,
    listing: &PackListing,
    needed: &Needed,
    progress: &dyn Progress,
) -> Result<Judged> {
    let all: HashSet<PackId> = unnamed.readable.iter().map(|(id, _)| *id).collect();
    let (mut judged, mut kept) = (Judged::default(), HashSet::new());
    for (id, bytes) in &unnamed.readable {
        check_cancelled(progress)?;
        // What cannot be read any more is left alone.
        let Some(pack) = reader.chunks().read_unnamed_pack(*id, *bytes)? else { continue };
        let chunks = || pack.frames.iter().flat_map(|frame| &frame.chunks);
        let mut is_only_one = false;
        for chunk in chunks() {
            is_only_one |= needed.is_missing(&chunk.id)?;
        }
        let may_stand_in =
            |other: &PackId, bytes: u64| listing.packs().get(other) == Some(&bytes) && (!all.contains(other) || kept.contains(other));
        if !is_only_one && reader.is_held_elsewhere(&pack, &|id| needed.has(id), &may_stand_in)? {
            judged.dead.push((*id, *bytes));
            continue;
        }
        for chunk in chunks() {
            needed.find(&chunk.id)?;
        }
        kept.insert(*id);
        judged.kept.push((*id, *bytes));
    }
    Ok(judged)
}
