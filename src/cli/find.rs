//! `repo find`: in which snapshots something is.

use super::bar::Bar;
use super::exit::Status;
use super::global::Global;
use super::message;
use super::output::Output;
use super::selection::{Filters, status_of};
use super::text::{LongEntry, grouped};
use super::times;
use crate::browse::{self, Pattern, json};
use crate::error::Result;
use crate::units::PathText;

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

    #[command(flatten)]
    filters: Filters,
}

/// Prints one line for each entry that fits and each snapshot that has it.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let pattern = Pattern::new(&args.pattern, args.ignore_case)?;
    let repository = global.open()?;
    let bar = Bar::hidden(global);
    let listing = global.listing(&repository)?;
    let found = browse::filter_snapshots(&repository, &listing, &args.filters.into(), &bar)?;
    let outcome = browse::find(
        &global.reader(&repository)?,
        found.iter().rev(),
        &pattern,
        &mut |summary, path, node| {
            if output.is_json {
                return output.json(&json::FoundLine::new(summary, path, node));
            }
            let (id, time) = (summary.id.short(), times::local(summary.time));
            if args.long {
                output.line(format_args!("{id}  {time}  {}", LongEntry(path, node)))
            } else {
                output.line(format_args!("{id}  {time}  {}", PathText(path)))
            }
        },
        &bar,
    )?;
    let status = bar.finish().worst(status_of(&listing));
    if outcome.matches > 0 {
        return Ok(status);
    }
    message::warn(format_args!("nothing in {} snapshots fits `{}`", grouped(outcome.snapshots), args.pattern.escape_debug()));
    Ok(status.worst(Status::Failed))
}
