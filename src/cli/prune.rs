//! `repo prune`: removes snapshots by rules, and frees the space that nothing needs.

use jiff::Span;
use jiff::tz::TimeZone;

use super::bar::Bar;
use super::exit::Status;
use super::global::Global;
use super::message;
use super::output::Output;
use super::pruned::{Forgotten, print_decisions, print_outcome};
use crate::browse;
use crate::catalog::{Listing, Summary, series_key};
use crate::error::{Error, ErrorKind, Result};
use crate::id::SnapshotId;
use crate::platform::names;
use crate::prune::{self, Request};
use crate::repository::Repository;
use crate::retention::{Candidate, Decision, KeepPolicy, decide, protected_until, saved_once};
use crate::source::{FileSystem, Folder};
use crate::units::Timestamp;

/// Remove snapshots that no rule keeps, and free the space that nothing needs
///
/// A snapshot is kept when any rule wants it. Rules go series by series, and machine by machine where several of one name share one, by the local calendar: `--keep-daily 7` keeps
/// the newest snapshot of each of the seven most recent days that have one. The newest snapshot of a series, the last one
/// before most of its files were gone, pinned snapshots, and what a kept differential snapshot is measured against are
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

/// Decides, says what was decided, and does it.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let location = global.location()?;
    let repository = global.open()?;
    let file_system = FileSystem::of(&Folder::open(names::to_bytes(&location))?)?;
    if !args.alone && !args.dry_run && file_system.has_local_locks_only() {
        return Err(locks_are_local(&file_system.kind_name()));
    }
    let bar = Bar::new(global);
    let mut catalogued = global.catalogued(&repository)?;
    if let Some(rollback) = catalogued.rollback.as_ref().filter(|_| !args.accept_rollback) {
        return Err(rollback.refusal());
    }
    // The rules would count the others as if it were not there.
    if let Some((id, error)) = catalogued.skipped.snapshots.pop() {
        return Err(prune::refuse_unreadable(&id, error));
    }
    let policy = KeepPolicy {
        last: args.keep_last,
        hourly: args.keep_hourly,
        daily: args.keep_daily,
        weekly: args.keep_weekly,
        monthly: args.keep_monthly,
        yearly: args.keep_yearly,
        within: args.keep_within,
        tags: args.keep_tag,
    };
    let now = Timestamp::now();
    let protect_seconds = if args.override_protection { 0 } else { repository.facts().protection().seconds_at(now) };
    let listing = &catalogued.listing;
    let mut candidates = listing.summaries().iter().map(|summary| candidate(&repository, summary)).collect::<Result<Vec<_>>>()?;
    if args.override_protection {
        // Nothing is protected then, so a clock that is behind decides nothing. A time in the future is no
        // better: all others would be long ago beside it.
        for candidate in &mut candidates {
            (candidate.committed_at, candidate.time) = (candidate.committed_at.min(now), candidate.time.min(now));
        }
    }
    let decisions = decide_series(listing, &candidates, &policy, protect_seconds, now, &args.series)?;
    let forgotten = forgotten(&repository, protect_seconds, now)?;
    // Whoever closes the pipe has read enough, but what was asked for is done all the same.
    if output.is_json || args.dry_run || !output.is_quiet {
        output.report(|output| print_decisions(listing, &decisions, &forgotten, output))?;
    }
    if !policy.is_empty() {
        note_saved_once(&candidates, global);
    }
    let unwanted = decisions.iter().filter(|decision| !decision.keep).map(|decision| decision.id);
    let request = Request {
        remove: unwanted.chain(forgotten.into_iter().map(|forgotten| forgotten.id)).collect(),
        keep_tags: policy.tags.clone(),
        dry_run: args.dry_run,
        override_protection: args.override_protection,
        accept_rollback: args.accept_rollback,
        accept_loss: args.accept_loss,
        ..Request::default()
    };
    let outcome = prune::run(&repository, &request, &bar)?;
    let status = bar.finish();
    if output.is_json || !output.is_quiet {
        output.report(|output| print_outcome(&outcome, args.dry_run, global.verbose, output))?;
    }
    Ok(status)
}

fn locks_are_local(kind: &str) -> Error {
    let message = format!(
        "the repository lies on a network file system ({kind}), where a lock may not be seen by other machines; \
         make sure that no snapshot runs there, and give --alone"
    );
    Error::new(ErrorKind::Invalid, message)
}

/// Decides about the snapshots of the wanted series; the clock is held against all.
fn decide_series(
    listing: &Listing,
    candidates: &[Candidate],
    policy: &KeepPolicy,
    protect_seconds: u64,
    now: Timestamp,
    series: &[String],
) -> Result<Vec<Decision>> {
    let keys: Vec<_> = series.iter().map(|series| series_key(series)).collect();
    if let Some(key) = keys.iter().find(|key| listing.newest(key).is_none()) {
        return Err(Error::new(ErrorKind::NotFound, format!("there is no snapshot of series `{}`", key.escape_debug())));
    }
    let mut decisions = decide(candidates, policy, protect_seconds, now, &TimeZone::system())?;
    decisions.retain(|decision| keys.is_empty() || keys.iter().any(|key| *key == decision.series));
    Ok(decisions)
}

fn candidate(repository: &Repository, summary: &Summary) -> Result<Candidate> {
    // A summary that is cut may lack the very tag that keeps the snapshot.
    let tags = browse::complete_summary(repository, summary)?.tags;
    Ok(Candidate {
        id: summary.id,
        series: summary.series.clone(),
        machine: summary.machine,
        time: summary.time,
        committed_at: summary.committed_at,
        counter: summary.counter,
        kind: summary.kind,
        base: summary.base,
        files: summary.counts.files_new + summary.counts.files_changed + summary.counts.files_unchanged,
        tags,
        is_pinned: repository.facts().marks().is_pinned(&summary.id),
    })
}

/// What is forgotten and still there, in order.
fn forgotten(repository: &Repository, protect_seconds: u64, now: Timestamp) -> Result<Vec<Forgotten>> {
    let marks = repository.facts().marks();
    let mut ids: Vec<SnapshotId> = repository.objects().list_snapshots()?.into_iter().filter(|id| marks.is_forgotten(id)).collect();
    ids.sort_unstable();
    let look = |id: SnapshotId| {
        // Only what is shown depends on it; prune looks for itself.
        let committed_at = repository.objects().read_manifest(&id).ok().map(|manifest| manifest.committed_at);
        let protected_until = committed_at.and_then(|at| protected_until(at, protect_seconds, now, &TimeZone::system()));
        Forgotten { id, protected_until }
    };
    Ok(ids.into_iter().map(look).collect())
}

/// Series whose names change from run to run keep everything for ever; that should not go unnoticed.
fn note_saved_once(candidates: &[Candidate], global: &Global) {
    let found = saved_once(candidates);
    if found >= SAVED_ONCE_MIN || found > 0 && global.verbose {
        message::note(format_args!(
            "{found} series were saved once and not since, and rules never remove their only snapshot; if one source was saved \
             under several names, save it under one --series"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusal_of_a_network_file_system_says_why_and_what_to_do() {
        let message = locks_are_local("nfs").to_string();
        assert!(message.contains("(nfs)") && message.contains("lock") && message.ends_with("give --alone"), "{message}");
    }
}
