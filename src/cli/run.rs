//! `repo run`: the evening.

use jiff::tz::TimeZone;
use serde::Serialize;

use super::bar::Bar;
use super::configured;
use super::evening::{Ended, concerns_one_series};
use super::exit::Status;
use super::global::Global;
use super::locks;
use super::message;
use super::output::Output;
use super::own_folders::OwnFolders;
use super::text::bytes;
use super::times;
use crate::browse::json::time_text;
use crate::config::{Config, Job};
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::{self, Context, Outcome, RunRequest, StateFolder};
use crate::ledger;
use crate::manifest::{LedgerStep, Occasion, StepKind, StepState};
use crate::platform;
use crate::repository::Repository;
use crate::schedule::Due;
use crate::source::user_name;
use crate::units::Timestamp;

/// Run the jobs of the configuration: save, prune, check
///
/// Without a JOB all are run, one after the other. Hooks, databases and files of a job make one snapshot, together or not
/// at all. Rules are not applied after anything that was not well. Each step stands in the ledger, and the worst of them
/// is the exit code.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The jobs [default: all]
    jobs: Vec<String>,

    /// A word for the ledger: `--note "before the update"`
    #[arg(long, value_name = "TEXT", default_value_t, hide_default_value = true)]
    note: String,

    /// Pin the snapshots: neither rules nor `repo forget` remove them
    #[arg(long)]
    pin: bool,

    /// Say what would be saved, and do nothing
    #[arg(short = 'n', long)]
    dry_run: bool,

    /// A schedule starts it: only what is due by its calendar runs, once for all that was missed
    #[arg(long)]
    scheduled: bool,
}

#[derive(Serialize)]
struct RunLine<'a> {
    job: &'a str,
    state: &'a str,
    snapshot: Option<String>,
    begun_at: String,
    ended_at: String,
    note: &'a str,
    steps: Vec<StepLine<'a>>,
}

#[derive(Serialize)]
struct StepLine<'a> {
    kind: &'a str,
    name: &'a str,
    state: &'a str,
    message: &'a str,
    figures: serde_json::Map<String, serde_json::Value>,
}

/// Runs the jobs.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let config = configured::required(global.config.as_deref())?;
    let jobs = chosen(&args.jobs, &config.jobs)?;
    configured::warn_of_what_is_not_done(config);
    let repository = global.open()?;
    locks::warn_once(&repository);
    let own = OwnFolders::of(global)?;
    let state = StateFolder::open(repository.description().id, |name| std::env::var_os(name))?;
    let has_drill = config.drill.as_ref().is_some_and(|drill| drill.schedule.is_some()) && !args.dry_run;
    let fresh = if has_drill { Some(global.open_fresh()?) } else { None };
    let location = global.location()?;
    let context =
        Context { fresh: fresh.as_ref().map(|fresh| (fresh, location)), ..context(&repository, config, &state, own.numbers.clone()) };
    let occasion = if args.scheduled { Occasion::Schedule } else { Occasion::Hand };
    let how = RunRequest { occasion, note: args.note, pin: args.pin, dry_run: args.dry_run };
    let mut ended = Ended::default();
    for job in jobs {
        let is_asked = job.schedule.is_some() || args.jobs.contains(&job.name);
        if args.scheduled && !args.dry_run && !(is_asked && is_due(&context, job, global)?) {
            continue;
        }
        let bar = Bar::new(global);
        let outcome = match jobs::run(&context, job, &how, &bar) {
            Ok(outcome) => outcome,
            Err(error) if concerns_one_series(error.kind()) || error.kind() == ErrorKind::Busy => {
                drop(bar);
                ended.add_failure(error.context(format!("job `{}`", job.name)));
                continue;
            }
            Err(error) => return Err(error),
        };
        let shown = bar.finish();
        let status = status(&outcome).worst(shown);
        print(&outcome, output)?;
        if let Some(error) = &outcome.unwritten {
            message::warn(format_args!("job `{}`: the ledger could not be written: {error}", job.name));
        }
        ended.add_status(if outcome.unwritten.is_some() { status.worst(Status::Failed) } else { status });
        if outcome.failure == Some(ErrorKind::Interrupted) {
            break;
        }
    }
    drop(own.handles);
    ended.finish()
}

/// What a run has around it on this machine.
pub fn context<'c>(repository: &'c Repository, config: &'c Config, state: &'c StateFolder, skip: Vec<(u64, u64)>) -> Context<'c> {
    let (host, machine, user) = (platform::host_name(), platform::machine_name(), user_name());
    Context { repository, config, state, host, machine, user, skip, fresh: None, clock: Timestamp::now }
}

