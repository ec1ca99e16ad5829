//! `repo series`: the lines of snapshots, and what becomes of them.

use std::borrow::Cow;

use clap::Subcommand;
use serde::Serialize;

use super::decided;
use super::exit::Status;
use super::global::{Global, warn_of_missing};
use super::message;
use super::output::Output;
use super::selection::status_of;
use super::table::{Column, Table};
use super::text;
use super::times;
use crate::annotate::{Annotation, Series, list_series};
use crate::browse::{self, json};
use crate::error::Result;
use crate::progress::Silent;
use crate::units::PathText;

/// List the series, and rename, stop or resume one
///
/// A series is the line of snapshots of one set of sources. `repo snapshot` without a path saves every series of this
/// machine that is not stopped.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    change: Option<Change>,
}

#[derive(Debug, Subcommand)]
enum Change {
    /// Give a series another name
    Rename {
        /// The series
        series: String,
        /// Its new name, which no other has
        name: String,
    },
    /// Leave a series out of `repo snapshot` without a path
    ///
    /// Its snapshots stay.
    Stop {
        /// The series
        series: String,
    },
    /// Save a stopped series again
    Resume {
        /// The series
        series: String,
    },
}

#[derive(Serialize)]
struct SeriesLine<'a> {
    series: &'a str,
    host: &'a str,
    machine: Option<String>,
    paths: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paths_hex: Option<Vec<String>>,
    newest: String,
    newest_time: String,
    snapshots: u64,
    bytes_total: u64,
    bytes_stored: u64,
    is_stopped: bool,
}

const COLUMNS: [Column; 7] = [
    Column::cut("Series", 0, 12),
    Column::cut("Machine", 4, 6),
    Column::left("Newest", 0),
    Column::right("Snapshots", 2),
    Column::right("Size", 1),
    Column::cut("Sources", 5, 10),
    Column::left("State", 3),
];

impl Change {
    fn annotation(&self) -> Annotation {
        match self {
            Change::Rename { series, name } => Annotation::RenameSeries { from: series.clone(), to: name.clone() },
            Change::Stop { series } => Annotation::StopSeries { series: series.clone(), is_stopped: true },
            Change::Resume { series } => Annotation::StopSeries { series: series.clone(), is_stopped: false },
        }
    }
}

/// Does what is asked for, or lists the series.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let repository = match &args.change {
        None => global.open()?,
        Some(change) => {
            let annotator = decided::begin(global)?;
            annotator.write(&change.annotation(), &Silent)?;
            annotator.finish()
        }
    };
    let catalogued = repository.catalogued_to_read()?;
    if args.change.is_none() {
        global.tell_skipped(&catalogued);
    } else if output.is_quiet && !output.is_json {
        return Ok(status_of(&catalogued.listing));
    }
    warn_of_missing(&catalogued);
    let mut found = list_series(&catalogued);
    for series in &mut found {
        // Whole where a row of the catalog has only the first of many paths; what cannot be read has that row.
        match browse::complete_summary(&repository, &series.newest) {
            Ok(newest) => series.newest = Cow::Owned(newest),
            Err(error) if error.is_damage() => message::warn(error),
            Err(error) => return Err(error),
        }
    }
    output.report(
        |output| if output.is_json { found.iter().try_for_each(|series| output.json(&line(series))) } else { print(&found, output) },
    )?;
    Ok(status_of(&catalogued.listing))
}

fn line<'s>(series: &'s Series<'_>) -> SeriesLine<'s> {
    let newest = &series.newest;
    let (paths, paths_hex) = json::paths_text(&newest.paths);
    SeriesLine {
        series: &newest.series,
        host: &newest.host,
        machine: newest.machine.map(|machine| machine.to_string()),
        paths,
        paths_hex,
        newest: newest.id.to_string(),
        newest_time: json::time_text(newest.time),
        snapshots: series.snapshots,
        bytes_total: newest.counts.bytes_total,
        bytes_stored: series.added_bytes,
        is_stopped: series.is_stopped,
    }
}

fn print(found: &[Series<'_>], output: &mut Output) -> Result<()> {
    if output.is_quiet {
        return found.iter().try_for_each(|series| output.line(PathText(series.newest.series.as_bytes())));
    }
    if found.is_empty() {
        return output.line("no series");
    }
    let mut table = Table::new(&COLUMNS);
    for series in found {
        let newest = &series.newest;
        let sources: Vec<String> = newest.paths.iter().map(|path| PathText(path).to_string()).collect();
        table.add(vec![
            PathText(newest.series.as_bytes()).to_string(),
            PathText(newest.host.as_bytes()).to_string(),
            times::day_and_minute(newest.time),
            text::grouped(series.snapshots),
            text::bytes(newest.counts.bytes_total).to_string(),
            sources.join(", "),
            if series.is_stopped { "stopped".to_owned() } else { String::new() },
        ]);
    }
    table.print(output)
}
