//! `repo problems`: what a snapshot could not save as it was.

use std::ffi::OsString;

use super::bar::Bar;
use super::exit::Status;
use super::global::Global;
use super::output::Output;
use super::selection::{Chooser, Narrow, SNAPSHOT_HELP, status_of};
use super::text::grouped;
use super::times;
use crate::browse::{self, json};
use crate::error::{Error, ErrorKind, Result};
use crate::id::SnapshotId;
use crate::manifest::{Manifest, Problem, ProblemKind, Problems};
use crate::units::PathText;

/// List what a snapshot could not read, and what changed while it was read
///
/// That is what the exit code 3 of `repo snapshot` was about. Without SNAP, of the newest snapshot of every series.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[arg(value_name = "SNAP", help = SNAPSHOT_HELP)]
    snapshot: Option<OsString>,

    #[command(flatten)]
    narrow: Narrow,
}

/// Prints a line for each problem.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let repository = global.open()?;
    let (listing, reader) = (global.listing(&repository)?, global.reader(&repository)?);
    let bar = Bar::hidden(global);
    let (ids, status) = match args.snapshot {
        Some(name) => {
            let selected = Chooser::new(global, &repository, &listing, args.narrow)?.place(&reader, &name)?;
            if selected.path.is_some() {
                return Err(Error::new(ErrorKind::Invalid, "problems are those of a whole snapshot; leave out the path"));
            }
            (vec![selected.id], Status::Good)
        }
        None => (browse::newest_of_each_series(&repository, &listing, &args.narrow.into(), &bar)?, status_of(&listing)),
    };
    if ids.is_empty() && !output.is_json && !output.is_quiet {
        output.line("no snapshots")?;
    }
    for id in ids {
        let manifest = repository.objects().read_manifest(&id)?;
        let problems = browse::problems(&reader, &manifest, &bar)?;
        if output.is_json { print_json(&id, &manifest, &problems, output)? } else { print(&id, &manifest, &problems, output)? }
    }
    Ok(bar.finish().worst(status))
}

fn print_json(id: &SnapshotId, manifest: &Manifest, problems: &Problems, output: &mut Output) -> Result<()> {
    problems.listed.iter().try_for_each(|problem| output.json(&json::ProblemLine::new(id, manifest, problem)))?;
    match problems.more {
        0 => Ok(()),
        more => output.json(&json::MoreProblemsLine { snapshot: id.to_string(), more }),
    }
}

fn print(id: &SnapshotId, manifest: &Manifest, problems: &Problems, output: &mut Output) -> Result<()> {
    if !output.is_quiet {
        let (time, series) = (times::day_and_minute(manifest.time), PathText(manifest.series.as_bytes()));
        output.line(format_args!("{}  {time}  {series}", id.short()))?;
        if problems.is_empty() {
            output.line("  no problems")?;
        }
    }
    for problem in &problems.listed {
        output.line(format_args!("  {}  {}", word(problem), shown(problem)))?;
    }
    match problems.more {
        0 => Ok(()),
        more => output.line(format_args!("  and {} more, which the snapshot does not list; `repo ls -lR` shows the marks", grouped(more))),
    }
}

fn word(problem: &Problem) -> &'static str {
    match problem.kind() {
        ProblemKind::Unreadable => "unreadable",
        ProblemKind::Changed => "changed   ",
        ProblemKind::Gone => "gone      ",
        ProblemKind::Unknown => "unknown   ",
    }
}

fn shown(problem: &Problem) -> String {
    let message = PathText(problem.message.as_bytes());
    if problem.path.is_empty() { message.to_string() } else { format!("{}: {message}", PathText(&problem.path)) }
}
