//! `repo check`: finds damage, and says what it costs.

use std::time::Instant;

use serde::Serialize;

use super::bar::Bar;
use super::damage::{AffectedLine, ObjectLine, print_affected};
use super::exit::Status;
use super::global::{Global, open_storage};
use super::message;
use super::output::Output;
use super::text::{bytes, counted, duration, grouped};
use crate::check::{self, Data, NamesOutcome, NoteAbout, Outcome, Request};
use crate::error::Result;
use crate::id::SnapshotId;
use crate::repository::Rollback;
use crate::units::PathText;

/// Check that everything stored is whole, and say which files damage touches
///
/// Objects, packs and every reference of every snapshot are always checked. Of the data a thirtieth is read, what was not
/// read for the longest time first, so that a check a day reads everything within a month. Exits 4 when anything is
/// damaged; nothing is ever changed.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Read all data, or so many hundredths of it
    #[arg(long, value_name = "PERCENT", num_args = 0..=1, require_equals = true, default_missing_value = "100", value_parser = parse_percent)]
    read_data: Option<f64>,

    /// Only compare every object with the hash that is its name; needs no password
    #[arg(long, conflicts_with = "read_data")]
    names: bool,
}

fn parse_percent(text: &str) -> std::result::Result<f64, String> {
    let number: f64 = text.trim_end_matches('%').parse().map_err(|_| "it is not a number".to_owned())?;
    if number > 0.0 && number <= 100.0 { Ok(number) } else { Err("it must be above 0 and not above 100".to_owned()) }
}

#[derive(Serialize)]
struct CheckedLine<'a> {
    is_damaged: bool,
    missing_snapshots: Vec<String>,
    keys: u64,
    records: u64,
    segments: u64,
    snapshots: u64,
    packs: u64,
    pack_bytes: u64,
    tree_pages: u64,
    list_pages: u64,
    references: u64,
    packs_read: u64,
    frames_read: u64,
    bytes_read: u64,
    chunks_verified: u64,
    packs_not_read: u64,
    damaged: Vec<ObjectLine<'a>>,
    lost_chunks: u64,
    affected: Vec<AffectedLine>,
    affected_more: u64,
    notes: Vec<NoteLine<'a>>,
}

#[derive(Serialize)]
struct NamesLine<'a> {
    is_damaged: bool,
    objects: u64,
    bytes: u64,
    damaged: Vec<ObjectLine<'a>>,
    notes: Vec<NoteLine<'a>>,
}

#[derive(Serialize)]
struct NoteLine<'a> {
    name: &'a str,
    message: &'a str,
}

/// Checks, and says what was found.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let begun = Instant::now();
    if args.names {
        return check_names(global, output);
    }
    let repository = global.open()?;
    let bar = Bar::new(global);
    let data = match args.read_data {
        None => Data::Sample,
        Some(percent) if percent >= 100.0 => Data::All,
        Some(percent) => Data::Percent(percent),
    };
    let outcome = check::run(&repository, &Request { data, ..Request::default() }, &bar)?;
    let rollback = repository.catalogued()?.rollback;
    if let Some(rollback) = &rollback {
        message::warn(rollback);
    }
    let missing = rollback.map_or(Vec::new(), |rollback| rollback.missing);
    let status = bar.finish().worst(status_of(outcome.is_damaged() || !missing.is_empty()));
    output.report(
        |output| if output.is_json { output.json(&line(&outcome, &missing)) } else { print(&outcome, missing.len(), begun, output) },
    )?;
    if !missing.is_empty() {
        message::hint(Rollback::ADVICE);
    }
    if outcome.is_damaged() {
        advise(&outcome);
    }
    Ok(status)
}

fn status_of(is_damaged: bool) -> Status {
    if is_damaged { Status::Damage } else { Status::Good }
}

fn check_names(global: &Global, output: &mut Output) -> Result<Status> {
    let storage = open_storage(&global.location()?)?;
    let bar = Bar::new(global);
    let outcome = check::check_names(&*storage, &bar)?;
    let status = bar.finish().worst(status_of(!outcome.damaged.is_empty()));
    output.report(|output| print_names(&outcome, output))?;
    Ok(status)
}

