//! `repo doctor`: what is wrong with this set-up.

use serde::Serialize;

use super::configured;
use super::exit::Status;
use super::global::Global;
use super::output::Output;
use super::run::context;
use crate::error::Result;
use crate::jobs::{self, StateFolder};

/// Look for what is wrong with this set-up, and say what to do about each
///
/// Databases that an earlier run has left locked are released, where its own record proves that it was that run. Nothing
/// else is changed.
#[derive(clap::Args, Debug)]
pub struct Args {}

#[derive(Serialize)]
struct SymptomLine<'a> {
    about: &'a str,
    message: &'a str,
    is_wrong: bool,
    remedy: Option<&'a str>,
}

/// Looks and says.
pub fn run(_: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let config = configured::required(global.config.as_deref())?;
    let (location, repository) = (global.location()?, global.open()?);
    let state = StateFolder::open(repository.description().id, |name| std::env::var_os(name))?;
    let found = jobs::examine(&context(&repository, config, &state, Vec::new()), &location);
    for symptom in &found {
        if output.is_json {
            let (about, message, remedy) = (&symptom.about[..], &symptom.message[..], symptom.remedy.as_deref());
            output.json(&SymptomLine { about, message, is_wrong: symptom.is_wrong, remedy })?;
            continue;
        }
        let line = format!("{}{}: {}", if symptom.is_wrong { "" } else { "note: " }, symptom.about, symptom.message);
        if symptom.is_wrong {
            output.line(line)?
        } else {
            output.say(line)?
        }
        if let Some(remedy) = &symptom.remedy {
            output.say(format_args!("  do: {remedy}"))?;
        }
    }
    let is_well = found.iter().all(|symptom| !symptom.is_wrong);
    if is_well && !output.is_json {
        output.say("nothing is wrong with this set-up")?;
    }
    Ok(if is_well { Status::Good } else { Status::Incomplete })
}
