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
use crate::id::check_prefix;
use crate::repository::{Credential, KEY_FILE, Key, KeySlot, PASSWORD, Repository, count_damaged_slots, list_keys, remove_slot};
use crate::storage::Lock;
use crate::units::{PathText, Timestamp};

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
    let Some(credential) = credential.filter(|_| repository.slot().is_some()) else {
        return Err(Error::new(ErrorKind::Invalid, "the repository is not encrypted: it has no keys"));
    };
    if !matches!(args.command, Command::List) {
        repository.facts().check_understood()?;
    }
    match args.command {
        Command::List => list(&repository, output)?,
        Command::Add(new) => add(&repository, &new, global, output)?,
        Command::Remove { id } => remove(&repository, &id, global, output)?,
        Command::Change(new) => change(&repository, &credential, &new, global, output)?,
    }
    Ok(Status::Good)
}

fn list(repository: &Repository, output: &mut Output) -> Result<()> {
    let mut keys = list_keys(&**repository.storage())?;
    keys.sort_by_key(|key| (key.slot().created_at, key.id()));
    for key in &keys {
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

/// Nobody else changes keys while this is held: two removals at once, each by the key that the other
/// removes, would leave no key at all.
fn lock(repository: &Repository, global: &Global) -> Result<Box<dyn Lock>> {
    repository.lock_alone(&Bar::hidden(global))
}

fn add(repository: &Repository, new: &New, global: &Global, output: &mut Output) -> Result<()> {
    let credential = new_credential(new)?;
    let _lock = lock(repository, global)?;
    let label = new.label.clone().unwrap_or_default();
    let key = repository.add_key(&credential, &label, new.kdf.cost(), Timestamp::now(), None)?;
    print(output, "added", &key, false)
}

fn new_credential(new: &New) -> Result<Credential> {
    let named = Named { password_file: new.new_password_file.clone(), key_file: new.new_key_file.clone(), ..Named::default() };
    match password::choose(named, Named::default())? {
        Some(source) => source.read_new(),
        None => password::ask("new password: ", true),
    }
    .inspect(password::warn_of_short)
}

fn remove(repository: &Repository, prefix: &str, global: &Global, output: &mut Output) -> Result<()> {
    let _lock = lock(repository, global)?;
    let keys = list_keys(&**repository.storage())?;
    let key = find(&keys, prefix)?;
    repository.remove_key(key, &keys)?;
    warn_of_damaged(repository)?;
    print(output, "removed", key, false)
}

fn change(repository: &Repository, old: &Credential, new: &New, global: &Global, output: &mut Output) -> Result<()> {
    let credential = new_credential(new)?;
    let _lock = lock(repository, global)?;
    let keys = list_keys(&**repository.storage())?;
    let in_use = find_in_use(repository, &keys)?;
    let label = new.label.clone().unwrap_or_else(|| in_use.slot().label.clone());
    // The new key is durable, and was opened, before the old one goes.
    let key = repository.add_key(&credential, &label, new.kdf.cost(), Timestamp::now(), Some(in_use))?;
    remove_slot(&**repository.storage(), &in_use.id())?;
    warn_of_damaged(repository)?;
    for other in repository.keys_opened_by(old)?.iter().filter(|other| other.id() != key.id()) {
        let id = other.id().short();
        message::warn(format_args!("the old password or key file still opens key {id}; `repo key remove {id}` removes that too"));
    }
    print(output, "changed", &key, true)
}

/// A slot that cannot be read now may be one of the key that was removed, and open again when it can.
fn warn_of_damaged(repository: &Repository) -> Result<()> {
    match count_damaged_slots(&**repository.storage())? {
        0 => {}
        count => message::warn(format_args!(
            "{count} key slots cannot be read, and may be of the key that was removed; `repo repair` sets them aside, and `damaged/keys` in the \
             repository can be deleted then"
        )),
    }
    Ok(())
}

fn find<'a>(keys: &'a [Key], prefix: &str) -> Result<&'a Key> {
    check_prefix(prefix)?;
    let mut found = keys.iter().filter(|key| key.slots().any(|id| id.to_string().starts_with(prefix)));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(Error::new(ErrorKind::Invalid, format!("several keys begin with {prefix}"))),
        (None, _) => Err(Error::new(ErrorKind::NotFound, format!("there is no key `{}`; see `repo key list`", prefix.escape_debug()))),
    }
}

fn find_in_use<'a>(repository: &Repository, keys: &'a [Key]) -> Result<&'a Key> {
    let removed = || Error::new(ErrorKind::Changed, "the key that opened the repository was removed by somebody else meanwhile");
    keys.iter().find(|key| repository.is_in_use(key)).ok_or_else(removed)
}

fn print(output: &mut Output, done: &str, key: &Key, in_use: bool) -> Result<()> {
    let shown = Shown::of(key, in_use);
    output.report(|output| if output.is_json { output.json(&shown) } else { output.say(format_args!("key {} {done}", key.id().short())) })
}
