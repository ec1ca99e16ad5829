//! Letters, through the `sendmail` of the machine or a server of mail.

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{SmtpTransport, Transport};

use super::TIME_LIMIT;
use super::message::Message;
use crate::cancel::Cancel;
use crate::children::Program;
use crate::error::{Error, ErrorKind, Result};

/// How a letter is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// To whom.
    pub to: String,
    /// From whom; the user of this machine where nothing is said.
    pub from: Option<String>,
    /// A server as `host:port`; `sendmail` of this machine where nothing is said. Port 465 speaks TLS from the first byte,
    /// others are asked for it; one on this machine need not.
    pub server: Option<String>,
    /// Who logs in there: the name and the password.
    pub login: Option<(String, String)>,
}

/// Sends `message` as a letter.
///
/// # Errors
/// `Invalid` for an address that is none; `Other` when it could not be sent.
pub fn send_mail(mail: &Mail, user: &str, message: &Message, cancel: &dyn Cancel) -> Result<()> {
    let letter = write(mail, user, message)?;
    match &mail.server {
        None => {
            let program = Program::new("sendmail").args(["-i", "-t"]).input(letter.formatted()).time_limit(TIME_LIMIT);
            program.run(cancel)?.check().map(drop)
        }
        Some(server) => send_to(server, mail, &letter),
    }
}

fn write(mail: &Mail, user: &str, message: &Message) -> Result<lettre::Message> {
    let mailbox = |text: &str| {
        text.parse::<Mailbox>().map_err(|_| Error::new(ErrorKind::Invalid, format!("`{}` is no address of mail", text.escape_debug())))
    };
    let plain: String = message.host.chars().filter(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.')).collect();
    let own = format!("{user}@{}", if plain.is_empty() { "localhost" } else { &plain });
    let builder = lettre::Message::builder().from(mailbox(mail.from.as_deref().unwrap_or(&own))?).to(mailbox(&mail.to)?);
    let builder = builder.subject(format!("[repo] {}", message.sentence())).header(ContentType::TEXT_PLAIN);
    builder.body(message.letter()).map_err(|error| Error::new(ErrorKind::Other, "the letter cannot be written").with_source(error))
}

fn send_to(server: &str, mail: &Mail, letter: &lettre::Message) -> Result<()> {
    let invalid = || Error::new(ErrorKind::Invalid, format!("`{}` is no server of mail; write `host:port`", server.escape_debug()));
    let failed = |error: lettre::transport::smtp::Error| {
        Error::new(ErrorKind::Other, "the server of mail did not take the letter").with_source(error)
    };
    let (host, port) = match server.rsplit_once(':') {
        Some((host, port)) => (host, port.parse::<u16>().map_err(|_| invalid())?),
        None => (server, 587),
    };
    let is_here = matches!(host, "localhost" | "127.0.0.1" | "::1");
    let builder = match port {
        465 => SmtpTransport::relay(host).map_err(failed)?,
        _ if is_here => SmtpTransport::builder_dangerous(host),
        _ => SmtpTransport::starttls_relay(host).map_err(failed)?,
    };
    let mut builder = builder.port(port).timeout(Some(TIME_LIMIT));
    if let Some((name, password)) = &mail.login {
        builder = builder.credentials(Credentials::new(name.clone(), password.clone()));
    }
    builder.build().send(letter).map(drop).map_err(failed)
}
