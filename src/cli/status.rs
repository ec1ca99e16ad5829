//! `repo status`: did last night work?

use std::fs;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use serde::Serialize;

use super::configured;
use super::exit::Status;
use super::global::Global;
use super::output::Output;
use super::table::{Column, Table};
use super::times;
use crate::browse::json::time_text;
use crate::error::{Error, Result};
use crate::jobs::status::{self, SeriesStatus};
use crate::manifest::StepState;
use crate::units::{ByteCount, Timestamp};

/// Say whether all is well, in one sentence, and then job by job
///
/// What is planned is held against what was done, wherever it was done: the ledger lies in the repository. The exit code is
/// 0 only when all is well, 3 when something needs a person, 4 when stored data is damaged.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Write a page to look at
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// Write figures for Prometheus, as its node exporter reads them
    #[arg(long, value_name = "FILE")]
    prometheus: Option<PathBuf>,
}

#[derive(Serialize)]
struct StatusLine<'a> {
    is_well: bool,
    is_damaged: bool,
    sentence: &'a str,
    looked_at: String,
    series: Vec<SeriesLine<'a>>,
    free_bytes: Option<u64>,
    bytes_a_day: Option<u64>,
    days_left: Option<u64>,
    warnings: &'a [String],
    uncovered: Vec<String>,
}

#[derive(Serialize)]
struct SeriesLine<'a> {
    job: &'a str,
    state: status::SeriesState,
    reasons: &'a [String],
    last_good: Option<String>,
    last_run: Option<String>,
    proved: Option<Done>,
    checked: Option<Done>,
    next: Option<String>,
    overdue_since: Option<String>,
    unreadable: Vec<Unreadable<'a>>,
    open_databases: &'a [String],
}

#[derive(Serialize)]
struct Done {
    at: String,
    outcome: &'static str,
}

#[derive(Serialize)]
struct Unreadable<'a> {
    path: &'a str,
    since: String,
}

/// The columns of the table.
const COLUMNS: [Column; 6] = [
    Column::cut("Job", 0, 12),
    Column::left("State", 0),
    Column::left("Saved", 1),
    Column::left("Proved", 3),
    Column::left("Checked", 4),
    Column::left("Next", 2),
];

/// Looks and says.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let config = configured::required(global.config.as_deref())?;
    let (location, repository, zone) = (global.location()?, global.open()?, TimeZone::system());
    let found = status::look(&repository, config, &location, Timestamp::now(), &zone)?;
    if let Some(file) = &args.html {
        write_whole(file, &status::html(&found, &zone))?;
    }
    if let Some(file) = &args.prometheus {
        write_whole(file, &status::prometheus(&found))?;
    }
    if output.is_json {
        output.json(&line(&found))?;
    } else {
        print(&found, output)?;
    }
    Ok(match (found.is_damaged, found.is_well) {
        (true, _) => Status::Damage,
        (false, true) => Status::Good,
        (false, false) => Status::Incomplete,
    })
}

/// Writes a file so that whoever reads it sees the old one or the new one.
fn write_whole(file: &Path, text: &str) -> Result<()> {
    let failed = |error| Error::io("cannot write", format!("\"{}\"", file.display()), error);
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let next = file.with_file_name(name);
    fs::write(&next, text).map_err(failed)?;
    fs::rename(&next, file).map_err(failed)
}

fn line(found: &status::Status) -> StatusLine<'_> {
    StatusLine {
        is_well: found.is_well,
        is_damaged: found.is_damaged,
        sentence: &found.sentence,
        looked_at: time_text(found.looked_at),
        series: found.series.iter().map(series_line).collect(),
        free_bytes: found.growth.free_bytes,
        bytes_a_day: found.growth.bytes_a_day,
        days_left: found.growth.days_left,
        warnings: &found.warnings,
        uncovered: found.uncovered.iter().map(|path| path.display().to_string()).collect(),
    }
}

fn series_line(series: &SeriesStatus) -> SeriesLine<'_> {
    let time = |time: Option<Timestamp>| time.map(time_text);
    let done = |done: Option<(Timestamp, StepState)>| done.map(|(at, state)| Done { at: time_text(at), outcome: state.code() });
    SeriesLine {
        job: &series.job,
        state: series.state,
        reasons: &series.reasons,
        last_good: time(series.last_good),
        last_run: time(series.last_run),
        proved: done(series.proved),
        checked: done(series.checked),
        next: time(series.next),
        overdue_since: time(series.overdue_since),
        unreadable: series.unreadable.iter().map(|(path, since)| Unreadable { path, since: time_text(*since) }).collect(),
        open_databases: &series.open_databases,
    }
}

fn print(found: &status::Status, output: &mut Output) -> Result<()> {
    if found.is_well {
        output.say(&found.sentence)?
    } else {
        output.line(&found.sentence)?
    }
    let mut table = Table::new(&COLUMNS);
    let time = |time: Option<Timestamp>| time.map_or_else(|| "-".to_owned(), times::day_and_minute);
    for series in &found.series {
        let proved = series.proved.map(|(at, _)| at);
        let checked = series.checked.map(|(at, _)| at);
        let state = series.state.word().to_owned();
        table.add(vec![series.job.clone(), state, time(series.last_good), time(proved), time(checked), time(series.next)]);
    }
    if !output.is_quiet {
        table.print(output)?;
    }
    for series in &found.series {
        for reason in &series.reasons {
            output.line(format_args!("{}: {reason}", series.job))?;
        }
        for path in &series.open_databases {
            output.line(format_args!("  {path}"))?;
        }
        for (path, since) in &series.unreadable {
            output.line(format_args!("  {path}, since {}", times::day_and_minute(*since)))?;
        }
    }
    found.warnings.iter().try_for_each(|warning| output.say(format_args!("warning: {warning}")))?;
    for path in &found.uncovered {
        output.say(format_args!("no job covers \"{}\"", path.display()))?;
    }
    if let Some(free) = found.growth.free_bytes {
        let pace = found.growth.bytes_a_day.map_or_else(String::new, |bytes| format!(", {} a day are added", ByteCount(bytes)));
        output.say(format_args!("{} free where the repository lies{pace}", ByteCount(free)))?;
    }
    Ok(())
}
