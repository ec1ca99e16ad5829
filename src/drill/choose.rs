//! The choice of a sample: after the snapshot was made, by a seed, of every size, kind and age.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashSet};

use super::request::Sample;
use crate::error::Result;
use crate::manifest::{Content, DATABASES_FOLDER, Manifest, NOTES_FOLDER};
use crate::progress::Progress;
use crate::repository::ChunkReader;
use crate::trees::{SnapshotView, Step};
use crate::units::Timestamp;

/// Kinds of files that are told apart: the most frequent endings would else crowd out the rest.
const ENDING_BYTES_MAX: usize = 8;
/// So many files of each stratum are remembered while the tree is walked.
const OF_EACH: usize = 64;

/// What was chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chosen {
    /// Paths in the snapshot.
    pub paths: HashSet<Vec<u8>>,
    /// Their lengths together.
    pub bytes: u64,
    /// Regular files of the snapshot, and their lengths.
    pub files_total: u64,
    /// The lengths of all.
    pub bytes_total: u64,
    /// How many databases are among them.
    pub databases: usize,
}

/// A file that may be chosen: its rank by the seed, its path and its length.
type Ranked = (u64, Vec<u8>, u64);

/// Chooses from the snapshot of `manifest`.
///
/// # Errors
/// When a tree cannot be read: then nothing can be said of the rest.
pub(super) fn choose(reader: &ChunkReader, manifest: &Manifest, sample: Sample, seed: u64, progress: &dyn Progress) -> Result<Chosen> {
    let names: Vec<Vec<u8>> = manifest.databases()?.iter().take(sample.databases).map(crate::manifest::SavedDatabase::folder).collect();
    let mut chosen = Chosen { databases: names.len(), ..Chosen::default() };
    let mut strata: BTreeMap<(u32, Vec<u8>, i64), BinaryHeap<Ranked>> = BTreeMap::new();
    let mut newest: BinaryHeap<Reverse<(Timestamp, Vec<u8>, u64)>> = BinaryHeap::new();
    let mut walk = SnapshotView::new(reader, manifest).walk();
    while let Some(step) = walk.next_step()? {
        let Step::Entry(node) = step else { continue };
        let (path, bytes) = (walk.path(), node.file_bytes());
        if !matches!(node.content, Content::File(..)) {
            crate::cancel::check_cancelled(progress)?;
            continue;
        }
        if is_below(path, DATABASES_FOLDER) {
            if names.iter().any(|folder| is_below(path, folder)) {
                chosen.add(path.to_vec(), bytes);
            }
            chosen.bytes_total += bytes;
            continue;
        }
        if is_below(path, NOTES_FOLDER) {
            continue;
        }
        chosen.files_total += 1;
        chosen.bytes_total += bytes;
        newest.push(Reverse((node.metadata.mtime, path.to_vec(), bytes)));
        if newest.len() > sample.newest {
            newest.pop();
        }
        let stratum = (size_class(bytes), ending(path), age_class(node.metadata.mtime, manifest.time));
        let ranked = strata.entry(stratum).or_default();
        ranked.push((rank(seed, path), path.to_vec(), bytes));
        if ranked.len() > OF_EACH.min(sample.random) {
            ranked.pop();
        }
    }
    for Reverse((_, path, bytes)) in newest {
        chosen.add(path, bytes);
    }
    take_in_turns(strata, sample.random, &mut chosen);
    Ok(chosen)
}

impl Chosen {
    fn add(&mut self, path: Vec<u8>, bytes: u64) -> bool {
        let is_new = self.paths.insert(path);
        self.bytes += if is_new { bytes } else { 0 };
        is_new
    }
}

/// Takes one of each stratum, then a second of each, until there are enough. Which stratum comes first follows from the
/// seed too: where there are more of them than are taken, it is another one each time.
fn take_in_turns(strata: BTreeMap<(u32, Vec<u8>, i64), BinaryHeap<Ranked>>, wanted: usize, chosen: &mut Chosen) {
    let mut strata: Vec<Vec<Ranked>> = strata.into_values().map(BinaryHeap::into_sorted_vec).collect();
    strata.sort();
    let (mut taken, longest) = (0, strata.iter().map(Vec::len).max().unwrap_or_default());
    for turn in 0..longest {
        for stratum in &strata {
            if taken == wanted {
                return;
            }
            if let Some((_, path, bytes)) = stratum.get(turn) {
                taken += usize::from(chosen.add(path.clone(), *bytes));
            }
        }
    }
}

/// A number that nobody can choose, the same for the same seed.
fn rank(seed: u64, path: &[u8]) -> u64 {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let hash = blake3::keyed_hash(&key, path);
    hash.as_bytes().iter().take(8).fold(0, |rank, byte| rank << 8 | u64::from(*byte))
}

/// Sizes by powers of sixteen.
fn size_class(bytes: u64) -> u32 {
    bytes.checked_ilog(16).map_or(0, |class| class + 1)
}

/// Ages in days by powers of four.
fn age_class(mtime: Timestamp, now: Timestamp) -> i64 {
    let days = (now.seconds - mtime.seconds).max(0) / 86_400;
    days.checked_ilog(4).map_or(0, |class| i64::from(class) + 1)
}

fn ending(path: &[u8]) -> Vec<u8> {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let ending = name.iter().rposition(|byte| *byte == b'.').filter(|at| *at > 0).map(|at| name[at + 1..].to_ascii_lowercase());
    ending.filter(|ending| ending.len() <= ENDING_BYTES_MAX).unwrap_or_default()
}

fn is_below(path: &[u8], folder: &[u8]) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.first() == Some(&b'/'))
}
