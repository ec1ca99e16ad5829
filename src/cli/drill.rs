//! `repo drill`: a restore that shows that it works.

use std::path::PathBuf;

use serde::Serialize;

use super::bar::Bar;
use super::configured;
use super::exit::Status;
use super::global::Global;
use super::output::Output;
use super::run::{chosen, context};
use super::times;
use crate::drill::{Outcome, page};
use crate::error::{Error, Result};
use crate::id::RunId;
use crate::jobs::{self, StateFolder};
use crate::ledger;
use crate::manifest::{LedgerEntry, LedgerStep, Occasion, StepKind, StepState};
use crate::progress::Silent;
use crate::units::{PathText, Timestamp};

/// Restore a sample elsewhere and open it, to show that it works
///
/// The sample is chosen from the newest snapshot that nobody distrusts: the newest files, others of every size, kind and
/// age, and every database. It is read from the repository itself, without what this machine remembers of it, and restored
/// to another disk by the ordinary way; every file is compared with the live one where that has not changed, and opened.
/// The result stands in the ledger.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The jobs [default: all]
    jobs: Vec<String>,

    /// Choose as a drill before did [default: by chance]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// So many of the newest files
    #[arg(long, value_name = "N")]
    newest: Option<usize>,

    /// So many others
    #[arg(long, value_name = "N")]
    random: Option<usize>,

    /// The folder to restore to, best on another disk than the repository
    #[arg(long, value_name = "FOLDER")]
    scratch: Option<PathBuf>,

    /// Write a page to print, with restored pictures
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

#[derive(Serialize)]
struct DrillLine<'a> {
    job: &'a str,
    is_proved: bool,
    rung: &'a str,
    snapshot: String,
    seed: u64,
    files: u64,
    files_total: u64,
    bytes: u64,
    bytes_total: u64,
    databases: u64,
    same_disk: bool,
    opened: u64,
    compared: u64,
    restore_ms: u64,
    full_seconds: Option<u64>,
    failures: Vec<FailureLine>,
    rot_suspects: Vec<String>,
}

#[derive(Serialize)]
struct FailureLine {
    path: String,
    reason: String,
    earlier: Option<String>,
    is_of_source: bool,
}

/// Drills the jobs.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let config = configured::required(global.config.as_deref())?;
    let jobs = chosen(&args.jobs, &config.jobs)?;
    let (location, repository, fresh) = (global.location()?, global.open()?, global.open_fresh()?);
    let state = StateFolder::open(repository.description().id, |name| std::env::var_os(name))?;
    let context = context(&repository, config, &state, Vec::new());
    let mut request = jobs::drill_request(config.drill.as_ref(), args.seed)?;
    request.sample.newest = args.newest.unwrap_or(request.sample.newest);
    request.sample.random = args.random.unwrap_or(request.sample.random);
    request.scratch = args.scratch.unwrap_or(request.scratch);
    let (mut status, machine) = (Status::Good, repository.keys().identify.machine(context.machine.as_deref()));
    for job in jobs {
        let (run, now) = (RunId(crate::crypto::random_bytes()?), Timestamp::now());
        let mut entry = LedgerEntry::new(run, machine, context.host.clone(), job.name.clone(), Occasion::Hand, now);
        let mut step = LedgerStep::new(StepKind::Drill, "", now);
        let bar = Bar::new(global);
        let drilled = jobs::run_drill(&context, &fresh, &location, job, &request, &mut step, &bar);
        let shown = bar.finish();
        step.ended_at = Timestamp::now();
        if let Err(error) = &drilled {
            // It could not be looked: that proves nothing either way.
            step.set_state(if error.is_damage() { StepState::Failed } else { StepState::Unknown });
            step.message = error.to_string();
        }
        entry.ended_at = step.ended_at;
        entry.steps.push(step);
        let digest = blake3::hash(&crate::manifest::LedgerPage { entries: vec![entry.clone()], ..Default::default() }.encode()).to_hex();
        ledger::append(&repository, entry, Timestamp::now(), &Silent)?;
        let outcome = drilled?;
        if let Some(file) = &args.html {
            let (place, when) = (PathText(location.as_os_str().as_encoded_bytes()).to_string(), times::long(now));
            let text = page(&outcome, &job.name, &place, &when, None, digest.as_str());
            std::fs::write(file, text).map_err(|error| Error::io("cannot write", file.display(), error))?;
        }
        print(&job.name, &outcome, output)?;
        let of_drill = match (outcome.is_proved(), outcome.failures.iter().any(|failure| !failure.is_of_source)) {
            (true, _) => Status::Good,
            (false, true) => Status::Damage,
            (false, false) => Status::Incomplete,
        };
        status = status.worst(of_drill).worst(shown);
    }
    Ok(status)
}

fn print(job: &str, outcome: &Outcome, output: &mut Output) -> Result<()> {
    let path = |path: &[u8]| PathText(path).to_string();
    if output.is_json {
        return output.json(&DrillLine {
            job,
            is_proved: outcome.is_proved(),
            rung: outcome.rung.word(),
            snapshot: outcome.snapshot.to_string(),
            seed: outcome.seed,
            files: outcome.files,
            files_total: outcome.files_total,
            bytes: outcome.bytes,
            bytes_total: outcome.bytes_total,
            databases: outcome.databases,
            same_disk: outcome.shared_disk,
            opened: outcome.opened(),
            compared: outcome.compared,
            restore_ms: outcome.restore_ms,
            full_seconds: outcome.full_seconds(),
            failures: outcome
                .failures
                .iter()
                .map(|failure| FailureLine {
                    path: path(&failure.path),
                    reason: failure.reason.clone(),
                    earlier: failure.earlier.map(|id| id.to_string()),
                    is_of_source: failure.is_of_source,
                })
                .collect(),
            rot_suspects: outcome.rot_suspects.iter().map(|suspect| path(suspect)).collect(),
        });
    }
    let head = if outcome.is_proved() { "proved" } else { "not proved" };
    let line = format!("job {job}: {head}; {}", jobs::drill_words(outcome));
    if outcome.is_proved() {
        output.say(line)?
    } else {
        output.line(line)?
    }
    if let Some(seconds) = outcome.full_seconds() {
        output.say(format_args!(
            "  a full restore would take about {} minutes; repeat this with --seed {}",
            seconds.div_ceil(60),
            outcome.seed
        ))?;
    }
    Ok(())
}
