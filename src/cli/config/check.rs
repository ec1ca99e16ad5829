//! `repo config check`: whether a configuration is right.

use std::path::PathBuf;

use serde::Serialize;

use super::super::configured;
use super::super::exit::Status;
use super::super::global::Global;
use super::super::message;
use super::super::output::Output;
use crate::config::{self, Config, check_trust};
use crate::error::{Error, Result};

/// Name every mistake in a configuration, with its line and column
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The configuration [default: the one that holds here]
    file: Option<PathBuf>,
}

#[derive(Serialize)]
struct Checked {
    file: String,
    is_right: bool,
    jobs: Vec<String>,
    mistakes: Vec<Mistake>,
}

#[derive(Serialize)]
struct Mistake {
    line: usize,
    column: usize,
    message: String,
}

/// Reads it and says what is wrong.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let found = args.file.or(configured::file(global.config.as_deref())?);
    let Some(file) = found else { return configured::required(global.config.as_deref()).map(|_| Status::Good) };
    let failed = |error| Error::io("cannot read", format!("the configuration \"{}\"", file.display()), error);
    let text = String::from_utf8_lossy(&std::fs::read(&file).map_err(failed)?).into_owned();
    let shown = file.display().to_string();
    match config::read(&file, &text) {
        Ok(config) => {
            check_trust(&file, &std::fs::metadata(&file).map_err(failed)?, config.has_commands)?;
            let jobs = config.jobs.iter().map(|job| job.name.clone()).collect();
            if output.is_json {
                output.json(&Checked { file: shown, is_right: true, jobs, mistakes: Vec::new() })?;
            } else {
                output.say(format_args!("\"{shown}\" is right: {}", summary(&config)))?;
            }
            configured::warn_of_what_is_not_done(&config);
            note_what_is_not_there(&config);
            Ok(Status::Good)
        }
        Err(found) => {
            if output.is_json {
                let mistakes = found.mistakes.iter().map(|mistake| {
                    let (line, column) = found.place(mistake.span.start);
                    Mistake { line, column, message: mistake.message.clone() }
                });
                output.json(&Checked { file: shown, is_right: false, jobs: Vec::new(), mistakes: mistakes.collect() })?;
                return Ok(Status::Usage);
            }
            message::refuse(&format!("error: {found}"), false);
            Ok(Status::Usage)
        }
    }
}

fn summary(config: &Config) -> String {
    let counted = |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let databases = config.jobs.iter().map(|job| job.databases.len()).sum();
    let mut parts = vec![counted(config.jobs.len(), "job", "jobs")];
    if databases > 0 {
        parts.push(counted(databases, "database", "databases"));
    }
    if !config.notices.is_empty() {
        parts.push(counted(config.notices.len(), "notice", "notices"));
    }
    parts.join(", ")
}

/// Says of paths that are not there that they are not: a disk may only be away.
fn note_what_is_not_there(config: &Config) {
    for job in &config.jobs {
        for path in job.source.iter().chain(&job.require).filter(|path| !path.exists()) {
            message::note(format_args!("job `{}`: \"{}\" is not there now", job.name, path.display()));
        }
        if job.keep.policy().is_empty() {
            message::note(format_args!("job `{}` keeps everything: no rule is given", job.name));
        }
    }
}
