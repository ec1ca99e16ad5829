//! What `repo restore` did, or would do, in words and as JSON.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::global::quoted;
use super::message;
use super::output::Output;
use super::text::{bytes, counted, duration, grouped};
use crate::error::Result;
use crate::id::{SnapshotId, to_hex};
use crate::restore::{self, ActionKind, Outcome};
use crate::units::{PathText, lossy_text};

#[derive(Serialize)]
struct RestoredLine<'a> {
    snapshot: String,
    destination: &'a str,
    dry_run: bool,
    files: u64,
    directories: u64,
    hard_links: u64,
    others: u64,
    bytes_written: u64,
    left: u64,
    unchanged: u64,
    metadata_set: u64,
    damaged: u64,
    failed: u64,
    deleted: u64,
    kept: u64,
    leftovers: u64,
    notes: u64,
    unasked: u64,
    verified: u64,
    verify_failed: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    actions: Vec<ActionLine>,
    seconds: f64,
}

#[derive(Serialize)]
struct ActionLine {
    action: &'static str,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_hex: Option<String>,
}

fn action_name(kind: ActionKind) -> &'static str {
    match kind {
        ActionKind::Create => "create",
        ActionKind::Replace => "replace",
        ActionKind::SetMetadata => "metadata",
        ActionKind::Leave => "leave",
        ActionKind::Delete => "delete",
        ActionKind::Keep => "keep",
    }
}

/// Prints what was done, as the output is asked for.
///
/// # Errors
/// Those of writing.
pub fn print(id: &SnapshotId, destination: &Path, dry_run: bool, outcome: &Outcome, time: Duration, output: &mut Output) -> Result<()> {
    if output.is_json {
        return output.json(&line(id, destination, dry_run, outcome, time));
    }
    for action in &outcome.actions {
        output.line(format_args!("{:<8}  {}", action_name(action.kind), PathText(&action.path)))?;
    }
    if outcome.is_cut {
        let (deletions, others) = (grouped(restore::DELETIONS_MAX as u64), grouped(restore::ACTIONS_MAX as u64));
        message::note(format_args!("only the first {deletions} deletions and {others} other actions are listed"));
    }
    if output.is_quiet {
        return Ok(());
    }
    let done = if dry_run { "would be restored" } else { "restored" };
    output.line(format_args!("snapshot {} {done} to {}", id.short(), quoted(destination)))?;
    output.line(format_args!(
        "  {}, {}, {}; {} as they were",
        counted(outcome.files + outcome.hard_links, "file"),
        counted(outcome.directories, "directory"),
        counted(outcome.others, "other"),
        grouped(outcome.unchanged),
    ))?;
    let rest = [
        (outcome.metadata_set, "had the right content and got their owner, mode and attributes"),
        (outcome.left, "left as they are though they differ (see --overwrite)"),
        (outcome.deleted, "deleted"),
        (outcome.kept, "not deleted: the snapshot did not look at them (see --delete-excluded)"),
        (outcome.leftovers, "temporary files of a killed restore removed"),
        (outcome.unasked, "have inode flags or trusted attributes that were not restored (see --inode-flags, --trusted-xattrs)"),
        (outcome.verified, "read and found right"),
        (outcome.failed, "could not be restored"),
        (outcome.verify_failed, "read back and found wrong"),
        (outcome.damaged, "damaged"),
    ];
    for (number, what) in rest.into_iter().filter(|(number, _)| *number > 0) {
        output.line(format_args!("  {} {what}", grouped(number)))?;
    }
    output.line(format_args!("  {} in {}", bytes(outcome.bytes_written), duration(time)))
}

fn line(id: &SnapshotId, destination: &Path, dry_run: bool, outcome: &Outcome, time: Duration) -> serde_json::Value {
    let Outcome { files, directories, hard_links, others, bytes_written, left, unchanged, damaged, failed, deleted, notes, .. } = *outcome;
    let Outcome { verified, verify_failed, kept, unasked, metadata_set, leftovers, .. } = *outcome;
    let actions = outcome.actions.iter().map(|action| ActionLine {
        action: action_name(action.kind),
        path: lossy_text(&action.path).into_owned(),
        path_hex: std::str::from_utf8(&action.path).is_err().then(|| to_hex(&action.path)),
    });
    let line = RestoredLine {
        snapshot: id.to_string(),
        destination: &lossy_text(destination.as_os_str().as_bytes()),
        dry_run,
        files,
        directories,
        hard_links,
        others,
        bytes_written,
        left,
        unchanged,
        metadata_set,
        damaged,
        failed,
        deleted,
        kept,
        leftovers,
        notes,
        unasked,
        verified,
        verify_failed,
        actions: actions.collect(),
        seconds: time.as_secs_f64(),
    };
    // A struct of texts and numbers is always a JSON value.
    serde_json::to_value(line).unwrap_or_default()
}
