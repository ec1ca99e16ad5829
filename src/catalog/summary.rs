//! What listings and the look-up of a base need of a manifest, without its entries.
//!
//! A summary must fit a row of the database whatever the manifest holds, so long parts are left out
//! and [`Summary::is_cut`] says so. It is cut when it is made, not when it is stored: a summary is
//! the same whether it came through the catalog or straight from the manifest.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::row::PAYLOAD_BYTES_MAX;
use crate::error::Result;
use crate::id::{MachineId, RootId, RunId, SnapshotId};
use crate::manifest::{Counts, Kind, Manifest, SnapshotOptions};
use crate::units::Timestamp;
use crate::wire;

/// A longer series is known by its beginning and its hash.
const SERIES_BYTES_MAX: usize = 512;
/// Longer names of hosts and users are cut; Linux allows neither.
const NAME_BYTES_MAX: usize = 255;

/// A manifest without its entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The snapshot.
    pub id: SnapshotId,
    /// The run that made it.
    pub run: RunId,
    /// One more than the highest counter that the writer knew.
    pub counter: u64,
    /// The newest manifest that the writer knew.
    pub previous: Option<SnapshotId>,
    /// Full, incremental or differential.
    pub kind: Kind,
    /// What the change view is measured against.
    pub base: Option<SnapshotId>,
    /// The line of snapshots it belongs to, as [`series_key`] gives it.
    pub series: String,
    /// Which machine, among all of one name; `None` when the manifest does not say.
    pub machine: Option<MachineId>,
    /// The machine; at most 255 bytes of its name.
    pub host: String,
    /// The user who ran it; at most 255 bytes of the name.
    pub user: String,
    /// The time that retention goes by.
    pub time: Timestamp,
    /// When the run began to look at the source.
    pub started_at: Timestamp,
    /// When the manifest was sealed.
    pub committed_at: Timestamp,
    /// The keyed hash of the top-level entries.
    pub root: RootId,
    /// What the run did.
    pub counts: Counts,
    /// Free words; the first of them when the summary is cut.
    pub tags: Vec<String>,
    /// The options to take again; empty when they would not fit and the summary is cut.
    pub options: SnapshotOptions,
    /// The paths as given, made absolute; the first of them when the summary is cut.
    pub paths: Vec<serde_bytes::ByteBuf>,
    /// Something was left out: whoever needs names, tags, options or paths whole reads the manifest.
    pub is_cut: bool,
}

impl Summary {
    /// The summary of a manifest whose id is `id`. Its encoding fits a row of the catalog.
    pub fn of(id: &SnapshotId, manifest: &Manifest) -> Self {
        let (host, user) = (cut(&manifest.host, NAME_BYTES_MAX), cut(&manifest.user, NAME_BYTES_MAX));
        let mut summary = Self {
            id: *id,
            run: manifest.run,
            counter: manifest.counter,
            previous: manifest.previous,
            kind: manifest.kind,
            base: manifest.base,
            series: series_key(&manifest.series).into_owned(),
            machine: manifest.machine(),
            host: host.to_owned(),
            user: user.to_owned(),
            time: manifest.time,
            started_at: manifest.started_at,
            committed_at: manifest.committed_at,
            root: manifest.root,
            counts: manifest.counts,
            tags: Vec::new(),
            options: SnapshotOptions::default(),
            paths: Vec::new(),
            is_cut: host != manifest.host || user != manifest.user,
        };
        // Below 2 KiB so far, by the limits above. Each list takes what is left: 8 bytes of length
        // before each text or path, as the encoding has it.
        let mut left = PAYLOAD_BYTES_MAX - summary.encode().len();
        let mut take = |bytes: usize| match left.checked_sub(bytes) {
            Some(rest) => {
                left = rest;
                true
            }
            None => false,
        };
        summary.tags = manifest.tags.iter().take_while(|tag| take(8 + tag.len())).cloned().collect();
        let option_bytes = wire::encode(&manifest.options).len() - wire::encode(&SnapshotOptions::default()).len();
        if take(option_bytes) {
            summary.options = manifest.options.clone();
        }
        summary.paths = manifest.paths.iter().take_while(|path| take(8 + path.len())).cloned().collect();
        summary.is_cut |=
            summary.tags.len() < manifest.tags.len() || summary.paths.len() < manifest.paths.len() || summary.options != manifest.options;
        summary
    }

