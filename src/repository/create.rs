//! Makes a repository.

use super::aside::set_aside;
use super::description::Description;
use super::facts::{Protection, publish_new_pair, publish_settings, standard_settings};
use super::keys::{Credential, SecretBundle, publish_twins};
use super::layout;
use super::leftovers::{find_leftovers, is_there};
use super::locks::{WAITING, wait_for};
use super::reserve::make_reserve;
use crate::crypto::{Algorithm, Argon2Cost, random_bytes};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ClientId, RepositoryId, RunId};
use crate::manifest::{KEPT, Kept, Record, SETTING};
use crate::progress::{Finding, FindingKind, Progress, Silent, Topic};
use crate::storage::{LOCK, Lock, LockMode, PRUNE_LOCK, Storage};
use crate::units::Timestamp;
use crate::wire::{self, Extensions};

/// How a repository is made.
pub struct CreateOptions {
    /// Its cipher.
    pub algorithm: Algorithm,
    /// What the first key slot opens with; none without encryption.
    pub credential: Option<Credential>,
    /// What a guess at the password costs.
    pub cost: Argon2Cost,
    /// The time that the first slot and record carry.
    pub now: Timestamp,
}

/// Makes a repository in `storage` and returns its id. `repository.json` is published last: before it
/// there is no repository, so that a half-made one is simply made again. Whoever makes one has the locks
/// from the first look to the end; another waits, and finds the repository then.
///
/// # Errors
/// `Exists` when there is one; `Invalid` when there is anything else, or credential and cipher do not go together.
pub fn create(storage: &dyn Storage, options: &CreateOptions) -> Result<RepositoryId> {
    create_protected(storage, options, 0, &Silent)
}

/// As [`create`], with snapshots protected for `protect_seconds` from the first one on; `progress` says how long to wait
/// for another.
///
/// # Errors
/// As [`create`]; `Busy`, `Interrupted`.
pub fn create_protected(
    storage: &dyn Storage,
    options: &CreateOptions,
    protect_seconds: u64,
    progress: &dyn Progress,
) -> Result<RepositoryId> {
    refuse_existing(storage)?;
    let encrypted = options.algorithm != Algorithm::None;
    if encrypted != options.credential.is_some() {
        let message = if encrypted {
            "an encrypted repository needs a password or a key file"
        } else {
            "a repository without encryption takes no password or key file"
        };
        return Err(Error::new(ErrorKind::Invalid, message));
    }
    // Two that look at the same time would each take the objects of the other for leftovers. The locks are
    // taken in the order in which all take them.
    let _alone = take(storage, PRUNE_LOCK, progress)?;
    let _lock = take(storage, LOCK, progress)?;
    refuse_existing(storage)?;
    let leftovers = find_leftovers(storage)?;
    layout::create_folders(storage)?;
    set_leftovers_aside(storage, &leftovers)?;
    let (description, json) = Description::new(options.algorithm)?;
    let bundle = if encrypted { SecretBundle::random()? } else { SecretBundle::public() };
    if let Some(credential) = &options.credential {
        publish_twins(storage, &bundle, &description, credential, "", options.cost, options.now)?;
    }
    let keys = bundle.key_ring(options.algorithm, description.id);
    publish_settings(storage, &keys, &standard_settings(&description), 0, 0, options.now)?;
    // That there is no snapshot yet is said too: who finds none later, and no such record, knows that they are lost.
    let nothing = (KEPT, wire::encode(&Kept { snapshots: Vec::new() }));
    let protection = (protect_seconds > 0).then(|| (SETTING, Protection::setting(protect_seconds)));
    for (record_type, payload) in [nothing].into_iter().chain(protection) {
        let (run, client) = (RunId(random_bytes()?), ClientId([0; 16]));
        let record = Record { record_type, counter: 1, run, client, time: options.now, payload, extensions: Extensions::none() };
        publish_new_pair(storage, &keys, record)?;
    }
    let mut upload = storage.create("")?;
    upload.write(&json)?;
    upload.publish(layout::DESCRIPTION)?;
    storage.sync(&[String::new()])?;
    make_reserve(storage, 0)?;
    Ok(description.id)
}

/// Takes a lock alone. Who was not told how long to wait waits in the storage, and says so.
fn take(storage: &dyn Storage, name: &str, progress: &dyn Progress) -> Result<Box<dyn Lock>> {
    match storage.lock(name, LockMode::Exclusive, false) {
        Err(error) if error.kind() == ErrorKind::Busy && progress.lock_wait().is_none() => {
            progress.report(Finding::new(FindingKind::Note(Topic::Waiting), [], WAITING));
            storage.lock(name, LockMode::Exclusive, true)
        }
        Err(error) if error.kind() == ErrorKind::Busy => wait_for(storage, name, LockMode::Exclusive, progress.lock_wait(), progress),
        taken => taken,
    }
}

/// # Errors
/// `Exists` when there is a repository; those of the storage.
fn refuse_existing(storage: &dyn Storage) -> Result<()> {
    match storage.read(layout::DESCRIPTION, u64::MAX) {
        Err(error) if error.is_not_found() => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(is_there(&storage.location())),
    }
}

/// Sets aside what an init that died half-way has left. It may as well be the only keys of a repository that is
/// elsewhere but for them, and whose other objects come back from a copy; nothing tells the two apart.
fn set_leftovers_aside(storage: &dyn Storage, leftovers: &[String]) -> Result<()> {
    // What has a name of ours in these folders is an object; the rest has none yet.
    let is_object = |name: &&String| [layout::KEYS, layout::RECORDS].iter().any(|folder| name.starts_with(folder));
    let (objects, others): (Vec<&String>, Vec<&String>) = leftovers.iter().partition(is_object);
    others.iter().try_for_each(|name| storage.remove(name))?;
    set_aside(storage, objects.into_iter().map(String::as_str))?;
    storage.sync(&[layout::KEYS, layout::RECORDS].map(str::to_owned))
}
