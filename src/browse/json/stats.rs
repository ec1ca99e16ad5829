//! The objects of `stats`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::browse::stats::{RepositoryStats, SnapshotStats, TypeStats};
use crate::units::lossy_text;

/// The object of `stats` for a repository.
#[derive(Clone, Debug, Serialize)]
pub struct RepositoryStatsLine {
    /// Snapshots.
    pub snapshots: u64,
    /// Sum of the lengths of the files of all snapshots.
    pub source_bytes: u64,
    /// All stored bytes of packs.
    pub stored_bytes: u64,
    /// Packs of file content.
    pub data_packs: u64,
    /// Their stored bytes.
    pub data_stored_bytes: u64,
    /// Different chunks of file content.
    pub data_chunks: u64,
    /// Their plain bytes.
    pub data_plain_bytes: u64,
    /// Packs of trees.
    pub meta_packs: u64,
    /// Their stored bytes.
    pub meta_stored_bytes: u64,
    /// Different tree pages and list pages.
    pub meta_chunks: u64,
    /// Their plain bytes.
    pub meta_plain_bytes: u64,
    /// Chunks that are stored in more places than one, counted once for each further place.
    pub repeated_chunks: u64,
    /// Packs that no index segment names.
    pub unnamed_packs: u64,
    /// Their stored bytes.
    pub unnamed_bytes: u64,
    /// Packs that the index names and that are not there.
    pub missing_packs: u64,
    /// `source_bytes` / `data_plain_bytes`, or null.
    pub deduplication_ratio: Option<f64>,
    /// Plain bytes / stored bytes of the packs, or null.
    pub compression_ratio: Option<f64>,
    /// `source_bytes` / `stored_bytes`, or null.
    pub total_ratio: Option<f64>,
}

impl From<&RepositoryStats> for RepositoryStatsLine {
    fn from(stats: &RepositoryStats) -> Self {
        Self {
            snapshots: stats.snapshots,
            source_bytes: stats.source_bytes,
            stored_bytes: stats.stored_bytes(),
            data_packs: stats.data_packs,
            data_stored_bytes: stats.data_stored_bytes,
            data_chunks: stats.data_chunks,
            data_plain_bytes: stats.data_plain_bytes,
            meta_packs: stats.meta_packs,
            meta_stored_bytes: stats.meta_stored_bytes,
            meta_chunks: stats.meta_chunks,
            meta_plain_bytes: stats.meta_plain_bytes,
            repeated_chunks: stats.repeated_chunks,
            unnamed_packs: stats.unnamed_packs,
            unnamed_bytes: stats.unnamed_bytes,
            missing_packs: stats.missing_packs,
            deduplication_ratio: stats.deduplication_ratio(),
            compression_ratio: stats.compression_ratio(),
            total_ratio: stats.total_ratio(),
        }
    }
}

/// The object of `stats` for a snapshot.
#[derive(Clone, Debug, Serialize)]
pub struct SnapshotStatsLine {
    /// Regular files.
    pub files: u64,
    /// Sum of their lengths.
    pub bytes: u64,
    /// Folders.
    pub directories: u64,
    /// Symbolic links.
    pub symlinks: u64,
    /// Pipes and devices.
    pub others: u64,
    /// Files by the ending of their name; the empty ending is none.
    pub by_ending: BTreeMap<String, EndingCounts>,
    /// Files of endings beyond the first 4,096.
    pub other_endings: EndingCounts,
    /// Pages that could not be read.
    pub unreadable: u64,
}

/// Files of one ending.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct EndingCounts {
    /// Files.
    pub files: u64,
    /// Sum of their lengths.
    pub bytes: u64,
}

impl From<&TypeStats> for EndingCounts {
    fn from(stats: &TypeStats) -> Self {
        Self { files: stats.files, bytes: stats.bytes }
    }
}

impl From<&SnapshotStats> for SnapshotStatsLine {
    fn from(stats: &SnapshotStats) -> Self {
        let mut by_ending: BTreeMap<String, EndingCounts> = BTreeMap::new();
        for (ending, of_ending) in &stats.by_ending {
            // Two endings that are not UTF-8 may read alike.
            let counts = by_ending.entry(lossy_text(ending).into_owned()).or_default();
            counts.files += of_ending.files;
            counts.bytes = counts.bytes.saturating_add(of_ending.bytes);
        }
        Self {
            files: stats.files,
            bytes: stats.bytes,
            directories: stats.directories,
            symlinks: stats.symlinks,
            others: stats.others,
            by_ending,
            other_endings: EndingCounts::from(&stats.other_endings),
            unreadable: stats.unreadable,
        }
    }
}
