//! Who is told of a run, and of what.

use std::collections::BTreeMap;

use super::book::{Book, with_causes};
use super::context::Context;
use crate::children::Program;
use crate::config::{Job, Login, Notice, Password, Way};
use crate::error::Result;
use crate::ledger::Ledger;
use crate::manifest::{LedgerEntry, StepKind, StepState};
use crate::notices::{Mail, Message, MessageStep, ask, post, run_program, send_mail};
use crate::progress::Silent;
use crate::units::Timestamp;

/// Tells everybody who wants to know how the run of `job` ended, and writes down whom that reached. `ledger` is what was
/// known before.
pub(super) fn tell(context: &Context<'_>, job: &Job, ledger: &Ledger, book: &mut Book) {
    let before = ledger.of_job(&job.name).find(|entry| super::due::is_run(entry)).map(LedgerEntry::state);
    let event = event(book.state(), before);
    tell_of(context, job, event, book);
}

/// Tells everybody who wants to know of `event`.
pub(super) fn tell_of(context: &Context<'_>, job: &Job, event: &str, book: &mut Book) {
    for notice in &context.config.notices {
        let is_ping = matches!(notice.way, Way::Ping(_));
        // An address that counts calls hears of each run, well or not.
        let is_wanted = notice.on.iter().any(|on| on == event || on == "good" && event == "recovered");
        if !is_wanted && (!is_ping || event == "late") {
            continue;
        }
        let step = book.begin(StepKind::Notice, name(&notice.way));
        let message = message(job, event, &book.entry, notice.has_paths);
        match send(context, notice, event, &message) {
            Ok(()) => book.end(step),
            Err(error) => book.end_as(step, StepState::Failed, with_causes(&error)),
        }
    }
}

/// What a run is to those who are told.
fn event(state: StepState, before: Option<StepState>) -> &'static str {
    let is_bad = |state: StepState| matches!(state, StepState::Failed | StepState::Unknown | StepState::Suspect);
    match state {
        StepState::Suspect => "suspect",
        StepState::Failed | StepState::Unknown => "failed",
        _ if before.is_some_and(is_bad) => "recovered",
        _ => "good",
    }
}

fn name(way: &Way) -> &'static str {
    match way {
        Way::Command(_) => "command",
        Way::Webhook(_) => "webhook",
        Way::Ping(_) => "ping",
        Way::Mail { .. } => "mail",
    }
}

fn message(job: &Job, event: &str, entry: &LedgerEntry, has_paths: bool) -> Message {
    let steps = entry.steps.iter().filter(|step| step.kind() != StepKind::Notice).map(|step| MessageStep {
        kind: step.kind().code().to_owned(),
        state: step.state().code().to_owned(),
        message: (has_paths && !step.message.is_empty()).then(|| step.message.clone()),
        figures: step.figures.iter().cloned().collect::<BTreeMap<_, _>>(),
    });
    Message {
        event: event.to_owned(),
        job: job.name.clone(),
        state: entry.state().code().to_owned(),
        host: entry.host.clone(),
        begun_at: text_of(entry.begun_at),
        ended_at: text_of(entry.ended_at),
        steps: steps.collect(),
    }
}

fn text_of(time: Timestamp) -> String {
    crate::browse::json::time_text(time)
}

fn send(context: &Context<'_>, notice: &Notice, event: &str, message: &Message) -> Result<()> {
    match &notice.way {
        Way::Command(list) => run_program(list, message, &Silent),
        Way::Webhook(address) => post(address, message),
        Way::Ping(address) if matches!(event, "good" | "recovered") => ask(address),
        Way::Ping(address) => ask(&format!("{}/fail", address.trim_end_matches('/'))),
        Way::Mail { to, from, smtp, login } => {
            let login = login.as_ref().map(read_login).transpose()?;
            let mail = Mail { to: to.clone(), from: from.clone(), server: smtp.clone(), login };
            send_mail(&mail, &context.user, message, &Silent)
        }
    }
}

fn read_login(login: &Login) -> Result<(String, String)> {
    let first = |bytes: &[u8]| String::from_utf8_lossy(bytes).lines().next().unwrap_or_default().to_owned();
    let password = match &login.password {
        None => String::new(),
        Some(Password::File(path) | Password::KeyFile(path)) => {
            let read = std::fs::read(path);
            first(&read.map_err(|error| crate::error::Error::io("cannot read", format!("\"{}\"", path.display()), error))?)
        }
        Some(Password::Command(list)) => first(&Program::of_list(list)?.run(&Silent)?.check()?.output),
    };
    Ok((login.user.clone(), password))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_run_after_a_bad_one_is_a_recovery() {
        use StepState::{Failed, Good, Incomplete, Suspect, Waiting};
        assert_eq!(event(Good, None), "good");
        assert_eq!(event(Good, Some(Good)), "good");
        assert_eq!(event(Good, Some(Failed)), "recovered");
        assert_eq!(event(Incomplete, Some(Suspect)), "recovered");
        assert_eq!(event(Waiting, Some(Waiting)), "good");
        assert_eq!(event(Failed, Some(Failed)), "failed");
        assert_eq!(event(Suspect, Some(Failed)), "suspect");
    }
}
