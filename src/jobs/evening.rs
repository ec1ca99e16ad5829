//! One run of one job, from its lock to the ledger.

use super::book::Book;
use super::context::{Context, RunRequest};
use super::drill::{drill_request, run_drill};
use super::due::standing_of;
use super::guard::run_guard;
use super::hooks::run_hooks;
use super::notices::tell;
use super::open_databases::tell_open_databases;
use super::profiles::firebirds;
use super::prune::run_prune;
use super::request::request;
use super::require::check_required;
use super::state::Running;
use crate::annotate::{self, Annotation};
use crate::cancel::check_cancelled;
use crate::check;
use crate::config::{Job, When};
use crate::crypto::random_bytes;
use crate::databases::firebird::{What, release_leftovers};
use crate::error::{Error, ErrorKind, Result};
use crate::id::RunId;
use crate::ledger::{self, Ledger};
use crate::manifest::{LedgerEntry, LedgerStep, Occasion, StepKind, StepState};
use crate::progress::{Progress, Silent};
use crate::snapshot;
use crate::units::Timestamp;

/// What came of a run.
pub struct Outcome {
    /// What the ledger says of it.
    pub entry: LedgerEntry,
    /// The snapshot, where one was made or would be.
    pub snapshot: Option<snapshot::Outcome>,
    /// What the first step that failed failed of.
    pub failure: Option<ErrorKind>,
    /// Stored data is damaged.
    pub is_damaged: bool,
    /// Why the ledger does not say it, where it does not.
    pub unwritten: Option<Error>,
}

/// Runs `job`.
///
/// # Errors
/// `Busy` when it is running already; when this machine has no folder for jobs. Whatever goes wrong afterwards is in the
/// outcome.
pub fn run(context: &Context<'_>, job: &Job, how: &RunRequest, progress: &dyn Progress) -> Result<Outcome> {
    let (running, died) = context.state.take(&job.name)?;
    let machine = context.repository.keys().identify.machine(context.machine.as_deref());
    let new_entry = || -> Result<LedgerEntry> {
        let (run, now) = (RunId(random_bytes()?), (context.clock)());
        Ok(LedgerEntry::new(run, machine, context.host.clone(), job.name.clone(), how.occasion, now))
    };
    let mut book = Book::new(new_entry()?, context.clock);
    book.entry.note = how.note.clone();
    if let Some(window) = window(context, job, how) {
        book.entry.set_window(window);
    }
    let mut evening = Evening { context, job, how, progress, snapshot: None, is_damaged: false };
    if how.dry_run {
        evening.save(&mut book);
        return Ok(evening.outcome(book, None));
    }
    if let Some(died) = died {
        evening.tell_of_died(died, &mut book);
    }
    evening.go(&running, &mut book);
    let unwritten = evening.close(&mut book);
    if unwritten.is_none() {
        running.end();
    }
    Ok(evening.outcome(book, unwritten))
}

/// The newest window of the schedule that this run answers, where a schedule started it.
fn window(context: &Context<'_>, job: &Job, how: &RunRequest) -> Option<Timestamp> {
    if how.occasion != Occasion::Schedule {
        return None;
    }
    let ledger = ledger::read(context.repository).ok()?;
    let standing = standing_of(job, &ledger, (context.clock)(), &jiff::tz::TimeZone::system())?;
    standing.due.owed().map(|owed| owed.window)
}

struct Evening<'e> {
    context: &'e Context<'e>,
    job: &'e Job,
    how: &'e RunRequest,
    progress: &'e dyn Progress,
    snapshot: Option<snapshot::Outcome>,
    is_damaged: bool,
}

