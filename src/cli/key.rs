//! `repo key`: who can open the repository.

use std::path::PathBuf;

use clap::Subcommand;
use serde::Serialize;

use super::bar::Bar;
use super::exit::Status;
use super::global::Global;
use super::init::Kdf;
use super::message;
use super::output::Output;
use super::password::{self, Named};
use super::times;
use crate::browse::json;
use crate::error::{Error, ErrorKind, Result};
use crate::keys::{self, Change, NewKey, Outcome, Request};
use crate::repository::{KEY_FILE, Key, KeySlot, PASSWORD, Repository};
use crate::units::PathText;

/// Show, add, remove and change the keys of the repository
///
/// Every key opens the whole repository. A key is two slots, of which one is enough, that hold the secrets of the
/// repository, wrapped by a password or a key file; adding or removing one touches no data. Whoever has had a key may have kept the secrets:
/// to shut somebody out for good, make a new repository.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the keys
    List,
    /// Add a key
    Add(New),
    /// Remove a key
    ///
    /// The key in use cannot be removed, and so the last one neither.
    Remove {
        /// The beginning of the id of the key
        id: String,
    },
    /// Replace the key in use by another
    Change(New),
}

#[derive(clap::Args, Debug)]
struct New {
    /// Read the new password from the first line of a file
    #[arg(long, value_name = "FILE")]
    new_password_file: Option<PathBuf>,

    /// Use a key file of 32 random bytes as the new key
    #[arg(long, value_name = "FILE", conflicts_with = "new_password_file")]
    new_key_file: Option<PathBuf>,

    /// A name for the key, for people
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,

    /// What a guess at the new password costs
    #[arg(long, value_enum, value_name = "COST", default_value_t)]
    kdf: Kdf,
}

#[derive(Serialize)]
struct Shown<'a> {
    id: String,
    r#type: &'a str,
    label: &'a str,
    created_at: String,
    in_use: bool,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    slots: Vec<String>,
}

impl<'a> Shown<'a> {
    fn of(key: &'a Key, in_use: bool) -> Self {
        let (id, slot) = (key.id(), key.slot());
        let r#type = match slot.slot_type {
            PASSWORD => "password",
            KEY_FILE => "key-file",
            _ => "unknown",
        };
        let KeySlot { memory_kib, passes, lanes, .. } = *slot;
        let created_at = json::time_text(slot.created_at);
        let slots = key.slots().map(|id| id.to_string()).collect();
        Self { id: id.to_string(), r#type, label: &slot.label, created_at, in_use, memory_kib, passes, lanes, slots }
    }
}

/// Runs one of the sub-commands.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let (repository, credential) = global.open_and_tell()?;
    let Some(old) = credential.filter(|_| repository.slot().is_some()) else {
        return Err(Error::new(ErrorKind::Invalid, "the repository is not encrypted: it has no keys"));
    };
    // Before anybody is asked for a new password.
    let new_key = |new| repository.facts().check_understood().and_then(|()| new_key(new));
    let (done, change) = match args.command {
        Command::List => return list(&repository, output).map(|()| Status::Good),
        Command::Add(new) => ("added", Change::Add(new_key(new)?)),
        Command::Remove { id } => ("removed", Change::Remove(id)),
        Command::Change(new) => ("changed", Change::Replace { old, new: new_key(new)? }),
    };
    let is_changed = matches!(change, Change::Replace { .. });
    let outcome = keys::run(&repository, &Request::new(change), &Bar::hidden(global))?;
    warn_of(&outcome);
    print(output, done, &outcome.key, is_changed)?;
    Ok(Status::Good)
}

fn list(repository: &Repository, output: &mut Output) -> Result<()> {
    for key in &keys::list(repository)? {
        let shown = Shown::of(key, repository.is_in_use(key));
        if output.is_json {
            output.json(&shown)?;
            continue;
        }
        let mark = if shown.in_use { "*" } else { " " };
        let (time, label) = (times::local(key.slot().created_at), PathText(key.slot().label.as_bytes()).to_string());
        output.line(format!("{mark} {}  {:<8}  {time}  {label}", key.id().short(), shown.r#type).trim_end())?;
    }
    Ok(())
}

fn new_key(new: New) -> Result<NewKey> {
    let named = Named { password_file: new.new_password_file, key_file: new.new_key_file, ..Named::default() };
    let credential = match password::choose(named, Named::default())? {
        Some(source) => source.read_new(),
        None => password::ask("new password: ", true),
    }
    .inspect(password::warn_of_short)?;
    Ok(NewKey { credential, label: new.label, cost: new.kdf.cost() })
}

/// Says what may open the repository though its key went.
fn warn_of(outcome: &Outcome) {
    let count = outcome.damaged_slots;
    if count > 0 {
        message::warn(format_args!(
            "{count} key slots cannot be read, and may be of the key that was removed; `repo repair` sets them aside, and `damaged/keys` in the \
             repository can be deleted then"
        ));
    }
    for other in &outcome.still_opened {
        let id = other.id().short();
        message::warn(format_args!("the old password or key file still opens key {id}; `repo key remove {id}` removes that too"));
    }
}

fn print(output: &mut Output, done: &str, key: &Key, in_use: bool) -> Result<()> {
    let shown = Shown::of(key, in_use);
    output.report(|output| if output.is_json { output.json(&shown) } else { output.say(format_args!("key {} {done}", key.id().short())) })
}
