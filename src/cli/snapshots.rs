//! `repo snapshots`: what was saved, and when.

use std::collections::{HashMap, HashSet};

use super::bar::Bar;
use super::exit::Status;
use super::global::Global;
use super::output::Output;
use super::selection::{Filters, status_of};
use super::text;
use super::times;
use crate::browse::{self, json};
use crate::catalog::Summary;
use crate::error::Result;
use crate::id::MachineId;
use crate::repository::Marks;
use crate::units::PathText;

/// List the snapshots, oldest first
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    filters: Filters,
}

/// Prints one line for each snapshot.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let repository = global.open()?;
    let bar = Bar::hidden(global);
    let listing = global.listing(&repository)?;
    let found = browse::filter_snapshots(&repository, &listing, &args.filters.into(), &bar)?;
    if output.is_json {
        found.iter().try_for_each(|summary| output.json(&json::SnapshotLine::from(summary)))?;
    } else {
        print(&found, repository.facts().marks(), output)?;
    }
    Ok(bar.finish().worst(status_of(&listing)))
}

fn print(found: &[Summary], marks: &Marks, output: &mut Output) -> Result<()> {
    if output.is_quiet {
        return found.iter().try_for_each(|summary| output.line(summary.id));
    }
    let width = found.iter().map(|summary| summary.host.chars().count()).max().unwrap_or(0);
    let shared = shared_hosts(found);
    for summary in found {
        let counts = &summary.counts;
        let files = counts.files_new + counts.files_changed + counts.files_unchanged;
        let paths: Vec<String> = summary.paths.iter().map(|path| PathText(path).to_string()).collect();
        let tags = if summary.tags.is_empty() { String::new() } else { format!("  [{}]", PathText(summary.tags.join(", ").as_bytes())) };
        let problems = if counts.problems > 0 { format!("  {} problems", text::grouped(counts.problems)) } else { String::new() };
        let pinned = if marks.is_pinned(&summary.id) { "  pinned" } else { "" };
        let machine = summary.machine.filter(|_| shared.contains(summary.host.as_str()));
        let machine = machine.map(|machine| format!("  machine {}", machine.short())).unwrap_or_default();
        output.line(format_args!(
            "{}  {}  {:<12}  {:<width$}  {:>11} files  {:>10}  {}{tags}{pinned}{problems}{machine}",
            summary.id.short(),
            times::local(summary.time),
            summary.kind.name(),
            PathText(summary.host.as_bytes()).to_string(),
            text::grouped(files),
            text::bytes(counts.bytes_total).to_string(),
            paths.join(", "),
        ))?;
    }
    output.line(format_args!("{} snapshots", text::grouped(found.len() as u64)))
}

/// Names that more than one machine has.
fn shared_hosts(found: &[Summary]) -> HashSet<&str> {
    let mut machines: HashMap<&str, HashSet<MachineId>> = HashMap::new();
    for (host, machine) in found.iter().filter_map(|summary| Some((summary.host.as_str(), summary.machine?))) {
        machines.entry(host).or_default().insert(machine);
    }
    machines.into_iter().filter(|(_, machines)| machines.len() > 1).map(|(host, _)| host).collect()
}
