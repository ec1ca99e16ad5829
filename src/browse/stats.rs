//! What a repository and a snapshot hold, in numbers.
//!
//! The numbers of a repository come from the index and the listing of packs; no pack is read. What a
//! single snapshot would free is not among them: it takes a walk through all others, and is the
//! business of a dry run of prune.

use crate::cancel::check_cancelled;
use std::collections::BTreeMap;

use super::place::Place;
use super::visit::{Descend, Visit, visit};
use crate::catalog::Listing;
use crate::error::Result;
use crate::index::Index;
use crate::manifest::{Content, Node};
use crate::pack::PackKind;
use crate::progress::Progress;
use crate::repository::{ChunkReader, PackListing};

/// So many endings of file names are told apart; the rest is counted together.
const ENDINGS_MAX: usize = 4096;
/// A longer part behind the last dot is no ending but a part of the name.
const ENDING_BYTES_MAX: usize = 12;

/// A repository in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RepositoryStats {
    /// Snapshots that can be read.
    pub snapshots: u64,
    /// Sum of the lengths of the files of all these snapshots.
    pub source_bytes: u64,
    /// Packs of file content that the index names and that are there.
    pub data_packs: u64,
    /// Packs of trees, likewise.
    pub meta_packs: u64,
    /// Stored bytes of the packs of file content.
    pub data_stored_bytes: u64,
    /// Stored bytes of the packs of trees.
    pub meta_stored_bytes: u64,
    /// Packs that no index segment names, left by a run that was interrupted; the next run takes
    /// them over.
    pub unnamed_packs: u64,
    /// Their stored bytes.
    pub unnamed_bytes: u64,
    /// Packs that the index names and that are not there or have another length: damage.
    pub missing_packs: u64,
    /// Different chunks of file content.
    pub data_chunks: u64,
    /// Their plain bytes.
    pub data_plain_bytes: u64,
    /// Different tree pages and list pages.
    pub meta_chunks: u64,
    /// Their plain bytes.
    pub meta_plain_bytes: u64,
    /// Entries of the index beyond one for each chunk: chunks that are stored in several places.
    pub repeated_chunks: u64,
}

impl RepositoryStats {
    /// All stored bytes of packs.
    pub fn stored_bytes(&self) -> u64 {
        self.data_stored_bytes + self.meta_stored_bytes + self.unnamed_bytes
    }

    /// How many bytes of files stand for each plain byte that is kept; `None` when nothing is.
    pub fn deduplication_ratio(&self) -> Option<f64> {
        ratio(self.source_bytes, self.data_plain_bytes)
    }

    /// How many plain bytes stand for each stored byte; `None` when nothing is stored.
    pub fn compression_ratio(&self) -> Option<f64> {
        ratio(self.data_plain_bytes + self.meta_plain_bytes, self.data_stored_bytes + self.meta_stored_bytes)
    }

    /// How many bytes of files stand for each stored byte; `None` when nothing is stored.
    pub fn total_ratio(&self) -> Option<f64> {
        ratio(self.source_bytes, self.stored_bytes())
    }
}

fn ratio(above: u64, below: u64) -> Option<f64> {
    (below > 0).then(|| above as f64 / below as f64)
}

/// Counts what is in a repository.
///
/// # Errors
/// `Damaged` when this machine's index tables are; `Interrupted`; those of the storage.
pub fn repository_stats(reader: &ChunkReader, listing: &Listing, progress: &dyn Progress) -> Result<RepositoryStats> {
    let index = reader.index();
    let packs = PackListing::read(&**reader.objects().storage())?;
    let mut stats = RepositoryStats { snapshots: listing.summaries().len() as u64, ..RepositoryStats::default() };
    stats.source_bytes = listing.summaries().iter().fold(0, |sum, summary| sum.saturating_add(summary.counts.bytes_total));
    stats.missing_packs = index.presence(packs.packs()).missing_packs().len() as u64;
    let mut unnamed = packs.packs().clone();
    for (id, kind, bytes) in index.packs() {
        if packs.packs().get(&id) == Some(&bytes) {
            let (count, stored) = match kind {
                PackKind::Data => (&mut stats.data_packs, &mut stats.data_stored_bytes),
                PackKind::Meta => (&mut stats.meta_packs, &mut stats.meta_stored_bytes),
            };
            *count += 1;
            *stored += bytes;
        }
        unnamed.remove(&id);
    }
    stats.unnamed_packs = unnamed.len() as u64;
    stats.unnamed_bytes = unnamed.values().sum();
    count_chunks(&index, &mut stats, progress)?;
    Ok(stats)
}

