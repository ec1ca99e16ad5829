//! What `repo snapshot` says at its end: in plain words what was saved, or as an object.

use std::time::Duration;

use serde::Serialize;

use super::global::{Global, quoted};
use super::message;
use super::output::Output;
use super::text::{ChangeText, bytes, counted, duration, grouped};
use crate::browse::{self, Reference, json};
use crate::catalog::Summary;
use crate::error::Result;
use crate::id::SnapshotId;
use crate::manifest::Change;
use crate::manifest::SourceCounts;
use crate::progress::{Finding, FindingKind, Silent, Topic};
use crate::repository::Repository;
use crate::snapshot::{LeftOut, OTHER_FILE_SYSTEMS_MAX, Outcome, ProblemCounts, name_sources};
use crate::units::lossy_text;

/// The object of `snapshot --json`: that of `snapshots --json`, and how the run went.
#[derive(Serialize)]
struct SavedLine {
    /// As in the listing, but null after a dry run, which leaves no snapshot.
    id: Option<String>,
    #[serde(flatten)]
    snapshot: serde_json::Map<String, serde_json::Value>,
    dry_run: bool,
    packs_adopted: u64,
    files_removed: Option<u64>,
    renamed: Option<u64>,
    unreadable: u64,
    changed_while_read: u64,
    large_files: u64,
    large_bytes: u64,
    marked_folders: u64,
    sources: Vec<SourceLine>,
    has_loss: bool,
    seconds: f64,
}

/// What one source has.
#[derive(Serialize)]
struct SourceLine {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_hex: Option<String>,
    files: u64,
    bytes: u64,
}

/// Compares what was saved with the base, where there is something to find: returns how many files and folders have
/// another name now, and with `-v` prints each change. None where that is not known.
///
/// # Errors
/// Those of writing.
pub fn tell_changes(repository: &Repository, outcome: &Outcome, global: &Global, output: &mut Output) -> Result<Option<u64>> {
    let is_told = global.verbose && !output.is_json;
    let removed = outcome.files_removed.unwrap_or(0);
    if outcome.id.is_none() {
        return Ok(None);
    }
    // Only what is new can be what is gone under another name.
    if !is_told && (removed == 0 || outcome.manifest.counts.files_new == 0) {
        return Ok(outcome.files_removed.map(|_| 0));
    }
    let mut written = Ok(());
    let mut take = |change: &Change| {
        if is_told && written.is_ok() {
            written = output.line(ChangeText(change, output.style));
        }
        Ok(())
    };
    let found = repository.reader().and_then(|reader| browse::changes(&reader, &outcome.manifest, &mut take, &Silent));
    output.report(|_| written)?;
    // The snapshot is safe, whatever keeps it from being compared.
    Ok(match found {
        Ok(found) if found.unreadable == 0 && !found.renames_left_out => match found.reference {
            Reference::Snapshot(_) => Some(found.counts.renamed),
            Reference::Everything | Reference::Lost(_) => None,
        },
        _ => None,
    })
}

/// Names the folders that were left empty because other file systems are mounted there.
pub fn tell_other_file_systems(outcome: &Outcome) {
    for path in &outcome.other_file_systems {
        message::tell(&Finding::new(
            FindingKind::Note(Topic::LeftOut),
            path.clone(),
            "another file system is mounted here and is left out",
        ));
    }
    if outcome.other_file_systems.len() >= OTHER_FILE_SYSTEMS_MAX {
        message::note("more folders on other file systems are left out");
    }
}

/// Prints what was saved.
///
/// # Errors
/// Those of writing.
pub fn print(outcome: &Outcome, renamed: Option<u64>, time: Duration, output: &mut Output) -> Result<()> {
    output.report(|output| match (output.is_json, output.is_quiet, &outcome.id) {
        (true, ..) => output.json(&saved_line(outcome, renamed, time)),
        // What a script goes on with.
        (false, true, Some(id)) => output.line(id),
        (false, true, None) => Ok(()),
        (false, false, _) => print_text(outcome, renamed, time, output),
    })
}

fn saved_line(outcome: &Outcome, renamed: Option<u64>, time: Duration) -> SavedLine {
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
        files_removed: outcome.files_removed,
        renamed,
        unreadable: outcome.problems.unreadable,
        changed_while_read: outcome.problems.changed,
        large_files: outcome.left_out.large_files,
        large_bytes: outcome.left_out.large_bytes,
        marked_folders: outcome.left_out.marked_folders,
        sources: outcome.sources.iter().map(source_line).collect(),
        has_loss: outcome.has_loss,
        seconds: time.as_secs_f64(),
    }
}

fn source_line(source: &SourceCounts) -> SourceLine {
    SourceLine {
        path: lossy_text(&source.path).into_owned(),
        path_hex: json::hex_where_needed(&source.path),
        files: source.files,
        bytes: source.bytes,
    }
}

fn print_text(outcome: &Outcome, renamed: Option<u64>, time: Duration, output: &mut Output) -> Result<()> {
    let (manifest, counts) = (&outcome.manifest, &outcome.manifest.counts);
    let base = manifest.base.map(|base| format!(", base {}", base.short())).unwrap_or_default();
    let kind = manifest.kind.name();
    match &outcome.id {
        Some(id) => output.line(format_args!("snapshot {} saved ({kind}{base})", id.short()))?,
        None => output.line(format_args!("dry run: nothing was saved ({kind}{base})"))?,
    }
    if !outcome.sources.is_empty() {
        let paths: Vec<Vec<u8>> = outcome.sources.iter().map(|source| source.path.clone()).collect();
        output.line(format_args!("  of {}", name_sources(&paths)))?;
    }
    output.line(format_args!("  in the series {}", quoted(manifest.series.as_ref())))?;
    let removed = outcome.files_removed.map(|files| format!(", {} removed", grouped(files))).unwrap_or_default();
    output.line(format_args!(
        "  files: {} new, {} changed, {} unchanged{removed}",
        grouped(counts.files_new),
        grouped(counts.files_changed),
        grouped(counts.files_unchanged)
    ))?;
    if let Some(renamed) = renamed.filter(|renamed| *renamed > 0) {
        output.line(format_args!("  renamed: {}, counted above as new and as removed", grouped(renamed)))?;
    }
    if outcome.has_loss {
        output.line("  most files of a source are gone since the last snapshot, see the warning; earlier snapshots have them")?;
    }
    if outcome.packs_adopted > 0 {
        output.line(format_args!("  taken over from an interrupted run: {}", counted(outcome.packs_adopted, "pack")))?;
    }
    let LeftOut { large_files, large_bytes, marked_folders } = outcome.left_out;
    if large_files > 0 {
        output.line(format_args!("  left out for their size: {} of {}", counted(large_files, "file"), bytes(large_bytes)))?;
    }
    if marked_folders > 0 {
        output.line(format_args!("  left out by a mark in them: {}", counted(marked_folders, "folder")))?;
    }
    let ProblemCounts { unreadable, changed } = outcome.problems;
    if unreadable > 0 {
        output.line(format_args!("  not read: {}", counted(unreadable, "entry")))?;
    }
    if changed > 0 {
        output.line(format_args!("  changed while it was read: {}", counted(changed, "entry")))?;
    }
    if let (true, Some(id)) = (counts.problems > 0, &outcome.id) {
        output.line(format_args!("  see `repo problems {}`", id.short()))?;
    }
    output.line(format_args!(
        "  read {}, new {}, stored {}, in {}",
        bytes(counts.bytes_read),
        bytes(counts.bytes_new),
        bytes(counts.bytes_stored),
        duration(time)
    ))
}
