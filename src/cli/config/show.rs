//! `repo config show`: what holds in the end, and where each value comes from.

use std::path::Path;

use serde::Serialize;

use super::super::configured;
use super::super::exit::Status;
use super::super::global::Global;
use super::super::output::Output;
use crate::config::{Config, Job, Password};
use crate::error::{Error, ErrorKind, Result};

/// Show what holds, and where each value comes from
///
/// Of passwords only where they are is shown.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Only this job
    job: Option<String>,
}

#[derive(Serialize)]
struct Line {
    key: String,
    value: String,
    from: String,
}

/// Prints each value with its place.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let config = configured::required(global.config.as_deref())?;
    let jobs: Vec<&Job> = match &args.job {
        Some(name) => {
            let names = || config.jobs.iter().map(|job| job.name.as_str()).collect::<Vec<_>>().join(", ");
            let missing = || Error::new(ErrorKind::Invalid, format!("there is no job `{}`; there are: {}", name.escape_debug(), names()));
            vec![config.job(name).ok_or_else(missing)?]
        }
        None => config.jobs.iter().collect(),
    };
    let mut lines = Vec::new();
    if args.job.is_none() {
        lines.extend(of_repository(config, global));
    }
    jobs.iter().for_each(|job| lines.extend(of_job(config, job)));
    if args.job.is_none() {
        lines.extend(of_rest(config));
    }
    if output.is_json {
        lines.iter().try_for_each(|line| output.json(line))?;
        return Ok(Status::Good);
    }
    let width = lines.iter().map(|line| line.key.chars().count() + line.value.chars().count() + 3).max().unwrap_or_default().min(60);
    for line in lines {
        let said = format!("{} = {}", line.key, line.value);
        output.line(format_args!("{said:width$}  # {}", line.from))?;
    }
    Ok(Status::Good)
}

/// The place of a key in the file, or in `[defaults]`, or nothing.
fn from(config: &Config, job: Option<&str>, key: &str) -> String {
    let place = |path: &str| config.lines.get(path).map(|line| format!("{}:{line}", name_of(&config.file)));
    let own = place(&job.map_or_else(|| key.to_owned(), |job| format!("job.{job}.{key}")));
    let of_defaults = || job.and_then(|_| place(&format!("defaults.{key}")));
    own.or_else(of_defaults).unwrap_or_else(|| "default".to_owned())
}

fn name_of(file: &Path) -> String {
    file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned()
}

fn list(texts: &[impl AsRef<str>]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| format!("{:?}", text.as_ref())).collect();
    format!("[{}]", quoted.join(", "))
}

fn of_repository(config: &Config, global: &Global) -> Vec<Line> {
    let of_environment = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let (value, origin) = match (&global.repository, of_environment("REPO_REPOSITORY"), &config.repository) {
        (Some(path), ..) => (path.display().to_string(), "option -r".to_owned()),
        (None, Some(path), _) => (path.to_string_lossy().into_owned(), "REPO_REPOSITORY".to_owned()),
        (None, None, Some(path)) => (path.display().to_string(), from(config, None, "repository")),
        (None, None, None) => ("none".to_owned(), "nowhere".to_owned()),
    };
    let mut lines = vec![Line { key: "repository".to_owned(), value: format!("{value:?}"), from: origin }];
    let given = match global.named_source() {
        Ok(Some(_)) => "given by an option or the environment".to_owned(),
        _ => match &config.password {
            Some(Password::File(path)) => format!("the first line of {:?}", path.display().to_string()),
            Some(Password::Command(list)) => format!("the first line that {} prints", self::list(list)),
            Some(Password::KeyFile(path)) => format!("the key file {:?}", path.display().to_string()),
            None => "asked for".to_owned(),
        },
    };
    lines.push(Line { key: "password".to_owned(), value: given, from: from(config, None, "password") });
    lines
}

fn of_job(config: &Config, job: &Job) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut add = |key: &str, value: String| {
        lines.push(Line { key: format!("job.{}.{key}", job.name), value, from: from(config, Some(&job.name), key) });
    };
    let paths = |paths: &[std::path::PathBuf]| list(&paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>());
    let schedule = |schedule: &Option<crate::config::Schedule>, none: &str| {
        schedule.as_ref().map_or(none.to_owned(), |at| format!("{:?}", at.to_string()))
    };
    add("source", paths(&job.source));
    add("exclude", list(&job.exclude));
    add("exclude_caches", job.exclude_caches.to_string());
    add("exclude_larger_than", job.exclude_larger_than.map_or("no limit".to_owned(), |bytes| crate::units::ByteCount(bytes).to_string()));
    add("exclude_if_present", list(&job.exclude_if_present));
    add("one_file_system", job.one_file_system.to_string());
    add("require", paths(&job.require));
    add("schedule", schedule(&job.schedule, "by hand"));
    add("full", schedule(&job.full, "never"));
    add("differential", schedule(&job.differential, "never"));
    add("keep", keep(job));
    add("protect", job.protect.unwrap_or_default().to_string());
    add("priority", if job.is_low { "low" } else { "normal" }.to_owned());
    let conditions: Vec<String> = job.after.iter().map(|condition| format!("{condition:?}").to_lowercase()).collect();
    add("after", list(&conditions));
    add("guard", format!("lost_files {}%, rewritten {}%, database {}%", job.guard.lost_files, job.guard.rewritten, job.guard.database));
    for database in &job.databases {
        let place = database.address.clone().or(database.path.as_ref().map(|path| path.display().to_string()));
        let place = place.unwrap_or_else(|| database.run.iter().flatten().cloned().collect::<Vec<_>>().join(" "));
        add("database", format!("{} `{}`: {place}", database.kind.name(), database.name));
    }
    for hook in &job.hooks {
        add("hook", format!("{}: {}, at most {}", hook.when.name(), list(&hook.run), hook.timeout));
    }
    add("tags", list(&job.tags));
    lines
}

/// What is kept, in words.
fn keep(job: &Job) -> String {
    if job.keep.policy().is_empty() {
        return "everything: no rule is given".to_owned();
    }
    let keep = &job.keep;
    let counts = [
        ("last", keep.last),
        ("hourly", keep.hourly),
        ("daily", keep.daily),
        ("weekly", keep.weekly),
        ("monthly", keep.monthly),
        ("yearly", keep.yearly),
    ];
    let mut rules: Vec<String> = counts.iter().filter_map(|(name, count)| Some(format!("{name} {}", (*count)?))).collect();
    rules.extend(keep.within.map(|within| format!("within {within}")));
    rules.extend((!keep.tags.is_empty()).then(|| format!("tags {}", list(&keep.tags))));
    rules.join(", ")
}

fn of_rest(config: &Config) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut add = |key: &str, value: String| lines.push(Line { key: key.to_owned(), value, from: from(config, None, key) });
    add("prune.schedule", config.prune.as_ref().map_or("after every run that went well".to_owned(), |at| format!("{:?}", at.to_string())));
    add("check.daily", format!("{}%", config.check.daily_percent));
    add("check.schedule", config.check.schedule.as_ref().map_or("after every run".to_owned(), |at| format!("{:?}", at.to_string())));
    if let Some(drill) = &config.drill {
        add("drill.schedule", drill.schedule.as_ref().map_or("by hand".to_owned(), |at| format!("{:?}", at.to_string())));
        add("drill.sample", format!("newest {}, random {}, databases {}", drill.newest, drill.random, drill.databases));
    }
    for (number, notice) in config.notices.iter().enumerate() {
        add(&format!("notify[{number}].on"), list(&notice.on));
    }
    lines
}
