//! Lines about changes: `diff` and `changes`.

use serde::Serialize;

use super::entry::Attributes;
use super::hex_where_needed;
use crate::browse::changes::{ChangesOutcome, Reference};
use crate::browse::diff::{ChangeCounts, DiffOutcome};
use crate::manifest::{Change, ChangeKind};
use crate::units::lossy_text;

/// One line of `diff` and `changes`.
#[derive(Clone, Debug, Serialize)]
pub struct ChangeLine {
    /// `added`, `modified`, `metadata`, `removed` or `renamed`.
    pub change: ChangeKind,
    /// The path; of a rename the new one.
    pub path: String,
    /// Its exact bytes, when it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_hex: Option<String>,
    /// The old path of a rename.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Its exact bytes, when it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_hex: Option<String>,
    /// The entry before, unless it was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Attributes>,
    /// The entry now, unless it was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Attributes>,
}

impl From<&Change> for ChangeLine {
    fn from(change: &Change) -> Self {
        Self {
            change: change.kind,
            path: lossy_text(&change.path).into_owned(),
            path_hex: hex_where_needed(&change.path),
            from: change.from.as_deref().map(|from| lossy_text(from).into_owned()),
            from_hex: change.from.as_deref().and_then(hex_where_needed),
            old: change.old.as_ref().map(Attributes::from),
            new: change.new.as_ref().map(Attributes::from),
        }
    }
}

/// The last line of `diff` and `changes`.
#[derive(Clone, Debug, Serialize)]
pub struct ChangeSummaryLine {
    /// Marks the line, which has no `change` and no `path`.
    pub summary: ChangeSummary,
}

/// How many lines came before, and what they were measured against.
#[derive(Clone, Debug, Serialize)]
pub struct ChangeSummary {
    /// `everything`, `snapshot` or `lost`; of `diff` always `snapshot`.
    pub reference: &'static str,
    /// The snapshot of `reference`, also where it is lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// Lines `added`.
    pub added: u64,
    /// Lines `modified`.
    pub modified: u64,
    /// Lines `metadata`.
    pub metadata: u64,
    /// Lines `removed`.
    pub removed: u64,
    /// Lines `renamed`.
    pub renamed: u64,
    /// There was too much to look for renames.
    pub renames_left_out: bool,
    /// Folders that could not be read to their end.
    pub unreadable: u64,
}

impl ChangeSummaryLine {
    fn new(reference: &'static str, base: Option<String>, counts: &ChangeCounts, renames_left_out: bool, unreadable: u64) -> Self {
        let ChangeCounts { added, modified, metadata, removed, renamed } = *counts;
        Self { summary: ChangeSummary { reference, base, added, modified, metadata, removed, renamed, renames_left_out, unreadable } }
    }
}

impl From<&ChangesOutcome> for ChangeSummaryLine {
    fn from(outcome: &ChangesOutcome) -> Self {
        let (reference, base) = match outcome.reference {
            Reference::Everything => ("everything", None),
            Reference::Snapshot(base) => ("snapshot", Some(base.to_string())),
            Reference::Lost(base) => ("lost", Some(base.to_string())),
        };
        Self::new(reference, base, &outcome.counts, outcome.renames_left_out, outcome.unreadable)
    }
}

impl From<&DiffOutcome> for ChangeSummaryLine {
    fn from(outcome: &DiffOutcome) -> Self {
        Self::new("snapshot", None, &outcome.counts, outcome.renames_left_out, outcome.unreadable)
    }
}