/// Whether a job that a schedule started is to run now: its window may have been answered already, or what it needs is not
/// here. Then it is no failure, and the next start asks again.
fn is_due(context: &Context<'_>, job: &Job, global: &Global) -> Result<bool> {
    let ledger = ledger::read(context.repository)?;
    let Some(standing) = jobs::standing_of(job, &ledger, Timestamp::now(), &TimeZone::system()) else { return Ok(true) };
    if !standing.due.is_to_run()
        && let Err(error) = jobs::tell_late(context, job, &ledger, &standing)
    {
        message::warn(format_args!("job `{}` is late, and the ledger could not be told: {error}", job.name));
    }
    match &standing.due {
        Due::Now(_) | Due::Overdue(_) => return Ok(true),
        Due::Waiting { wants, .. } => message::note(format_args!("job `{}` waits for {wants}", job.name)),
        Due::Retry { at, .. } => global.tell(&format!("job `{}` failed, and is tried again at {}", job.name, times::day_and_minute(*at))),
        Due::NotYet { .. } => global.tell(&format!("job `{}` is not due", job.name)),
    }
    Ok(false)
}

/// The jobs that were named, in the order of the configuration; all where none was.
pub fn chosen<'c>(named: &[String], jobs: &'c [Job]) -> Result<Vec<&'c Job>> {
    if let Some(unknown) = named.iter().find(|name| jobs.iter().all(|job| job.name != **name)) {
        let known = jobs.iter().map(|job| format!("`{}`", job.name)).collect::<Vec<_>>().join(", ");
        let message = format!("there is no job `{}`; there are: {known}", unknown.escape_debug());
        return Err(Error::new(ErrorKind::Invalid, message));
    }
    Ok(jobs.iter().filter(|job| named.is_empty() || named.contains(&job.name)).collect())
}

/// How a run ended, as an exit code: the gravest of its steps.
fn status(outcome: &Outcome) -> Status {
    let of_steps = match outcome.entry.state() {
        StepState::Good | StepState::Skipped | StepState::Waiting => Status::Good,
        StepState::Incomplete | StepState::Suspect => Status::Incomplete,
        StepState::Unknown | StepState::Failed => Status::Failed,
    };
    let of_failure = match outcome.failure {
        // What was asked for made sense; what failed did not.
        Some(ErrorKind::Invalid) => Status::Failed,
        Some(kind) => Status::of_error(kind),
        None => Status::Good,
    };
    let status = of_steps.worst(of_failure);
    if outcome.is_damaged { status.worst(Status::Damage) } else { status }
}

fn print(outcome: &Outcome, output: &mut Output) -> Result<()> {
    let entry = &outcome.entry;
    let snapshot = outcome.snapshot.as_ref().and_then(|saved| saved.id);
    if output.is_json {
        let line = |step: &LedgerStep| step.figures.iter().map(|(name, value)| (name.clone(), (*value).into())).collect();
        return output.json(&RunLine {
            job: &entry.job,
            state: entry.state().code(),
            snapshot: snapshot.map(|id| id.to_string()),
            begun_at: time_text(entry.begun_at),
            ended_at: time_text(entry.ended_at),
            note: &entry.note,
            steps: entry
                .steps
                .iter()
                .map(|step| StepLine {
                    kind: step.kind().code(),
                    name: &step.name,
                    state: step.state().code(),
                    message: &step.message,
                    figures: line(step),
                })
                .collect(),
        });
    }
    let state = entry.state();
    let said = format!("job {}: {}", entry.job, state.code());
    if state == StepState::Good {
        output.say(said)?
    } else {
        output.line(said)?
    }
    for step in &entry.steps {
        let is_well = matches!(step.state(), StepState::Good | StepState::Skipped);
        let line = format!("  {}", words(step));
        if is_well { output.say(line)? } else { output.line(line)? }
    }
    Ok(())
}

/// A step in words.
fn words(step: &LedgerStep) -> String {
    let name = if step.name.is_empty() { String::new() } else { format!(" {}", step.name) };
    let figure = |name: &str| step.figure(name).unwrap_or_default();
    let more = match step.kind() {
        StepKind::Snapshot if step.snapshot.is_some() => Some(format!(
            "{}, {} new, {} changed, {} stored",
            step.snapshot.map(|id| id.short().to_string()).unwrap_or_default(),
            figure("files-new"),
            figure("files-changed"),
            bytes(figure("bytes-stored"))
        )),
        StepKind::Check if step.state() == StepState::Good => Some(format!("{} read again", bytes(figure("bytes-read")))),
        StepKind::Database => Some(bytes(figure("bytes")).to_string()),
        _ => None,
    };
    let mut text = format!("{}{name}: {}", step.kind().code(), step.state().code());
    for said in more.into_iter().chain((!step.message.is_empty()).then(|| step.message.clone())) {
        text.push_str(", ");
        text.push_str(&said);
    }
    text
}
