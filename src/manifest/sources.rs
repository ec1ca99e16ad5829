//! What each source of a snapshot has, in numbers, and when that looks like a loss: for who saves, to warn, and for who
//! removes snapshots by rules, to keep the last one that had the files.

use serde::{Deserialize, Serialize};

use super::node::Content;
use super::run::Manifest;
use crate::wire;

/// The extension of a manifest with the counts of its sources.
pub const SOURCE_COUNTS: u16 = 9;
/// Who deletes fewer files than this has lost nothing, unless nothing is left.
const GONE_FILES_MIN: u64 = 4;
/// The lengths of files are compared from so many bytes on.
const BYTES_MIN: u64 = 1 << 20;

/// What a source has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceCounts {
    /// Where it is.
    #[serde(with = "serde_bytes")]
    pub path: Vec<u8>,
    /// Its regular files.
    pub files: u64,
    /// The sum of their lengths.
    pub bytes: u64,
}

/// What most of a source was lost of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceLoss {
    /// No file is left.
    Everything,
    /// Most files are gone.
    Files,
    /// Most bytes are gone, though the files are there.
    Bytes,
}

impl SourceCounts {
    /// Of a source at `path` in which nothing was counted yet.
    pub fn of(path: Vec<u8>) -> Self {
        Self { path, files: 0, bytes: 0 }
    }

    /// Counts a file of so many bytes.
    pub fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }

    /// What was lost between this and the later `now`, if that looks like a loss.
    pub fn loss(&self, now: &Self) -> Option<SourceLoss> {
        if now.files == 0 && self.files > 0 {
            return Some(SourceLoss::Everything);
        }
        let gone = self.files.saturating_sub(now.files);
        if gone >= GONE_FILES_MIN && is_most(gone, self.files) {
            return Some(SourceLoss::Files);
        }
        let gone = self.bytes.saturating_sub(now.bytes);
        (self.files >= GONE_FILES_MIN && self.bytes >= BYTES_MIN && is_most(gone, self.bytes)).then_some(SourceLoss::Bytes)
    }
}

/// Whether so many files of `all` are most of them, and more than somebody tidies away.
pub fn is_most_of_files(part: u64, all: u64) -> bool {
    part >= GONE_FILES_MIN && is_most(part, all)
}

fn is_most(part: u64, all: u64) -> bool {
    part > all / 2
}

impl Manifest {
    /// How many regular files it has.
    pub fn files(&self) -> u64 {
        self.counts.files_new + self.counts.files_changed + self.counts.files_unchanged
    }

    /// The counts of its sources, as far as they are known.
    pub fn source_counts(&self) -> Vec<SourceCounts> {
        let told = self.extensions.get(SOURCE_COUNTS).and_then(|bytes| wire::decode(bytes, "the counts of the sources").ok());
        told.unwrap_or_else(|| {
            let mut sources = self.entries.iter().filter(|entry| !matches!(entry.node.content, Content::Ancestor));
            match (sources.next(), sources.next()) {
                (Some(only), None) => {
                    vec![SourceCounts { path: only.path.clone(), files: self.files(), bytes: self.counts.bytes_total }]
                }
                _ => Vec::new(),
            }
        })
    }
}