fn print_names(outcome: &NamesOutcome, output: &mut Output) -> Result<()> {
    if output.is_json {
        return output.json(&NamesLine {
            is_damaged: !outcome.damaged.is_empty(),
            objects: outcome.objects,
            bytes: outcome.bytes,
            damaged: outcome.damaged.iter().map(ObjectLine::of).collect(),
            notes: outcome.notes.iter().map(note_line).collect(),
        });
    }
    for object in &outcome.damaged {
        output.line(format_args!("{}: {}", PathText(object.name.as_bytes()), object.problem))?;
    }
    for note in outcome.notes.iter().filter(|_| !output.is_quiet) {
        message::note(format_args!("{}: {}", PathText(note.name.as_bytes()), note.message));
    }
    if output.is_quiet {
        return Ok(());
    }
    output.line(format_args!(
        "{}, {}: {} damaged",
        counted(outcome.objects, "object"),
        bytes(outcome.bytes),
        grouped(outcome.damaged.len() as u64)
    ))
}

fn print(outcome: &Outcome, missing: usize, begun: Instant, output: &mut Output) -> Result<()> {
    print_affected(&outcome.affected, outcome.affected_more, output)?;
    if output.is_quiet {
        return Ok(());
    }
    output.line(format_args!(
        "{}: {} of folders and lists, {} to content",
        counted(outcome.snapshots, "snapshot"),
        counted(outcome.tree_pages + outcome.list_pages, "page"),
        counted(outcome.references, "reference")
    ))?;
    output.line(format_args!(
        "{}, {}; {}, {}, {}",
        counted(outcome.packs, "pack"),
        bytes(outcome.pack_bytes),
        counted(outcome.segments, "index segment"),
        counted(outcome.records, "record"),
        counted(outcome.keys, "key slot")
    ))?;
    let later = match outcome.packs_not_read {
        0 => String::new(),
        packs => format!("; {} not read this time (--read-data reads all)", counted(packs, "pack")),
    };
    let read = counted(outcome.packs_read, "pack");
    output.line(format_args!("data of {read} read whole, {}{later}", bytes(outcome.bytes_read)))?;
    if missing > 0 {
        output.line(format_args!("missing: {} snapshots", grouped(missing as u64)))?;
    }
    if !outcome.is_damaged() && missing > 0 {
        return output.line(format_args!("nothing else is damaged ({})", duration(begun.elapsed())));
    }
    if !outcome.is_damaged() {
        return output.line(format_args!("nothing is damaged ({})", duration(begun.elapsed())));
    }
    let (objects, paths) = (outcome.damaged.len() as u64, outcome.affected.len() as u64);
    let time = duration(begun.elapsed());
    output.line(format_args!("damaged: {}, {} in snapshots ({time})", counted(objects, "object"), counted(paths, "path")))
}

/// What to do about damage.
fn advise(outcome: &Outcome) {
    if outcome.affected.is_empty() {
        message::hint("no file of a snapshot that can be read needs what is damaged; `repo repair` sets it aside");
    } else {
        message::hint(
            "`repo repair` sets aside what is damaged; where the files are still as they were, the next `repo snapshot` then \
             stores again what is missing, for old snapshots too",
        );
        message::hint("`repo restore` gives all other files, and of these what is left");
    }
    message::hint("nothing was changed; another copy of the repository may have the damaged objects whole, under the same names");
}

fn note_line(note: &NoteAbout) -> NoteLine<'_> {
    NoteLine { name: &note.name, message: &note.message }
}

fn line<'a>(outcome: &'a Outcome, missing: &[SnapshotId]) -> CheckedLine<'a> {
    CheckedLine {
        is_damaged: outcome.is_damaged() || !missing.is_empty(),
        missing_snapshots: missing.iter().map(ToString::to_string).collect(),
        keys: outcome.keys,
        records: outcome.records,
        segments: outcome.segments,
        snapshots: outcome.snapshots,
        packs: outcome.packs,
        pack_bytes: outcome.pack_bytes,
        tree_pages: outcome.tree_pages,
        list_pages: outcome.list_pages,
        references: outcome.references,
        packs_read: outcome.packs_read,
        frames_read: outcome.frames_read,
        bytes_read: outcome.bytes_read,
        chunks_verified: outcome.chunks_verified,
        packs_not_read: outcome.packs_not_read,
        damaged: outcome.damaged.iter().map(ObjectLine::of).collect(),
        lost_chunks: outcome.lost_chunks,
        affected: outcome.affected.iter().map(AffectedLine::of).collect(),
        affected_more: outcome.affected_more,
        notes: outcome.notes.iter().map(note_line).collect(),
    }
}
