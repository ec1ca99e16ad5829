//! From a job to a snapshot.

use jiff::tz::TimeZone;

use super::context::{Context, RunRequest};
use super::facts::notes;
use super::profiles::profiles;
use crate::catalog::Listing;
use crate::config::{Job, Schedule};
use crate::error::Result;
use crate::manifest::Kind;
use crate::platform::names;
use crate::snapshot::Request;
use crate::units::Timestamp;

/// The request for a snapshot of `job`, by what is there already.
///
/// # Errors
/// When a password of a database cannot be read, or a database cannot be saved in the way that the job says.
pub fn request(context: &Context<'_>, job: &Job, run: &RunRequest, listing: &Listing) -> Result<Request> {
    let now = (context.clock)();
    let paths = job.source.iter().map(|path| names::into_bytes(path.components().collect::<std::path::PathBuf>())).collect();
    Ok(Request {
        options: job.snapshot_options(),
        unwanted: job.unwanted(),
        kind: kind(job, listing, now, &TimeZone::system()),
        series: Some(job.name.clone()),
        machine: context.machine.clone(),
        tags: job.tags.clone(),
        clock: context.clock,
        skip: context.skip.clone(),
        dry_run: run.dry_run,
        pin: run.pin,
        databases: profiles(context, job, listing)?,
        notes: notes(context),
        ..Request::new(paths, job.host.clone().unwrap_or_else(|| context.host.clone()), context.user.clone())
    })
}

/// What is read: everything when the calendar for it has come since the last full one, else what changed.
fn kind(job: &Job, listing: &Listing, now: Timestamp, zone: &TimeZone) -> Kind {
    let is_due = |schedule: &Option<Schedule>, last: Option<Timestamp>| {
        let due = schedule.as_ref().and_then(|schedule| schedule.0.last_before(now.plus_seconds(1), zone));
        due.is_some_and(|due| last.is_none_or(|last| last < due))
    };
    let newest = |kind: Option<Kind>| {
        listing.of_series(&job.name).filter(|summary| kind.is_none_or(|kind| summary.kind == kind)).map(|summary| summary.started_at).max()
    };
    if is_due(&job.full, newest(Some(Kind::Full))) {
        Kind::Full
    } else if is_due(&job.differential, newest(Some(Kind::Differential))) {
        Kind::Differential
    } else {
        Kind::Incremental
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::catalog::Summary;
    use crate::config;
    use crate::id::SnapshotId;
    use crate::snapshot::tests::Bench;

    #[test]
    fn the_calendar_says_what_is_read_by_what_was_read_last() {
        let text = "version = 1\n[job.shop]\nsource = [\"/srv\"]\nfull = \"Sun 18:00\"\ndifferential = \"Wed 18:00\"\n";
        let config = config::read(Path::new("repo.toml"), text).unwrap();
        let bench = Bench::new();
        bench.write("a", "a");
        let saved = bench.snapshot();
        let summary = |kind, seconds| {
            let base = Summary::of(&SnapshotId([kind as u8 + 1; 32]), &saved.manifest);
            Summary { kind, series: "shop".into(), started_at: Timestamp::new(seconds, 0), ..base }
        };
        // 2026-11-01 was a Sunday.
        let sunday = 1_793_556_000;
        let day = 86_400;
        let kind_at = |summaries: Vec<Summary>, seconds| {
            kind(&config.jobs[0], &Listing::new(summaries, Vec::new()), Timestamp::new(seconds, 0), &TimeZone::UTC)
        };
        assert_eq!(kind_at(vec![], sunday), Kind::Full);
        let full = summary(Kind::Full, sunday + 10);
        assert_eq!(kind_at(vec![full.clone()], sunday + day), Kind::Differential, "none yet since the Wednesday before");
        let differential = summary(Kind::Differential, sunday + day);
        assert_eq!(kind_at(vec![full.clone(), differential.clone()], sunday + 2 * day), Kind::Incremental);
        assert_eq!(kind_at(vec![full.clone(), differential.clone()], sunday + 4 * day), Kind::Differential);
        assert_eq!(kind_at(vec![full, differential], sunday + 7 * day), Kind::Full);
    }
}
