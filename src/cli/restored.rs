//! What `repo restore` did, or would do, in words and as JSON.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::global::quoted;
use super::message;
use super::output::Output;
use super::text::{bytes, counted, duration, grouped};
use super::times;
use crate::browse::json;
use crate::error::Result;
use crate::id::SnapshotId;
use crate::platform::names;
use crate::restore::{self, ActionKind, Outcome};
use crate::units::{PathText, Timestamp, lossy_text};

#[derive(Serialize)]
struct RestoredLine {
    snapshot: String,
    time: String,
    destination: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_hex: Option<String>,
    absolute_destination: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    absolute_destination_hex: Option<String>,
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

/// A restore that came to its end.
pub struct Restored<'a> {
    /// What was restored.
    pub id: SnapshotId,
    /// The time of the snapshot.
    pub moment: Timestamp,
    /// Where to, as it was given.
    pub destination: &'a Path,
    /// Nothing was done.
    pub dry_run: bool,
    /// Whether what is in the way is replaced as far as it may be.
    pub overwrites: bool,
    /// What was done.
    pub outcome: &'a Outcome,
    /// How long it took.
    pub time: Duration,
}

impl Restored<'_> {
    /// Prints what was done, as the output is asked for.
    ///
    /// # Errors
    /// Those of writing.
    pub fn print(&self, output: &mut Output) -> Result<()> {
        if output.is_json {
            return output.json(&self.line());
        }
        let outcome = self.outcome;
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
        let done = if self.dry_run { "would be restored" } else { "restored" };
        output.line(format_args!("snapshot {} {done}", self.id.short()))?;
        output.line(format_args!("  of {}", times::long(self.moment)))?;
        output.line(format_args!("  to {}", quoted(&absolute(self.destination))))?;
        let entries = [(outcome.files + outcome.hard_links, "file"), (outcome.directories, "directory"), (outcome.others, "other entry")];
        let entries: Vec<String> = entries
            .into_iter()
            .filter(|(number, what)| *number > 0 || *what == "file")
            .map(|(number, what)| counted(number, what))
            .collect();
        output.line(format_args!("  {}, {}", entries.join(", "), bytes(outcome.bytes_written)))?;
        let rest = [
            (outcome.verified, "verified: read and found right"),
            (outcome.unchanged, "kept: already as in the snapshot"),
            (outcome.metadata_set, "had the right content and got their owner, mode and attributes"),
            (outcome.left, if self.overwrites { "kept though they differ" } else { "kept though they differ (see --overwrite)" }),
            (outcome.deleted, "deleted"),
            (outcome.kept, "not deleted: the snapshot did not look at them (see --delete-excluded)"),
            (outcome.leftovers, "temporary files of a killed restore removed"),
            (outcome.unasked, "have inode flags or trusted attributes that were not restored (see --inode-flags, --trusted-xattrs)"),
            (outcome.failed, "failed: could not be restored"),
            (outcome.verify_failed, "failed: read back and found wrong"),
            (outcome.damaged, "failed: damaged in the repository"),
        ];
        for (number, what) in rest.into_iter().filter(|(number, _)| *number > 0) {
            output.line(format_args!("  {} {what}", grouped(number)))?;
        }
        output.line(format_args!("  in {}", duration(self.time)))
    }

    fn line(&self) -> serde_json::Value {
        let Self { id, moment, destination, dry_run, outcome, time, .. } = *self;
        let absolute = absolute(destination);
        let bytes = [destination, &absolute].map(names::to_bytes);
        let Outcome { files, directories, hard_links, others, bytes_written, left, unchanged, damaged, failed, deleted, notes, .. } =
            *outcome;
        let Outcome { verified, verify_failed, kept, unasked, metadata_set, leftovers, .. } = *outcome;
        let actions = outcome.actions.iter().map(|action| ActionLine {
            action: action_name(action.kind),
            path: lossy_text(&action.path).into_owned(),
            path_hex: json::hex_where_needed(&action.path),
        });
        let line = RestoredLine {
            snapshot: id.to_string(),
            time: json::time_text(moment),
            destination: lossy_text(bytes[0]).into_owned(),
            destination_hex: json::hex_where_needed(bytes[0]),
            absolute_destination: lossy_text(bytes[1]).into_owned(),
            absolute_destination_hex: json::hex_where_needed(bytes[1]),
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
}

/// Where a path lies, without the dots and links on the way where that can be found out.
fn absolute(path: &Path) -> PathBuf {
    // A link in the place of a file was in the way, and is not where anything went.
    if let (true, Some(name), Some(above)) = (path.is_symlink() && !path.is_dir(), path.file_name(), path.parent()) {
        return absolute(if above.as_os_str().is_empty() { Path::new(".") } else { above }).join(name);
    }
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}
