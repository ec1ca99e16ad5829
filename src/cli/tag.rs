//! `repo tag`: words and pins for snapshots that are there already.

use serde::Serialize;

use super::decided;
use super::exit::Status;
use super::global::{Global, warn_of_missing};
use super::output::Output;
use super::selection::{Chooser, Narrow, SNAPSHOT_HELP};
use crate::annotate::{Annotation, Tagging};
use crate::error::Result;
use crate::progress::Silent;

/// Add and remove tags, and pin snapshots
///
/// A pinned snapshot is never removed, neither by `repo prune` nor by `repo forget`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[arg(required = true, value_name = "SNAP", help = SNAPSHOT_HELP)]
    snapshots: Vec<String>,

    /// Add a tag (may be repeated)
    #[arg(long, value_name = "TAG")]
    add: Vec<String>,

    /// Remove a tag (may be repeated)
    #[arg(long, value_name = "TAG")]
    remove: Vec<String>,

    /// Keep the snapshots whatever happens
    #[arg(long, conflicts_with = "unpin")]
    pin: bool,

    /// Let rules decide again
    #[arg(long)]
    unpin: bool,

    #[command(flatten)]
    narrow: Narrow,
}

#[derive(Serialize)]
struct Changed<'a> {
    snapshots: Vec<String>,
    added: &'a [String],
    removed: &'a [String],
    pinned: Option<bool>,
}

/// Writes what is asked for as records beside the snapshots.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let pinned = if args.pin { Some(true) } else { args.unpin.then_some(false) };
    let tagging = Tagging { add: args.add, remove: args.remove, pinned };
    // Before anybody is asked for a password.
    tagging.check()?;
    let annotator = decided::begin(global)?;
    warn_of_missing(annotator.catalogued());
    let ids = Chooser::new(global, annotator.repository(), &annotator.catalogued().listing, args.narrow)?.snapshots(&args.snapshots)?;
    annotator.write(&Annotation::Tag { snapshots: ids.clone(), tagging: tagging.clone() }, &Silent)?;
    output.report(|output| {
        if output.is_json {
            let snapshots = ids.iter().map(ToString::to_string).collect();
            return output.json(&Changed { snapshots, added: &tagging.add, removed: &tagging.remove, pinned });
        }
        let what = match (tagging.changes_tags(), pinned) {
            (true, None) => "tags changed",
            (true, Some(true)) => "tags changed, pinned",
            (true, Some(false)) => "tags changed, no longer pinned",
            (false, Some(true)) => "pinned",
            (false, _) => "no longer pinned",
        };
        ids.iter().try_for_each(|id| output.say(format_args!("snapshot {}: {what}", id.short())))
    })?;
    Ok(Status::Good)
}
