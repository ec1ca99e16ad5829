//! The configuration of this command: found once, and read only where something is asked of it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::message;
use super::password::Source;
use crate::config::{Config, Found, Password, find, load};
use crate::error::{Error, Result};

/// The one of this process.
static CONFIG: OnceLock<Option<Config>> = OnceLock::new();

/// Where the configuration is that holds here, if there is one.
///
/// # Errors
/// `NotFound` when one that was named is not there.
pub fn file(named: Option<&Path>) -> Result<Option<PathBuf>> {
    let folder = std::env::current_dir().ok();
    Ok(match find(named, |name| std::env::var_os(name), folder.as_deref())? {
        Found::Named(file) | Found::Usual(file) => Some(std::path::absolute(&file).unwrap_or(file)),
        Found::None => None,
    })
}

/// The configuration that holds here, if there is one.
///
/// # Errors
/// As [`file`] and [`load`].
pub fn config(named: Option<&Path>) -> Result<Option<&'static Config>> {
    if let Some(config) = CONFIG.get() {
        return Ok(config.as_ref());
    }
    let read = file(named)?.map(|file| load(&file)).transpose()?;
    Ok(CONFIG.get_or_init(|| read).as_ref())
}

/// The configuration that holds here, of which there must be one.
///
/// # Errors
/// As [`config`], and `Invalid` where there is none.
pub fn required(named: Option<&Path>) -> Result<&'static Config> {
    config(named)?.ok_or_else(|| {
        let message = "there is no configuration: none was named, and there is no repo.toml here, in ~/.config/repo/ or in /etc/repo/";
        Error::new(crate::error::ErrorKind::Invalid, message).with_hint("`repo config example > repo.toml` makes one")
    })
}

/// Warns of what somebody may rely on and no command does.
pub fn warn_of_what_is_not_done(config: &Config) {
    for key in config.not_done() {
        message::warn(format_args!("{key} is looked at, and this version does nothing with it"));
    }
}

/// Where the password is, as the command line knows it.
pub fn source(password: &Password) -> Source {
    match password {
        Password::File(path) => Source::PasswordFile(path.clone()),
        Password::Command(list) => Source::PasswordProgram(list.clone()),
        Password::KeyFile(path) => Source::KeyFile(path.clone()),
    }
}
