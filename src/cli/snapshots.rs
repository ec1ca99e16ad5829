//! `repo snapshots`: what was saved, and when.

use std::collections::{HashMap, HashSet};

use super::bar::Bar;
use super::exit::Status;
use super::global::Global;
use super::output::Output;
use super::selection::{Filters, status_of};
use super::table::{Column, Table};
use super::text;
use super::times;
use crate::browse::{self, json};
use crate::catalog::Summary;
use crate::error::Result;
use crate::id::MachineId;
use crate::repository::Marks;
use crate::units::PathText;

/// List the snapshots, oldest first
///
/// Added is what the snapshot took in the repository when it was made.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    filters: Filters,
}

const COLUMNS: [Column; 10] = [
    Column::left("ID", 0),
    Column::left("Time", 0),
    Column::left("Kind", 7),
    Column::cut("Series", 2, 8),
    Column::left("Machine", 6),
    Column::right("Files", 5),
    Column::right("Size", 4),
    Column::right("Added", 1),
    Column::cut("Sources", 8, 12),
    Column::cut("Marks", 3, 6),
];

/// Prints a line for each snapshot.
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
    if found.is_empty() {
        return output.line("no snapshots");
    }
    let shared = shared_hosts(found);
    let mut table = Table::new(&COLUMNS);
    for summary in found {
        let counts = &summary.counts;
        let paths: Vec<String> = summary.paths.iter().map(|path| PathText(path).to_string()).collect();
        let machine = summary.machine.filter(|_| shared.contains(summary.host.as_str()));
        table.add(vec![
            summary.id.short().to_string(),
            times::day_and_minute(summary.time),
            summary.kind.name().to_owned(),
            PathText(summary.series.as_bytes()).to_string(),
            machine.map(|machine| machine.short().to_string()).unwrap_or_default(),
            text::grouped(counts.files_new + counts.files_changed + counts.files_unchanged),
            text::bytes(counts.bytes_total).to_string(),
            text::bytes(counts.bytes_stored).to_string(),
            paths.join(", "),
            describe_marks(summary, marks),
        ]);
    }
    table.print(output)?;
    output.line(text::counted(found.len() as u64, "snapshot"))
}

/// Tags, a pin, and how many files were not saved as they should be.
fn describe_marks(summary: &Summary, marks: &Marks) -> String {
    let mut words: Vec<String> = summary.tags.iter().map(|tag| PathText(tag.as_bytes()).to_string()).collect();
    if marks.is_pinned(&summary.id) {
        words.push("pinned".to_owned());
    }
    if summary.counts.problems > 0 {
        words.push(text::counted(summary.counts.problems, "problem"));
    }
    words.join(", ")
}

/// Names that more than one machine has.
fn shared_hosts(found: &[Summary]) -> HashSet<&str> {
    let mut machines: HashMap<&str, HashSet<MachineId>> = HashMap::new();
    for (host, machine) in found.iter().filter_map(|summary| Some((summary.host.as_str(), summary.machine?))) {
        machines.entry(host).or_default().insert(machine);
    }
    machines.into_iter().filter(|(_, machines)| machines.len() > 1).map(|(host, _)| host).collect()
}
