//! Lines of `problems`.

use serde::Serialize;

use super::{hex_where_needed, time_text};
use crate::id::SnapshotId;
use crate::manifest::{Manifest, Problem, ProblemKind};
use crate::units::lossy_text;

/// One line of `problems`: what was wrong with one path.
#[derive(Clone, Debug, Serialize)]
pub struct ProblemLine {
    /// The snapshot.
    pub snapshot: String,
    /// Its series.
    pub series: String,
    /// Its time.
    pub time: String,
    /// `unreadable`, `changed`, `gone` or `unknown`.
    pub problem: &'static str,
    /// The absolute path; left out when it is about all sources.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Its exact bytes, when it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_hex: Option<String>,
    /// What happened.
    pub message: String,
}

impl ProblemLine {
    /// A problem of the run that made the snapshot `id`.
    pub fn new(id: &SnapshotId, manifest: &Manifest, problem: &Problem) -> Self {
        let path = Some(&problem.path[..]).filter(|path| !path.is_empty());
        Self {
            snapshot: id.to_string(),
            series: manifest.series.clone(),
            time: time_text(manifest.time),
            problem: match problem.kind() {
                ProblemKind::Unreadable => "unreadable",
                ProblemKind::Changed => "changed",
                ProblemKind::Gone => "gone",
                ProblemKind::Unknown => "unknown",
            },
            path: path.map(|path| lossy_text(path).into_owned()),
            path_hex: path.and_then(hex_where_needed),
            message: problem.message.clone(),
        }
    }
}

/// The line behind the problems of a snapshot that lists only some of them.
#[derive(Clone, Debug, Serialize)]
pub struct MoreProblemsLine {
    /// The snapshot.
    pub snapshot: String,
    /// How many it does not list.
    pub more: u64,
}
