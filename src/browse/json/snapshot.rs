//! Lines about snapshots: `snapshots` and `history`.

use serde::Serialize;

use super::entry::Attributes;
use super::time_text;
use crate::browse::history::Version;
use crate::catalog::Summary;
use crate::id::to_hex;
use crate::manifest::{Counts, Kind};
use crate::units::lossy_text;

/// One line of `snapshots`.
#[derive(Clone, Debug, Serialize)]
pub struct SnapshotLine {
    /// The id.
    pub id: String,
    /// `full`, `incremental` or `differential`.
    pub kind: Kind,
    /// The snapshot that the change view is measured against, or null.
    pub base: Option<String>,
    /// The line of snapshots it belongs to.
    pub series: String,
    /// The machine.
    pub host: String,
    /// Tells machines of one name apart, or null where an early version did not say.
    pub machine: Option<String>,
    /// The user who ran it.
    pub user: String,
    /// The time that retention goes by.
    pub time: String,
    /// When the run began.
    pub started_at: String,
    /// When the snapshot was complete.
    pub committed_at: String,
    /// The paths that were saved.
    pub paths: Vec<String>,
    /// The exact bytes of all `paths`, in the same order, when one of them is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paths_hex: Option<Vec<String>>,
    /// Free words.
    pub tags: Vec<String>,
    /// Equal for snapshots that hold exactly the same.
    pub root: String,
    /// What the run did.
    pub counts: Counts,
}

impl From<&Summary> for SnapshotLine {
    fn from(summary: &Summary) -> Self {
        let (paths, paths_hex) = paths_text(&summary.paths);
        Self {
            id: summary.id.to_string(),
            kind: summary.kind,
            base: summary.base.map(|base| base.to_string()),
            series: summary.series.clone(),
            host: summary.host.clone(),
            machine: summary.machine.map(|machine| machine.to_string()),
            user: summary.user.clone(),
            time: time_text(summary.time),
            started_at: time_text(summary.started_at),
            committed_at: time_text(summary.committed_at),
            paths,
            paths_hex,
            tags: summary.tags.clone(),
            root: summary.root.to_string(),
            counts: summary.counts,
        }
    }
}

/// Paths as JSON has them, and the exact bytes of all when one of them is not UTF-8.
pub fn paths_text(paths: &[serde_bytes::ByteBuf]) -> (Vec<String>, Option<Vec<String>>) {
    let has_odd_path = paths.iter().any(|path| std::str::from_utf8(path).is_err());
    let text = paths.iter().map(|path| lossy_text(path).into_owned()).collect();
    (text, has_odd_path.then(|| paths.iter().map(|path| to_hex(path)).collect()))
}

/// A snapshot as other lines name it.
#[derive(Clone, Debug, Serialize)]
pub struct SnapshotName {
    /// The id.
    pub id: String,
    /// Its time.
    pub time: String,
}

impl From<&Summary> for SnapshotName {
    fn from(summary: &Summary) -> Self {
        Self { id: summary.id.to_string(), time: time_text(summary.time) }
    }
}

/// One line of `history`.
#[derive(Clone, Debug, Serialize)]
pub struct VersionLine {
    /// The series that has this version.
    pub series: String,
    /// The oldest snapshot that has it.
    pub first: SnapshotName,
    /// The newest snapshot that has it.
    pub last: SnapshotName,
    /// How many snapshots have it.
    pub snapshots: u64,
    /// The first snapshot in which the path was gone, or null.
    pub gone: Option<SnapshotName>,
    /// The entry.
    #[serde(flatten)]
    pub attributes: Attributes,
}

impl From<&Version<'_>> for VersionLine {
    fn from(version: &Version<'_>) -> Self {
        Self {
            series: version.first.series.clone(),
            first: version.first.into(),
            last: version.last.into(),
            snapshots: version.snapshots,
            gone: version.gone.map(SnapshotName::from),
            attributes: Attributes::from(&version.node),
        }
    }
}
