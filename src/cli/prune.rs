//! `repo prune`: removes snapshots by rules, and frees the space that nothing needs.

use jiff::Span;

use super::bar::Bar;
use super::exit::Status;
use super::global::Global;
use super::message;
use super::output::Output;
use super::pruned::{print_decisions, print_outcome};
use crate::error::Result;
use crate::prune::{self, Request, Rules};
use crate::retention::KeepPolicy;

/// Remove snapshots that no rule keeps, and free the space that nothing needs
///
/// A snapshot is kept when any rule wants it. Rules go series by series, and machine by machine where several of one name share one, by the local calendar: `--keep-daily 7` keeps
/// the newest snapshot of each of the seven most recent days that have one. The newest snapshot of a series, the last one
/// before most files of a source were gone, pinned snapshots, and what a kept differential snapshot is measured against are
/// never removed by rules. What is protected
/// (`repo settings`) is not removed at all. Without a rule only forgotten snapshots are removed.
///
/// `--accept-rollback` is remembered, because it names the snapshots that are given up. `--accept-loss` holds for one prune:
/// each removes other snapshots, and what one of these named as well may be named by nothing but the lost pages from then on.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Keep the newest N snapshots
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    keep_last: u64,

    /// Keep the newest snapshot of each of N hours
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    keep_hourly: u64,

    /// Keep the newest snapshot of each of N days
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    keep_daily: u64,

    /// Keep the newest snapshot of each of N ISO weeks, from Monday to Sunday
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    keep_weekly: u64,

    /// Keep the newest snapshot of each of N months
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    keep_monthly: u64,

    /// Keep the newest snapshot of each of N years
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    keep_yearly: u64,

    /// Keep all that are so much older than the newest or less: `30d`, `2w`, `1y 6mo`
    #[arg(long, value_name = "TIME", value_parser = parse_span)]
    keep_within: Option<Span>,

    /// Keep all with this tag (may be repeated)
    #[arg(long, value_name = "TAG")]
    keep_tag: Vec<String>,

    /// Apply the rules to this series only (may be repeated)
    #[arg(long, value_name = "SERIES")]
    series: Vec<String>,

    /// Remove also what is protected, and although the clock is behind the newest snapshot
    #[arg(long)]
    override_protection: bool,

    /// Snapshots are missing, and that is right: take the repository as it is, and go on
    #[arg(long)]
    accept_rollback: bool,

    /// Folders or large files are lost that snapshots need, and will not come back: free what only they may name
    #[arg(long)]
    accept_loss: bool,

    /// No other machine uses the repository now: needed on network file systems, whose locks may not reach them
    #[arg(long)]
    alone: bool,

    /// Say what would be removed and freed, but remove nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

fn parse_span(text: &str) -> std::result::Result<Span, String> {
    let span = text.parse::<Span>().map_err(|_| "write a time such as `30d`, `2w` or `1y 6mo`".to_owned())?;
    if span.is_positive() { Ok(span) } else { Err("the time must be longer than nothing".to_owned()) }
}

/// From this many series on that were saved only once, it is no accident.
const SAVED_ONCE_MIN: usize = 3;

/// Plans, says what was decided, and does it.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let repository = global.open()?;
    let bar = Bar::new(global);
    // What cannot be read is named before anything is decided.
    global.catalogued(&repository)?;
    let is_dry_run = args.dry_run;
    let plan = prune::plan(&repository, &args.request(), &bar)?;
    // Whoever closes the pipe has read enough, but what was asked for is done all the same.
    if output.is_json || is_dry_run || !output.is_quiet {
        output.report(|output| print_decisions(plan.decisions(), output))?;
    }
    note_saved_once(plan.decisions().saved_once, global);
    let outcome = if is_dry_run { prune::foresee(&repository, &plan, &bar)? } else { prune::execute(&repository, &plan, &bar)? };
    let status = bar.finish();
    if output.is_json || !output.is_quiet {
        output.report(|output| print_outcome(&outcome, is_dry_run, global.verbose, output))?;
    }
    Ok(status)
}

impl Args {
    fn request(self) -> Request {
        let keep = KeepPolicy {
            last: self.keep_last,
            hourly: self.keep_hourly,
            daily: self.keep_daily,
            weekly: self.keep_weekly,
            monthly: self.keep_monthly,
            yearly: self.keep_yearly,
            within: self.keep_within,
            tags: self.keep_tag,
        };
        Request {
            override_protection: self.override_protection,
            accept_rollback: self.accept_rollback,
            accept_loss: self.accept_loss,
            alone: self.alone,
            ..Request::by_rules(Rules { keep, series: self.series })
        }
    }
}

/// Series whose names change from run to run keep everything for ever; that should not go unnoticed.
fn note_saved_once(found: usize, global: &Global) {
    if found >= SAVED_ONCE_MIN || found > 0 && global.verbose {
        message::note(format_args!(
            "{found} series were saved once and not since, and rules never remove their only snapshot; if one source was saved \
             under several names, save it under one --series"
        ));
    }
}