impl Evening<'_> {
    /// Writes into the ledger that a run before this one died, which could not do so itself, and runs what must run in
    /// any case.
    fn tell_of_died(&self, mut died: LedgerEntry, book: &mut Book) {
        let now = (self.context.clock)();
        let at = died.steps.last().map_or(died.begun_at, |step| step.ended_at);
        let mut step = LedgerStep::new(StepKind::Unknown, "", at);
        step.set_state(StepState::Failed);
        step.message = "the run died: it was killed, or the machine went down".to_owned();
        died.steps.push(step);
        died.ended_at = at;
        let release = book.begin(StepKind::Release, "");
        match ledger::append(self.context.repository, died, now, self.progress) {
            Ok(()) => {
                run_hooks(self.job, When::Finally, &[("REPO_STATE", "died".to_owned())], book, self.progress);
            }
            Err(error) => book.fail(release, &error.context("an earlier run died, and the ledger cannot be told")),
        }
    }

    fn go(&mut self, running: &Running, book: &mut Book) {
        let note = |book: &mut Book| {
            if let Err(error) = running.note(&book.entry) {
                let step = book.begin(StepKind::Release, "");
                book.end_as(step, StepState::Incomplete, error.to_string());
            }
        };
        note(book);
        self.release(book);
        let is_ready = run_hooks(self.job, When::Before, &[], book, self.progress);
        note(book);
        if is_ready {
            self.save(book);
        } else {
            book.skip(StepKind::Snapshot, "a hook before it failed");
        }
        note(book);
        let values = self.values(book);
        let when = if is_well(book.state()) { When::After } else { When::Failed };
        run_hooks(self.job, when, &values, book, self.progress);
        note(book);
        if let Some((id, manifest)) = self.saved() {
            run_guard(self.context, self.job, &id, &manifest, book, self.progress);
            if let Ok(reader) = self.context.repository.reader() {
                tell_open_databases(&reader, &manifest, book, self.progress);
            }
            note(book);
        }
        self.prune(book);
        note(book);
        self.check(book);
        note(book);
        self.drill(book);
        note(book);
        run_hooks(self.job, When::Finally, &self.values(book), book, self.progress);
    }

    fn saved(&self) -> Option<(crate::id::SnapshotId, crate::manifest::Manifest)> {
        let saved = self.snapshot.as_ref()?;
        Some((saved.id?, saved.manifest.clone()))
    }

    /// What hooks are told.
    fn values(&self, book: &Book) -> Vec<(&'static str, String)> {
        let mut values = vec![("REPO_STATE", book.state().code().to_owned())];
        values.extend(self.snapshot.as_ref().and_then(|saved| saved.id).map(|id| ("REPO_SNAPSHOT", id.to_string())));
        values
    }

    /// Lets go what an earlier run, which died, has left held.
    fn release(&self, book: &mut Book) {
        let found = firebirds(self.context, self.job).and_then(|databases| {
            if databases.is_empty() {
                return Ok(Vec::new());
            }
            release_leftovers(&self.context.state.holds(), &databases.iter().collect::<Vec<_>>())
        });
        match found {
            Ok(leftovers) => {
                for leftover in leftovers {
                    let step = book.begin(StepKind::Release, &leftover.path.display().to_string());
                    let state = match leftover.what {
                        What::Released | What::Gone => StepState::Good,
                        What::InUse | What::Foreign | What::Stays | What::Unreadable => StepState::Incomplete,
                    };
                    let advice = leftover.advice.map(|advice| format!("; {advice}")).unwrap_or_default();
                    book.end_as(step, state, format!("{}{advice}", leftover.message));
                }
            }
            Err(error) => {
                let step = book.begin(StepKind::Release, "");
                book.fail(step, &error);
            }
        }
    }

    /// Saves databases and files, in one snapshot.
    fn save(&mut self, book: &mut Book) {
        let mut step = book.begin(StepKind::Snapshot, "");
        let saved = check_required(self.job).and_then(|()| {
            self.protect()?;
            let listing = self.context.repository.catalogued()?.listing;
            let request = request(self.context, self.job, self.how, &listing)?;
            snapshot::run(self.context.repository, &request, self.progress)
        });
        match saved {
            Ok(saved) => {
                let counts = &saved.manifest.counts;
                step.snapshot = saved.id;
                step.figures = vec![
                    ("files-new".to_owned(), counts.files_new),
                    ("files-changed".to_owned(), counts.files_changed),
                    ("bytes-read".to_owned(), counts.bytes_read),
                    ("bytes-stored".to_owned(), counts.bytes_stored),
                ];
                for database in saved.manifest.databases().unwrap_or_default() {
                    let mut of_database = book.begin(StepKind::Database, &database.account.name);
                    (of_database.begun_at, of_database.snapshot) = (database.account.begun_at, saved.id);
                    of_database.figures.push(("bytes".to_owned(), database.account.bytes));
                    let figures = database.account.facts.iter().filter_map(|(name, value)| Some((name.clone(), value.parse().ok()?)));
                    of_database.figures.extend(figures);
                    of_database.message = format!("{} {}", database.account.kind, database.account.version);
                    book.end(of_database);
                }
                if counts.problems > 0 || saved.has_loss {
                    let why = if saved.has_loss {
                        "most files of a source are gone"
                    } else {
                        "some files could not be read, or changed while they were read"
                    };
                    book.end_as(step, StepState::Incomplete, why);
                } else {
                    book.end(step);
                }
                self.snapshot = Some(saved);
            }
            Err(error) => book.fail(step, &error),
        }
    }

    /// Protects what is saved for as long as the job says, where the repository does not already.
    fn protect(&self) -> Result<()> {
        let wanted = self.job.protect.unwrap_or_default().0;
        let has = self.context.repository.read_facts()?.protection().set_seconds();
        if wanted <= has || self.how.dry_run {
            return Ok(());
        }
        let request = annotate::Request { annotation: Annotation::Protect { seconds: wanted }, clock: self.context.clock };
        annotate::run(self.context.repository, &request, self.progress).map(drop)
    }

    /// Applies the rules, unless anything before was not well.
    fn prune(&self, book: &mut Book) {
        if self.job.keep.policy().is_empty() {
            return book.skip(StepKind::Prune, "no rule is given, so everything is kept");
        }
        if !is_well(book.state()) {
            return book.skip(StepKind::Prune, "the run is not well so far");
        }
        if !self.is_due(self.context.config.prune.as_ref(), StepKind::Prune) {
            return book.skip(StepKind::Prune, "it is not its time");
        }
        let mut step = book.begin(StepKind::Prune, "");
        match run_prune(self.context, self.job, &mut step, self.progress) {
            Ok(()) => book.end(step),
            Err(error) => book.fail(step, &error),
        }
    }

    /// Reads a sample of what is stored, also after a failure: the disk may be why.
    fn check(&mut self, book: &mut Book) {
        if book.is_interrupted() {
            return book.skip(StepKind::Check, "the run was interrupted");
        }
        if !self.is_due(self.context.config.check.schedule.as_ref(), StepKind::Check) {
            return book.skip(StepKind::Check, "it is not its time");
        }
        let mut step = book.begin(StepKind::Check, "");
        let data = check::Data::Percent(self.context.config.check.daily_percent);
        match check::run(self.context.repository, &check::Request { data, clock: self.context.clock }, self.progress) {
            Ok(outcome) => {
                step.figures = vec![
                    ("bytes-read".to_owned(), outcome.bytes_read),
                    ("pack-bytes".to_owned(), outcome.pack_bytes),
                    ("damaged".to_owned(), outcome.damaged.len() as u64),
                ];
                self.is_damaged = !outcome.damaged.is_empty() || outcome.lost_chunks > 0;
                if self.is_damaged {
                    let first = outcome.damaged.first().map_or_else(String::new, |damaged| format!(": {}", damaged.problem));
                    book.end_as(step, StepState::Failed, format!("stored data is damaged{first}"));
                } else {
                    book.end(step);
                }
            }
            Err(error) => book.fail(step, &error),
        }
    }

    /// Restores a sample elsewhere, when that is due.
    fn drill(&self, book: &mut Book) {
        let Some(plan) = self.context.config.drill.as_ref().filter(|plan| plan.schedule.is_some()) else { return };
        let Some((fresh, location)) = &self.context.fresh else { return };
        if book.is_interrupted() || self.snapshot.is_none() {
            return book.skip(StepKind::Drill, "nothing was saved");
        }
        if !self.is_due(plan.schedule.as_ref(), StepKind::Drill) {
            return book.skip(StepKind::Drill, "it is not its time");
        }
        let mut step = book.begin(StepKind::Drill, "");
        let drilled = drill_request(Some(plan), None)
            .and_then(|request| run_drill(self.context, fresh, location, self.job, &request, &mut step, self.progress));
        match drilled {
            Ok(_) => book.end(step),
            // Where it may not be restored to, or nothing can be written, nothing was shown to be wrong.
            Err(error) if !error.is_damage() && error.kind() != ErrorKind::Interrupted => {
                book.end_as(step, StepState::Incomplete, format!("no drill could be made: {error}"));
            }
            Err(error) => book.fail(step, &error),
        }
    }

    /// Whether a step has its own calendar and that has not come since it was last done well.
    fn is_due(&self, schedule: Option<&crate::config::Schedule>, kind: StepKind) -> bool {
        let Some(schedule) = schedule else { return true };
        let now = (self.context.clock)();
        let due = schedule.0.last_before(now.plus_seconds(1), &jiff::tz::TimeZone::system());
        let Ok(ledger) = ledger::read(self.context.repository) else { return true };
        let is_done = |step: &&LedgerStep| step.kind() == kind && step.state() == StepState::Good;
        let of_job = ledger.of_job(&self.job.name);
        let last: Option<Timestamp> = of_job.flat_map(|entry| entry.steps.iter().filter(is_done)).map(|step| step.begun_at).max();
        due.is_some_and(|due| last.is_none_or(|last| last < due))
    }

    /// Writes the run into the ledger; why not, where that fails.
    fn close(&self, book: &mut Book) -> Option<Error> {
        book.entry.ended_at = (self.context.clock)();
        match ledger::read(self.context.repository) {
            Ok(known) => tell(self.context, self.job, &known, book),
            // Who reads nothing tells of it all the same.
            Err(_) => tell(self.context, self.job, &Ledger::default(), book),
        }
        let now = (self.context.clock)();
        // An interrupted run is told too.
        ledger::append(self.context.repository, book.entry.clone(), now, &Silent).err()
    }

    fn outcome(self, book: Book, unwritten: Option<Error>) -> Outcome {
        let failure = book.failure();
        let failure = if check_cancelled(self.progress).is_err() { Some(ErrorKind::Interrupted) } else { failure };
        Outcome { entry: book.entry, snapshot: self.snapshot, failure, is_damaged: self.is_damaged, unwritten }
    }
}

fn is_well(state: StepState) -> bool {
    matches!(state, StepState::Good | StepState::Skipped)
}
