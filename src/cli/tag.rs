//! `repo tag`: words and pins for snapshots that are there already.

use serde::Serialize;

use super::exit::Status;
use super::global::Global;
use super::locks;
use super::output::Output;
use super::selection::{Chooser, Narrow, SNAPSHOT_HELP};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{PIN, Pin, TAG, TagChange};
use crate::units::Timestamp;
use crate::wire;

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
    let changes_tags = !args.add.is_empty() || !args.remove.is_empty();
    if !changes_tags && pinned.is_none() {
        return Err(Error::new(ErrorKind::Invalid, "nothing to do; give --add, --remove, --pin or --unpin"));
    }
    if let Some(tag) = args.add.iter().find(|tag| args.remove.contains(tag)) {
        return Err(Error::new(ErrorKind::Invalid, format!("tag `{}` cannot be both added and removed", tag.escape_debug())));
    }
    let repository = global.open()?;
    let _lock = locks::take_shared(&repository, global)?;
    let listing = global.listing(&repository)?;
    let ids = Chooser::new(global, &repository, &listing, args.narrow)?.snapshots(&args.snapshots)?;
    let mut records = Vec::new();
    for id in &ids {
        if changes_tags {
            let change = TagChange { snapshot: *id, added: args.add.clone(), removed: args.remove.clone() };
            records.push((TAG, wire::encode(&change)));
        }
        if let Some(is_pinned) = pinned {
            records.push((PIN, wire::encode(&Pin { snapshot: *id, is_pinned })));
        }
    }
    let now = Timestamp::now();
    repository.publish_pairs(records, now)?;
    // Were one called removed that was put back, nobody would miss it.
    repository.recant_removals(now)?;
    output.report(|output| {
        if output.is_json {
            let snapshots = ids.iter().map(ToString::to_string).collect();
            return output.json(&Changed { snapshots, added: &args.add, removed: &args.remove, pinned });
        }
        let what = match (changes_tags, pinned) {
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
