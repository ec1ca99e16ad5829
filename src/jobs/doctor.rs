//! What is wrong with this set-up, and what to type about each.

use std::path::Path;

use super::context::{Context, RunRequest};
use super::profiles::firebirds;
use super::request::request;
use super::require::check_required;
use crate::config::{Config, Password};
use crate::databases::firebird::{What, release_leftovers};
use crate::error::{Error, Hint};
use crate::platform::{private, same_disk};
use crate::progress::Silent;

/// Something that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symptom {
    /// What it is about: `password`, `job shop`, `database store` …
    pub about: String,
    /// What was found.
    pub message: String,
    /// Whether it is wrong; else it was mended, or is worth knowing.
    pub is_wrong: bool,
    /// What to type, or to do.
    pub remedy: Option<String>,
}

impl Symptom {
    fn wrong(about: impl Into<String>, message: impl Into<String>, remedy: Option<&str>) -> Self {
        Self { about: about.into(), message: message.into(), is_wrong: true, remedy: remedy.map(str::to_owned) }
    }

    fn of(about: impl Into<String>, error: &Error) -> Self {
        let remedy = match error.hint() {
            Hint::Instead(hint) => Some(hint.clone().into_owned()),
            _ => None,
        };
        Self { about: about.into(), message: super::book::with_causes(error), is_wrong: true, remedy }
    }
}

/// Looks at the set-up of `context`, and lets go what earlier runs have provably left held. `location` is where the
/// repository lies.
pub fn examine(context: &Context<'_>, location: &Path) -> Vec<Symptom> {
    let mut found = Vec::new();
    let config = context.config;
    look_at_password(config, &mut found);
    look_at_places(config, location, &mut found);
    for job in &config.jobs {
        let about = format!("job {}", job.name);
        if let Err(error) = check_required(job) {
            found.push(Symptom::of(&about, &error));
        }
        look_at_databases(context, job, &mut found);
        release(context, job, &mut found);
    }
    if config.notices.is_empty() {
        let message = "nobody is told when a run fails";
        found.push(Symptom { is_wrong: false, ..Symptom::wrong("notify", message, Some("add `[[notify]]` to the configuration")) });
    }
    found
}

fn look_at_password(config: &Config, found: &mut Vec<Symptom>) {
    let Some(Password::File(path) | Password::KeyFile(path)) = &config.password else { return };
    match std::fs::metadata(path) {
        Err(error) => {
            let message = format!("\"{}\" cannot be read: {error}", path.display());
            found.push(Symptom::wrong("password", message, Some("put the password on its first line, readable by its owner alone")));
        }
        Ok(metadata) if private::can_others_read(&metadata) => {
            let remedy = format!("chmod 600 \"{}\"", path.display());
            found.push(Symptom::wrong("password", format!("\"{}\" can be read by others", path.display()), Some(&remedy)));
        }
        Ok(_) => {}
    }
}

fn look_at_places(config: &Config, location: &Path, found: &mut Vec<Symptom>) {
    for job in &config.jobs {
        if job.source.iter().any(|source| same_disk(source, location) == Some(true)) {
            let message = format!("the repository lies on the disk of what job `{}` saves: both are lost with it", job.name);
            found.push(Symptom { is_wrong: false, ..Symptom::wrong("repository", message, Some("put it on another disk")) });
            break;
        }
    }
    let scratch = config.drill.as_ref().map(|drill| drill.scratch.clone().unwrap_or_else(|| "/var/tmp".into()));
    if let Some(scratch) = scratch.filter(|scratch| same_disk(scratch, location) == Some(true)) {
        let message = format!("a drill restores to \"{}\", which is on the disk of the repository", scratch.display());
        let symptom = Symptom::wrong("drill", message, Some("give `scratch` of `[drill]` a folder on another disk"));
        found.push(Symptom { is_wrong: false, ..symptom });
    }
}

/// Whether each database could be saved now.
fn look_at_databases(context: &Context<'_>, job: &crate::config::Job, found: &mut Vec<Symptom>) {
    if job.databases.is_empty() {
        return;
    }
    let how = RunRequest { dry_run: true, ..RunRequest::default() };
    let listing = match context.repository.catalogued() {
        Ok(catalogued) => catalogued.listing,
        Err(error) => return found.push(Symptom::of("repository", &error)),
    };
    match request(context, job, &how, &listing) {
        Err(error) => found.push(Symptom::of(format!("job {}", job.name), &error)),
        Ok(request) => {
            for profile in &request.databases {
                if let Err(error) = profile.foresee(&Silent) {
                    found.push(Symptom::of(format!("database {}", profile.name()), &error));
                }
            }
        }
    }
}

fn release(context: &Context<'_>, job: &crate::config::Job, found: &mut Vec<Symptom>) {
    let Ok(databases) = firebirds(context, job) else { return };
    if databases.is_empty() {
        return;
    }
    match release_leftovers(&context.state.holds(), &databases.iter().collect::<Vec<_>>()) {
        Ok(leftovers) => found.extend(leftovers.into_iter().map(|leftover| Symptom {
            about: format!("\"{}\"", leftover.path.display()),
            message: leftover.message,
            is_wrong: !matches!(leftover.what, What::Released | What::Gone | What::InUse),
            remedy: leftover.advice,
        })),
        Err(error) => found.push(Symptom::of(format!("job {}", job.name), &error)),
    }
}
