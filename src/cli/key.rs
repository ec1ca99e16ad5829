//! `repo key`: who can open the repository.

use std::path::PathBuf;

use clap::Subcommand;
use serde::Serialize;

use super::exit::Status;
use super::global::Global;
use super::init::Kdf;
use super::output::Output;
use super::password::{self, Named};
use super::times;
use crate::browse::json;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{SlotId, check_prefix};
use crate::repository::{Credential, KEY_FILE, KeySlot, PASSWORD, Repository, list_slots, publish_slot, remove_slot};
use crate::storage::{LockMode, PRUNE_LOCK};
use crate::units::{PathText, Timestamp};

/// Show, add, remove and change the keys of the repository
///
/// Every key opens the whole repository. A key is a slot that holds the secrets of the repository, wrapped by a
/// password or a key file; adding or removing one touches no data. Whoever has had a key may have kept the secrets:
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
}

impl<'a> Shown<'a> {
    fn of(id: &SlotId, slot: &'a KeySlot, in_use: bool) -> Self {
        let r#type = match slot.slot_type {
            PASSWORD => "password",
            KEY_FILE => "key-file",
            _ => "unknown",
        };
        let KeySlot { memory_kib, passes, lanes, .. } = *slot;
        let created_at = json::time_text(slot.created_at);
        Self { id: id.to_string(), r#type, label: &slot.label, created_at, in_use, memory_kib, passes, lanes }
    }
}

/// Runs one of the sub-commands.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let repository = global.open()?;
    let Some(in_use) = repository.slot() else {
        return Err(Error::new(ErrorKind::Invalid, "the repository is not encrypted: it has no keys"));
    };
    if !matches!(args.command, Command::List) {
        repository.facts().check_understood()?;
    }
    match args.command {
        Command::List => list(&repository, in_use, output)?,
        Command::Add(new) => {
            let (id, slot) = add(&repository, &new, new.label.clone().unwrap_or_default())?;
            print(output, "added", &id, &slot, false)?;
        }
        Command::Remove { id } => remove(&repository, in_use, &id, output)?,
        Command::Change(new) => change(&repository, in_use, &new, output)?,
    }
    Ok(Status::Good)
}

fn list(repository: &Repository, in_use: SlotId, output: &mut Output) -> Result<()> {
    let mut slots = list_slots(&**repository.storage())?;
    slots.sort_by_key(|(id, slot)| (slot.created_at, *id));
    for (id, slot) in &slots {
        let shown = Shown::of(id, slot, *id == in_use);
        if output.is_json {
            output.json(&shown)?;
            continue;
        }
        let mark = if shown.in_use { "*" } else { " " };
        let (time, label) = (times::local(slot.created_at), PathText(slot.label.as_bytes()).to_string());
        output.line(format!("{mark} {}  {:<8}  {time}  {label}", id.short(), shown.r#type).trim_end())?;
    }
    Ok(())
}

fn add(repository: &Repository, new: &New, label: String) -> Result<(SlotId, KeySlot)> {
    let credential = new_credential(new)?;
    let slot = KeySlot::wrap(repository.bundle(), repository.description(), &credential, &label, new.kdf.cost(), Timestamp::now())?;
    let id = publish_slot(&**repository.storage(), &slot)?;
    Ok((id, slot))
}

fn new_credential(new: &New) -> Result<Credential> {
    let named = Named { password_file: new.new_password_file.clone(), key_file: new.new_key_file.clone(), ..Named::default() };
    match password::choose(named, Named::default())? {
        Some(source) => source.read(),
        None => password::ask("new password: ", true),
    }
}

fn remove(repository: &Repository, in_use: SlotId, prefix: &str, output: &mut Output) -> Result<()> {
    // Two removals at once, each by the key that the other removes, would leave no key at all.
    let _lock = repository.storage().lock(PRUNE_LOCK, LockMode::Exclusive, false)?;
    let slots = list_slots(&**repository.storage())?;
    let (id, slot) = find(&slots, prefix)?;
    if slots.len() == 1 {
        return Err(Error::new(
            ErrorKind::Invalid,
            format!("key {} is the last one; without it nobody can open the repository", id.short()),
        ));
    }
    if *id == in_use {
        let message = format!("key {} is in use; open the repository with another key to remove it", id.short());
        return Err(Error::new(ErrorKind::Invalid, message));
    }
    check_still_there(&slots, in_use)?;
    remove_slot(&**repository.storage(), id)?;
    print(output, "removed", id, slot, false)
}

fn change(repository: &Repository, in_use: SlotId, new: &New, output: &mut Output) -> Result<()> {
    let _lock = repository.storage().lock(PRUNE_LOCK, LockMode::Exclusive, false)?;
    let slots = list_slots(&**repository.storage())?;
    check_still_there(&slots, in_use)?;
    let old_label = slots.iter().find(|(id, _)| *id == in_use).map(|(_, slot)| slot.label.clone());
    let label = new.label.clone().or(old_label).unwrap_or_default();
    // The new key is durable before the old one goes.
    let (id, slot) = add(repository, new, label)?;
    remove_slot(&**repository.storage(), &in_use)?;
    print(output, "changed", &id, &slot, true)
}

fn find<'a>(slots: &'a [(SlotId, KeySlot)], prefix: &str) -> Result<&'a (SlotId, KeySlot)> {
    check_prefix(prefix)?;
    let mut found = slots.iter().filter(|(id, _)| id.to_string().starts_with(prefix));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(Error::new(ErrorKind::Invalid, format!("several keys begin with {prefix}"))),
        (None, _) => Err(Error::new(ErrorKind::NotFound, format!("there is no key `{}`; see `repo key list`", prefix.escape_debug()))),
    }
}

fn check_still_there(slots: &[(SlotId, KeySlot)], in_use: SlotId) -> Result<()> {
    if slots.iter().any(|(id, _)| *id == in_use) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Changed, format!("key {} was removed by somebody else meanwhile", in_use.short())))
}

fn print(output: &mut Output, done: &str, id: &SlotId, slot: &KeySlot, in_use: bool) -> Result<()> {
    let shown = Shown::of(id, slot, in_use);
    output.report(|output| if output.is_json { output.json(&shown) } else { output.line(format_args!("key {} {done}", id.short())) })
}