/// Counts the chunks in one pass: they come in the order of their ids, so one that is stored twice comes
/// twice in a row.
fn count_chunks(index: &Index, stats: &mut RepositoryStats, progress: &dyn Progress) -> Result<()> {
    let (mut seen, mut last) = (0u64, None);
    index.for_each_chunk(&mut |id, place| {
        seen += 1;
        if seen.is_multiple_of(1 << 16) {
            check_cancelled(progress)?;
        }
        if last.replace(*id) == Some(*id) {
            stats.repeated_chunks += 1;
            return Ok(());
        }
        let (count, plain) = match place.pack_kind {
            PackKind::Data => (&mut stats.data_chunks, &mut stats.data_plain_bytes),
            PackKind::Meta => (&mut stats.meta_chunks, &mut stats.meta_plain_bytes),
        };
        *count += 1;
        *plain += u64::from(place.chunk_bytes);
        Ok(())
    })
}

/// So many files of one ending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TypeStats {
    /// Files.
    pub files: u64,
    /// Sum of their lengths.
    pub bytes: u64,
}

/// A snapshot, or a part of it, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnapshotStats {
    /// Regular files.
    pub files: u64,
    /// Sum of their lengths.
    pub bytes: u64,
    /// Folders, without the one that was asked for.
    pub directories: u64,
    /// Symbolic links.
    pub symlinks: u64,
    /// Pipes and devices.
    pub others: u64,
    /// Files by the ending of their name in lower case, without the dot; an empty ending is none.
    pub by_ending: BTreeMap<Vec<u8>, TypeStats>,
    /// Files of more endings than are told apart.
    pub other_endings: TypeStats,
    /// Pages that could not be read, each with a finding.
    pub unreadable: u64,
}

/// Counts what lies at `place`.
///
/// # Errors
/// `NotFound` when nothing is there; `Damaged` when the way there cannot be read; `Unsupported`,
/// `Interrupted`.
pub fn snapshot_stats(reader: &ChunkReader, place: &Place<'_>, progress: &dyn Progress) -> Result<SnapshotStats> {
    let mut stats = SnapshotStats::default();
    let mut take = |step: Visit<'_>| {
        match step {
            Visit::Entry(_, node) => stats.count(node),
            Visit::Leave => {}
            Visit::Unreadable => stats.unreadable += 1,
        }
        Ok(Descend::Enter)
    };
    visit(reader, place, &mut take, progress)?;
    Ok(stats)
}

impl SnapshotStats {
    fn count(&mut self, node: &Node) {
        match &node.content {
            Content::File(bytes, _) => {
                self.files += 1;
                self.bytes = self.bytes.saturating_add(*bytes);
                let ending = ending(&node.name);
                let is_known = self.by_ending.contains_key(&ending) || self.by_ending.len() < ENDINGS_MAX;
                let of_ending = if is_known { self.by_ending.entry(ending).or_default() } else { &mut self.other_endings };
                of_ending.files += 1;
                of_ending.bytes = of_ending.bytes.saturating_add(*bytes);
            }
            Content::Directory(_) | Content::Ancestor => self.directories += 1,
            Content::Symlink(_) => self.symlinks += 1,
            Content::Fifo | Content::CharDevice(..) | Content::BlockDevice(..) => self.others += 1,
        }
    }
}

/// What stands behind the last dot, in lower case. A dot at the beginning hides a file and ends nothing.
fn ending(name: &[u8]) -> Vec<u8> {
    match name.iter().rposition(|byte| *byte == b'.') {
        Some(at) if at > 0 && name.len() - at - 1 <= ENDING_BYTES_MAX => name[at + 1..].to_ascii_lowercase(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_are_short_and_in_lower_case() {
        assert_eq!(ending(b"a.tar.GZ"), b"gz");
        for name in [&b"Makefile"[..], b".bashrc", b"a.", b"v1.a-very-long-sentence"] {
            assert_eq!(ending(name), b"", "{name:?}");
        }
    }
}
