//! What `repo snapshot` says at its end: in plain words what was saved, or as an object.

use std::time::Duration;

use serde::Serialize;

use super::output::Output;
use super::text::{bytes, duration, grouped};
use crate::browse::json;
use crate::catalog::Summary;
use crate::error::Result;
use crate::id::SnapshotId;
use crate::snapshot::Outcome;

/// The object of `snapshot --json`: that of `snapshots --json`, and how the run went.
#[derive(Serialize)]
struct SavedLine {
    /// As in the listing, but null after a dry run, which leaves no snapshot.
    id: Option<String>,
    #[serde(flatten)]
    snapshot: serde_json::Map<String, serde_json::Value>,
    dry_run: bool,
    packs_adopted: u64,
    seconds: f64,
}

/// Prints what was saved.
pub fn print(outcome: &Outcome, time: Duration, output: &mut Output) -> Result<()> {
    output.report(|output| match (output.is_json, &outcome.id) {
        (true, _) => output.json(&saved_line(outcome, time)),
        (false, Some(id)) if output.is_quiet => output.line(id),
        _ => print_text(outcome, time, output),
    })
}

fn saved_line(outcome: &Outcome, time: Duration) -> SavedLine {
    let manifest = &outcome.manifest;
    let mut summary = Summary::of(&outcome.id.unwrap_or(SnapshotId([0; 32])), manifest);
    // Whole, whatever would fit the catalog.
    (summary.paths, summary.tags) = (manifest.paths.clone(), manifest.tags.clone());
    let mut snapshot = match serde_json::to_value(json::SnapshotLine::from(&summary)) {
        Ok(serde_json::Value::Object(map)) => map,
        // A struct of texts and numbers is always an object.
        _ => serde_json::Map::new(),
    };
    snapshot.remove("id");
    SavedLine {
        id: outcome.id.map(|id| id.to_string()),
        snapshot,
        dry_run: outcome.id.is_none(),
        packs_adopted: outcome.packs_adopted,
        seconds: time.as_secs_f64(),
    }
}

fn print_text(outcome: &Outcome, time: Duration, output: &mut Output) -> Result<()> {
    let (manifest, counts) = (&outcome.manifest, &outcome.manifest.counts);
    let base = manifest.base.map(|base| format!(", base {}", base.short())).unwrap_or_default();
    let kind = manifest.kind.name();
    match &outcome.id {
        Some(id) => output.line(format_args!("snapshot {} saved ({kind}{base})", id.short()))?,
        None => output.line(format_args!("dry run: nothing was saved ({kind}{base})"))?,
    }
    output.line(format_args!(
        "  files: {} new, {} changed, {} unchanged",
        grouped(counts.files_new),
        grouped(counts.files_changed),
        grouped(counts.files_unchanged)
    ))?;
    if outcome.packs_adopted > 0 {
        output.line(format_args!("  {} packs of an interrupted run were taken over", grouped(outcome.packs_adopted)))?;
    }
    if counts.problems > 0 {
        output.line(format_args!("  {} files or folders could not be read, or changed meanwhile", grouped(counts.problems)))?;
    }
    output.line(format_args!(
        "  read {}, new {}, stored {}, in {}",
        bytes(counts.bytes_read),
        bytes(counts.bytes_new),
        bytes(counts.bytes_stored),
        duration(time)
    ))
}
