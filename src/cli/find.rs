//! `repo find`: in which snapshots something is.

use std::collections::HashMap;

use super::bar::Bar;
use super::exit::Status;
use super::global::Global;
use super::message;
use super::output::Output;
use super::selection::{Filters, status_of};
use super::text::{self, LongEntry, counted};
use super::times;
use crate::browse::{self, Pattern, json};
use crate::catalog::Summary;
use crate::error::Result;
use crate::id::SnapshotId;
use crate::manifest::Node;
use crate::units::{PathText, Timestamp};

/// Find files by name in all snapshots, the newest first
///
/// PATTERN is a part of a name, or with `*`, `?`, `[` or `{` a glob for a whole name. With a slash in it, it is
/// compared with whole paths.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// What to look for
    pattern: String,

    /// Take upper and lower case as equal
    #[arg(short, long)]
    ignore_case: bool,

    /// Show type, mode, owner, length and time
    #[arg(short, long)]
    long: bool,

    /// Print a line for each snapshot that has it, instead of one for each version
    #[arg(short, long)]
    all: bool,

    #[command(flatten)]
    filters: Filters,
}

/// Prints what fits: each path, and below it a line for each version.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let pattern = Pattern::new(&args.pattern, args.ignore_case)?;
    let repository = global.open()?;
    let bar = Bar::hidden(global);
    let listing = global.listing(&repository)?;
    let found = browse::filter_snapshots(&repository, &listing, &args.filters.into(), &bar)?;
    let mut versions = Versions::default();
    let outcome = browse::find(
        &global.reader(&repository)?,
        found.iter().rev(),
        &pattern,
        &mut |summary, path, node| {
            if output.is_json {
                return output.json(&json::FoundLine::new(summary, path, node));
            }
            if !args.all {
                versions.add(summary, path, node);
                return Ok(());
            }
            let (id, time) = (summary.id.short(), times::day_and_minute(summary.time));
            if args.long {
                output.line(format_args!("{id}  {time}  {}", LongEntry(path, node)))
            } else {
                output.line(format_args!("{id}  {time}  {}", PathText(path)))
            }
        },
        &bar,
    )?;
    versions.print(args.long, output)?;
    let status = bar.finish().worst(status_of(&listing));
    if outcome.matches > 0 {
        return Ok(status);
    }
    message::warn(format_args!("nothing in {} fits `{}`", counted(outcome.snapshots, "snapshot"), args.pattern.escape_debug()));
    Ok(status.worst(Status::Failed))
}

/// What was found, by path and version: snapshots in a row that have the same are one line.
#[derive(Default)]
struct Versions {
    /// Series and path, with the place in `found`.
    places: HashMap<(String, Vec<u8>), usize>,
    /// In the order in which they were met, which is from the newest snapshot on.
    found: Vec<Found>,
}

struct Found {
    path: Vec<u8>,
    versions: Vec<Version>,
}

struct Version {
    node: Node,
    newest: (SnapshotId, Timestamp),
    snapshots: u64,
}

impl Versions {
    fn add(&mut self, summary: &Summary, path: &[u8], node: &Node) {
        let place = *self.places.entry((summary.series.clone(), path.to_vec())).or_insert_with(|| {
            self.found.push(Found { path: path.to_vec(), versions: Vec::new() });
            self.found.len() - 1
        });
        let versions = &mut self.found[place].versions;
        match versions.last_mut().filter(|version| browse::is_same_version(&version.node, node)) {
            Some(version) => version.snapshots += 1,
            None => versions.push(Version { node: node.clone(), newest: (summary.id, summary.time), snapshots: 1 }),
        }
    }

    fn print(&self, is_long: bool, output: &mut Output) -> Result<()> {
        for Found { path, versions } in &self.found {
            output.line(PathText(path))?;
            for Version { node, newest: (id, time), snapshots } in versions {
                let (id, time) = (id.short(), times::day_and_minute(*time));
                let more = if *snapshots > 1 { format!(" and {} before it", text::grouped(snapshots - 1)) } else { String::new() };
                if is_long {
                    output.line(format_args!("  {id}  {time}  {}{more}", LongEntry(b"", node).to_string().trim_end()))?;
                } else {
                    output.line(format_args!("  {id}  {time}  {:>10}{more}", text::size(node)))?;
                }
            }
        }
        Ok(())
    }
}
