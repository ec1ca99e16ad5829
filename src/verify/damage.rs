//! What was found damaged in packs so far, as places that give no data and as words for people.
//!
//! A chunk is lost only when all of its places are bad, so damage is kept as exactly as it is known:
//! a whole pack, a frame, or one chunk of a frame.

use std::collections::{BTreeMap, HashSet};

use super::outcome::DamagedObject;
use crate::error::{Error, ErrorKind};
use crate::id::PackId;
use crate::index::Location;
use crate::repository::pack_name;

/// Whether an error of reading a pack says that the pack is bad, and not that the check cannot go
/// on. A flipped bit of a header can look like a later version or another key.
pub fn is_bad_pack(error: &Error) -> bool {
    error.is_damage() || matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::WrongKey)
}

/// What is wrong with one pack.
#[derive(Debug, Default)]
struct PackDamage {
    /// What is wrong with it as a whole.
    whole: Option<String>,
    /// How many of its frames are bad.
    frames: u64,
    /// What is wrong with the first of them.
    first: Option<String>,
}

/// What was found damaged in packs.
#[derive(Debug, Default)]
pub struct Damage {
    packs: BTreeMap<PackId, PackDamage>,
    lost_packs: HashSet<PackId>,
    lost_frames: HashSet<(PackId, u32)>,
    lost_chunks: HashSet<(PackId, u32, u32)>,
}

impl Damage {
    /// The pack is wrong; its frames may be whole.
    pub fn add_pack(&mut self, pack: PackId, problem: impl Into<String>) {
        self.packs.entry(pack).or_default().whole.get_or_insert(problem.into());
    }

    /// Nothing of the pack can be read.
    pub fn add_lost_pack(&mut self, pack: PackId, problem: impl Into<String>) {
        self.add_pack(pack, problem);
        self.lost_packs.insert(pack);
    }

    /// A frame cannot be opened.
    pub fn add_frame(&mut self, pack: PackId, number: u32, problem: impl Into<String>) {
        if self.lost_frames.insert((pack, number)) {
            self.count_frame(pack, problem.into());
        }
    }

    /// A frame opens, and the chunk at `chunk_offset` of its plain bytes has another id.
    pub fn add_chunk(&mut self, pack: PackId, number: u32, chunk_offset: u32, problem: impl Into<String>) {
        if self.lost_chunks.insert((pack, number, chunk_offset)) {
            self.count_frame(pack, problem.into());
        }
    }

    fn count_frame(&mut self, pack: PackId, problem: String) {
        let damage = self.packs.entry(pack).or_default();
        damage.frames += 1;
        damage.first.get_or_insert(problem);
    }

    /// Whether this place gives no data.
    pub fn has(&self, place: &Location) -> bool {
        let (pack, frame) = (place.pack, place.frame.number);
        !self.packs.is_empty()
            && (self.lost_packs.contains(&pack)
                || self.lost_frames.contains(&(pack, frame))
                || self.lost_chunks.contains(&(pack, frame, place.chunk_offset)))
    }

    /// Whether anything is known to be wrong with this pack.
    pub fn has_pack(&self, pack: &PackId) -> bool {
        self.packs.contains_key(pack)
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.packs.is_empty()
    }

    /// Forgets packs that are no longer wanted: a prune removed them while they were checked.
    pub fn retain(&mut self, is_wanted: impl Fn(&PackId) -> bool) {
        self.packs.retain(|pack, _| is_wanted(pack));
        self.lost_packs.retain(&is_wanted);
        self.lost_frames.retain(|(pack, _)| is_wanted(pack));
        self.lost_chunks.retain(|(pack, ..)| is_wanted(pack));
    }

    /// The damage in words, by pack.
    pub fn objects(&self) -> impl Iterator<Item = DamagedObject> + '_ {
        self.packs.iter().map(|(pack, damage)| {
            let frames = damage.first.as_ref().map(|first| match damage.frames {
                1 => first.clone(),
                more => format!("{more} parts of it cannot be read; the first: {first}"),
            });
            let problem = [damage.whole.clone(), frames].into_iter().flatten().collect::<Vec<_>>().join("; ");
            DamagedObject { name: pack_name(pack), problem }
        })
    }
}
