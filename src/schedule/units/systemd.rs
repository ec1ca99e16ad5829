//! systemd's timers and services.
//!
//! A timer is persistent: what was missed while the machine was off starts when it is on again. A disk or a network that
//! is not there is waited for by the look every quarter of an hour, which is a timer of its own.

use super::installation::{Installation, LOOK_MINUTES, Priority, ScheduledJob, UnitFile};
use super::quote::{systemd_argument, systemd_line, systemd_word, unit_name};
use crate::schedule::Condition;

/// How a file of ours begins; others are neither replaced nor removed.
pub const MARK: &str = "# strongroom: written by `repo schedule install`, which replaces it. Make changes in a drop-in.";
const CONFIG_MARK: &str = "# strongroom-config: ";

/// The name of a job's units, without what tells timer and service apart.
pub fn job_name(job: &str) -> String {
    format!("repo-job-{}", unit_name(job))
}

/// The name of the units that look after what was missed.
pub fn due_name(installation: &Installation) -> String {
    format!("repo-due-{}", installation.tag())
}

/// Whether a file was written by us, for whatever configuration.
pub fn is_ours(text: &str) -> bool {
    text.lines().next() == Some(MARK)
}

/// Whether a file was written by us for this configuration.
pub fn is_of(text: &str, installation: &Installation) -> bool {
    is_ours(text) && text.lines().nth(1) == Some(&head(installation)[MARK.len() + 1..])
}

fn head(installation: &Installation) -> String {
    format!("{MARK}\n{CONFIG_MARK}{}", installation.config_text())
}

/// The units of all jobs, a service and a timer each, and those of the look after what was missed; nothing without jobs.
pub fn systemd_units(installation: &Installation, jobs: &[ScheduledJob]) -> Vec<UnitFile> {
    let mut units: Vec<UnitFile> = jobs.iter().flat_map(|job| job_units(installation, job)).collect();
    if !jobs.is_empty() {
        let all_low = jobs.iter().all(|job| job.priority == Priority::Low);
        let priority = if all_low { Priority::Low } else { Priority::Normal };
        let what = format!("Look after backups that were missed, by {}", installation.config_text());
        let service = service(installation, &what, &[], priority, &installation.run_due());
        let timer = timer(installation, &what, &format!("*:0/{LOOK_MINUTES}"), false);
        units.extend(named(&due_name(installation), service, timer));
    }
    units
}

fn job_units(installation: &Installation, job: &ScheduledJob) -> [UnitFile; 2] {
    let what = format!("Backup {}, by {}", job.name, installation.config_text());
    let service = service(installation, &what, &job.after, job.priority, &installation.run_job(&job.name));
    let timer = timer(installation, &what, &job.calendar.to_string(), true);
    named(&job_name(&job.name), service, timer)
}

fn named(name: &str, service: String, timer: String) -> [UnitFile; 2] {
    [("service", service), ("timer", timer)].map(|(kind, text)| UnitFile { name: format!("{name}.{kind}"), text })
}

fn service(installation: &Installation, what: &str, after: &[Condition], priority: Priority, command: &[String]) -> String {
    let mut lines = vec![head(installation), "[Unit]".to_owned(), format!("Description={}", systemd_line(what))];
    for condition in after {
        match condition {
            Condition::Network => lines.extend(["Wants", "After"].map(|key| format!("{key}=network-online.target"))),
            Condition::AcPower => lines.push("ConditionACPower=true".to_owned()),
            Condition::Medium(path) => lines.push(format!("RequiresMountsFor={}", systemd_word(&path.to_string_lossy()))),
        }
    }
    lines.extend([String::new(), "[Service]".to_owned(), "Type=oneshot".to_owned()]);
    let (program, arguments) = command.split_first().map_or(("", &[][..]), |(program, rest)| (program.as_str(), rest));
    // Of the program itself no variables are replaced.
    let words: Vec<String> = [systemd_word(program)].into_iter().chain(arguments.iter().map(|word| systemd_argument(word))).collect();
    lines.push(format!("ExecStart={}", words.join(" ")));
    if priority == Priority::Low {
        lines.extend(["Nice=19", "IOSchedulingClass=idle"].map(str::to_owned));
    }
    lines.join("\n") + "\n"
}

fn timer(installation: &Installation, what: &str, calendar: &str, is_persistent: bool) -> String {
    let mut lines = vec![head(installation), "[Unit]".to_owned(), format!("Description={}", systemd_line(what))];
    lines.extend([String::new(), "[Timer]".to_owned(), format!("OnCalendar={calendar}")]);
    if is_persistent {
        lines.push("Persistent=true".to_owned());
    }
    lines.extend(["", "[Install]", "WantedBy=timers.target"].map(str::to_owned));
    lines.join("\n") + "\n"
}
