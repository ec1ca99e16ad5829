//! What `repo snapshot` saves where nobody says what.

use super::evening::Ended;
use super::exit::Status;
use super::global::Global;
use super::message;
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::{self, RunRequest, StateFolder};
use crate::repository::Repository;
use crate::snapshot::{self, Repeated, Request};
use crate::source::user_name;

/// What `repo snapshot` alone saves where a configuration holds: the databases and files of its jobs, or of the one that
/// `--series` names, without hooks and rules.
pub fn of_jobs(
    series: Option<&str>,
    how: &RunRequest,
    global: &Global,
    repository: &Repository,
    host: &str,
    machine: Option<Vec<u8>>,
) -> Result<Vec<Request>> {
    let Some(config) = global.in_use()? else { return Ok(Vec::new()) };
    let jobs: Vec<_> = config.jobs.iter().filter(|job| series.is_none_or(|series| series == job.name)).collect();
    if jobs.is_empty() {
        let series = series.unwrap_or_default();
        return Err(Error::new(ErrorKind::Invalid, format!("the configuration has no job `{}`", series.escape_debug())));
    }
    let state = StateFolder::open(repository.description().id, |name| std::env::var_os(name))?;
    let (host, user) = (host.to_owned(), user_name());
    let context = jobs::Context {
        repository,
        config,
        state: &state,
        host,
        machine,
        user,
        skip: Vec::new(),
        fresh: None,
        clock: crate::units::Timestamp::now,
    };
    let listing = repository.catalogued()?.listing;
    let requested = |job: &&crate::config::Job| jobs::check_required(job).and_then(|()| jobs::request(&context, job, how, &listing));
    jobs.iter().map(requested).collect()
}

/// What `repo snapshot` alone saves: every series of this machine that is not stopped, each as it was saved last.
pub fn again(
    repository: &Repository,
    host: &str,
    machine: Option<Vec<u8>>,
    series: Option<&str>,
    global: &Global,
    ended: &mut Ended,
) -> Result<Vec<Request>> {
    let Repeated { requests, streams, stopped, doubtful } = snapshot::repeat(repository, host, &user_name(), machine, series)?;
    for id in doubtful {
        message::warn(format_args!(
            "snapshot {} cannot be read and may be the newest of a series; paths and filters are those of the one before it, so give them if \
             they were changed since. `repo check` says what is damaged, and `repo repair` mends it",
            id.short()
        ));
        ended.add_status(Status::Incomplete);
    }
    for series in &streams {
        let text = format!("series `{}` saves a stream, which cannot be read again; give its command again", series.escape_debug());
        if requests.is_empty() {
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        message::note(text);
    }
    if requests.is_empty() {
        let text = format!("all series of this machine are stopped: {}; `repo series resume NAME` takes one up", stopped.join(", "));
        return Err(Error::new(ErrorKind::Invalid, text));
    }
    for series in stopped.iter().filter(|_| global.verbose) {
        message::note(format_args!("series `{}` is stopped", series.escape_debug()));
    }
    Ok(requests)
}
