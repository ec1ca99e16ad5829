//! `repo schedule list`.

use jiff::tz::TimeZone;
use serde::Serialize;

use super::{Where, crontab, jobs, place};
use crate::browse::json::time_text;
use crate::cli::exit::Status;
use crate::cli::global::Global;
use crate::cli::output::Output;
use crate::cli::table::{Column, Table};
use crate::cli::times;
use crate::error::Result;
use crate::schedule::units::{Installation, ScheduledJob, job_name, systemd_units};
use crate::units::Timestamp;

/// So many times are shown.
const TIMES: usize = 5;
const COLUMNS: [Column; 4] =
    [Column::left("JOB", 0), Column::left("NEXT", 0), Column::cut("SCHEDULE", 1, 12), Column::left("INSTALLED", 1)];

/// Show when each job runs next, and by what
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    place: Where,
}

#[derive(Serialize)]
struct Line {
    job: String,
    schedule: String,
    after: Vec<&'static str>,
    next: Vec<String>,
    installed: Option<&'static str>,
    is_current: Option<bool>,
}

/// Lists.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let installation = args.place.installation(global)?;
    let jobs = jobs::read(&installation.config)?;
    let (zone, now) = (TimeZone::system(), Timestamp::now());
    let by_cron = crontab::is_current(&args.place, &installation, &jobs)?;
    let mut table = Table::new(&COLUMNS);
    for job in &jobs {
        let next = |time: &Timestamp| job.calendar.next_window(*time, &zone);
        let times: Vec<Timestamp> = std::iter::successors(next(&now), next).take(TIMES).collect();
        let installed = by_systemd(&args.place, &installation, job)?.map(|is_current| ("systemd", is_current));
        let installed = installed.or(by_cron.map(|is_current| ("cron", is_current)));
        if output.is_json {
            let (next, after) = (times.iter().map(|time| time_text(*time)).collect(), &job.after);
            output.json(&Line {
                job: job.name.clone(),
                schedule: job.calendar.to_string(),
                after: after.iter().map(|condition| condition.name()).collect(),
                next,
                installed: installed.map(|(what, _)| what),
                is_current: installed.map(|(_, is_current)| is_current),
            })?;
            continue;
        }
        let how = match installed {
            None => "no",
            Some((what, true)) => what,
            Some((_, false)) => "outdated",
        };
        let shown: Vec<String> = times.iter().map(|time| times::minute(*time)).collect();
        let (first, more) = shown.split_first().map_or(("never", &[][..]), |(first, more)| (first.as_str(), more));
        table.add(vec![job.name.clone(), first.to_owned(), job.calendar.to_string(), how.to_owned()]);
        more.iter().for_each(|time| table.add(vec![String::new(), time.clone(), String::new(), String::new()]));
    }
    if !output.is_json {
        table.print(output)?;
    }
    Ok(Status::Good)
}

/// Whether the units of a job are there, and as they would be written.
fn by_systemd(place: &Where, installation: &Installation, job: &ScheduledJob) -> Result<Option<bool>> {
    let folder = place.unit_folder()?;
    let (mut is_there, mut is_current) = (false, true);
    let units = systemd_units(installation, std::slice::from_ref(job));
    for unit in units.iter().filter(|unit| unit.name.starts_with(&format!("{}.", job_name(&job.name)))) {
        match place::look(&folder.join(&unit.name), &unit.text, installation)? {
            place::Found::Same => is_there = true,
            place::Found::Ours => (is_there, is_current) = (true, false),
            _ => is_current = false,
        }
    }
    Ok(is_there.then_some(is_current))
}