    /// The bytes of a summary.
    pub(super) fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    /// Decodes a summary.
    ///
    /// # Errors
    /// `Damaged`.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self> {
        wire::decode(bytes, "a summary in the catalog")
    }

    /// The order of snapshots: by counter, then by the time of commit, then by id so that it is one
    /// order everywhere.
    pub fn order(&self) -> (u64, Timestamp, SnapshotId) {
        (self.counter, self.committed_at, self.id)
    }
}

/// The name under which summaries know a series: the series itself, or for one of more than 512
/// bytes its beginning and its hash.
pub fn series_key(series: &str) -> Cow<'_, str> {
    if series.len() <= SERIES_BYTES_MAX {
        return Cow::Borrowed(series);
    }
    let hash = blake3::hash(series.as_bytes()).to_hex();
    Cow::Owned(format!("{}~{hash}", cut(series, SERIES_BYTES_MAX - 1 - hash.len())))
}

/// The beginning of `text`, whole characters only.
fn cut(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::super::tests::manifest;
    use super::*;

    #[test]
    fn a_summary_of_an_ordinary_manifest_is_whole() {
        let mut manifest = manifest(3, "home", Kind::Incremental);
        manifest.tags = vec!["quarter".into()];
        manifest.options.excludes = vec!["*.tmp".into()];
        let summary = Summary::of(&SnapshotId([1; 32]), &manifest);
        assert!(!summary.is_cut);
        assert_eq!((&summary.tags, &summary.options, &summary.paths), (&manifest.tags, &manifest.options, &manifest.paths));
        assert_eq!(Summary::decode(&summary.encode()).unwrap(), summary);
    }

    #[test]
    fn ten_thousand_long_paths_are_cut_and_the_summary_says_so() {
        let mut manifest = manifest(3, "home", Kind::Full);
        manifest.paths = (0..10_000).map(|n| format!("/{}/{n}", "p".repeat(250)).into_bytes().into()).collect();
        let summary = Summary::of(&SnapshotId([1; 32]), &manifest);
        assert!(summary.is_cut && !summary.paths.is_empty());
        assert_eq!(summary.paths[..], manifest.paths[..summary.paths.len()]);
        let bytes = summary.encode().len();
        assert!(bytes <= PAYLOAD_BYTES_MAX && bytes > PAYLOAD_BYTES_MAX - 270, "{bytes}");
    }

    #[test]
    fn a_manifest_with_every_text_beyond_reason_still_fits() {
        let mut manifest = manifest(3, &"é".repeat(50_000), Kind::Full);
        manifest.host = "ü".repeat(50_000);
        manifest.user = "u".repeat(50_000);
        manifest.tags = vec!["t".repeat(50_000)];
        manifest.options.command = vec!["c".repeat(50_000)];
        manifest.base = Some(SnapshotId([2; 32]));
        manifest.previous = Some(SnapshotId([2; 32]));
        let summary = Summary::of(&SnapshotId([1; 32]), &manifest);
        assert!(summary.is_cut && summary.encode().len() <= PAYLOAD_BYTES_MAX);
        assert_eq!(summary.series, series_key(&manifest.series));
        assert!(summary.series.len() <= SERIES_BYTES_MAX);
    }

    #[test]
    fn two_long_series_with_one_beginning_are_told_apart() {
        let (a, b) = (format!("{}a", "s".repeat(600)), format!("{}b", "s".repeat(600)));
        assert_ne!(series_key(&a), series_key(&b));
        assert_eq!(series_key(&series_key(&a)), series_key(&a));
    }
}
