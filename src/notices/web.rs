//! Addresses of the web.

use ureq::Agent;

use super::TIME_LIMIT;
use super::message::Message;
use crate::error::{Error, ErrorKind, Result};

fn agent() -> Agent {
    Agent::config_builder().timeout_global(Some(TIME_LIMIT)).user_agent(concat!("strongroom/", env!("CARGO_PKG_VERSION"))).build().into()
}

/// Sends `message` as JSON.
///
/// # Errors
/// `Other` when the address does not answer, or not with success. It is not named: it may be a secret.
pub fn post(address: &str, message: &Message) -> Result<()> {
    let sent = agent().post(address).header("content-type", "application/json").send(&message.json()[..]);
    sent.map(drop).map_err(|error| failed(&error))
}

/// Asks for an address, which counts that it is asked.
///
/// # Errors
/// As [`post`].
pub fn ask(address: &str) -> Result<()> {
    agent().get(address).call().map(drop).map_err(|error| failed(&error))
}

fn failed(error: &ureq::Error) -> Error {
    let why = match error {
        ureq::Error::StatusCode(code) => format!("it answered {code}"),
        ureq::Error::Timeout(_) => "it did not answer in time".to_owned(),
        ureq::Error::HostNotFound => "its host is not known".to_owned(),
        ureq::Error::Io(error) => error.to_string(),
        _ => "it cannot be asked".to_owned(),
    };
    Error::new(ErrorKind::Other, format!("the address could not be told: {why}"))
}
