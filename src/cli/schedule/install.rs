//! `repo schedule install`.

use clap::ValueEnum;
use serde::Serialize;

use super::{Where, crontab, jobs, place, systemctl, verify};
use crate::cli::exit::Status;
use crate::cli::global::Global;
use crate::cli::message;
use crate::cli::output::Output;
use crate::error::Result;
use crate::schedule::units::{Installation, ScheduledJob, launchd_label, launchd_plist, systemd_units, windows_task};

/// Write a timer for each job that has a schedule, and start the timers
///
/// Files that another program or a person has written are left, and nothing is changed then. Running it again brings all up
/// to date, and removes the timers of jobs that are gone.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    place: Where,
    /// Write lines for cron in place of systemd's timers
    #[arg(long, conflicts_with = "print")]
    cron: bool,
    /// Print the files for another system, and install nothing
    #[arg(long, value_enum, value_name = "SYSTEM")]
    print: Option<System>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum System {
    /// Property lists for macOS
    Launchd,
    /// Tasks for the Task Scheduler of Windows
    Windows,
}

#[derive(Serialize)]
struct Installed {
    scheduler: &'static str,
    written: Vec<String>,
    removed: Vec<String>,
    verified: bool,
    started: bool,
}

#[derive(Serialize)]
struct Printed<'t> {
    file: String,
    text: &'t str,
}

/// Installs.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let installation = args.place.installation(global)?;
    let jobs = jobs::read(&installation.config)?;
    match args.print {
        Some(system) => print(system, &installation, &jobs, output)?,
        None if args.cron => with_cron(&args.place, &installation, &jobs, output)?,
        None => with_systemd(&args.place, &installation, &jobs, output)?,
    }
    Ok(Status::Good)
}

fn with_systemd(place: &Where, installation: &Installation, jobs: &[ScheduledJob], output: &mut Output) -> Result<()> {
    let (folder, scope) = (place.unit_folder()?, installation.scope);
    let units = systemd_units(installation, jobs);
    place::check(&folder, &units, installation)?;
    let verified = verify::verify(&units, scope)?;
    if !verified {
        message::note("the units were not checked, because there is no `systemd-analyze`");
    }
    place::make_folder(&folder)?;
    let (mut written, mut paths) = (Vec::new(), Vec::new());
    for unit in &units {
        let path = folder.join(&unit.name);
        if place::look(&path, &unit.text, installation)? != place::Found::Same {
            place::put(&folder, unit)?;
            written.push(path.display().to_string());
        }
        paths.push(path);
    }
    let stale: Vec<_> = place::ours(&folder, installation)?.into_iter().filter(|path| !paths.contains(path)).collect();
    let is_told = place.into.is_none();
    if is_told {
        systemctl::forget(scope, &folder, &stale);
    }
    stale.iter().try_for_each(|path| place::remove(path))?;
    let timers = systemctl::timers(&paths);
    let started = is_told && systemctl::call(scope, &["daemon-reload"], &[]) & systemctl::call(scope, &["enable", "--now"], &timers);
    if is_told && crontab::remove(place, installation)? {
        message::note("the lines of cron are removed: timers take their place");
    }
    let removed = stale.iter().map(|path| path.display().to_string()).collect();
    report(&Installed { scheduler: "systemd", written, removed, verified, started }, jobs.len(), &format!("{folder:?}"), output)
}

fn with_cron(place: &Where, installation: &Installation, jobs: &[ScheduledJob], output: &mut Output) -> Result<()> {
    let at = crontab::install(place, installation, jobs)?;
    let removed = if place.into.is_none() { super::remove::units(place, installation)? } else { Vec::new() };
    let written = vec![at.clone()];
    report(&Installed { scheduler: "cron", written, removed, verified: false, started: place.into.is_none() }, jobs.len(), &at, output)
}

fn report(installed: &Installed, jobs: usize, at: &str, output: &mut Output) -> Result<()> {
    output.report(|output| {
        if output.is_json {
            return output.json(installed);
        }
        let state = if installed.written.is_empty() { "is as it should be" } else { "is written" };
        output.say(format_args!("the schedule of {} {state}, in {at}", crate::cli::text::counted(jobs as u64, "job")))?;
        installed.removed.iter().try_for_each(|path| output.say(format_args!("removed {path}")))
    })
}

fn print(system: System, installation: &Installation, jobs: &[ScheduledJob], output: &mut Output) -> Result<()> {
    for job in jobs {
        let (file, text) = match system {
            System::Launchd => (format!("{}.plist", launchd_label(job)), launchd_plist(installation, job)),
            System::Windows => (format!("{}.xml", job.name), windows_task(installation, job)),
        };
        if output.is_json {
            output.json(&Printed { file, text: &text })?;
            continue;
        }
        if jobs.len() > 1 {
            output.line(format_args!("<!-- {} -->", file.replace("--", "- -")))?;
        }
        output.bytes(text.as_bytes())?;
    }
    Ok(())
}
