//! Telling somebody: a program, an address that takes JSON, one that counts calls, a letter.
//!
//! What is told are words and numbers; paths and what tools complained of only where somebody asked for them. The only
//! home of HTTP and SMTP. A failure to tell is an error that the caller writes down: nobody else will notice it.

mod mail;
mod message;
mod web;

#[cfg(test)]
mod tests;

pub use mail::{Mail, send_mail};
pub use message::{Message, MessageStep};
pub use web::{ask, post};

use std::time::Duration;

use crate::cancel::Cancel;
use crate::children::Program;
use crate::error::Result;

/// Nobody is waited for longer.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// Runs a program, which gets the words in its environment and JSON on its standard input.
///
/// # Errors
/// When it cannot be run, fails, or takes longer than a minute.
pub fn run_program(list: &[String], message: &Message, cancel: &dyn Cancel) -> Result<()> {
    let program = Program::of_list(list)?
        .variable("REPO_EVENT", &message.event)
        .variable("REPO_JOB", &message.job)
        .variable("REPO_STATE", &message.state)
        .variable("REPO_SENTENCE", message.sentence())
        .input(message.json())
        .time_limit(TIME_LIMIT);
    program.run(cancel)?.check().map(drop)
}
