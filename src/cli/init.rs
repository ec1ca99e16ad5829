//! `repo init`: makes a repository.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde::Serialize;

use super::bar::Bar;
use super::exit::Status;
use super::global::{self, Global};
use super::message;
use super::output::Output;
use super::password;
use super::text::shell_word;
use super::times;
use crate::crypto::{Algorithm, Argon2Cost};
use crate::error::{Error, ErrorKind, Result};
use crate::id::RepositoryId;
use crate::repository::{self, CreateOptions, Credential, Description};
use crate::storage::{self, Found, Storage};
use crate::units::{PathText, Timestamp, lossy_text};

/// Make a new repository
///
/// LOCATION, or what -r or REPO_REPOSITORY names, is a folder that is empty or not there yet. The password, or the
/// key file, cannot be replaced by anything: without it, what is stored is lost.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Folder of the new repository
    location: Option<PathBuf>,

    /// How to encrypt
    #[arg(long, value_enum, value_name = "CIPHER", default_value_t)]
    encryption: Encryption,

    /// What a guess at the password costs
    #[arg(long, value_enum, value_name = "COST", default_value_t)]
    kdf: Kdf,

    /// Protect snapshots from removal for this time after they are committed: `7d`, `2w`, `36h`
    #[arg(long, value_name = "TIME", value_parser = times::parse_length, default_value_t = 0, hide_default_value = true)]
    protect: u64,

    /// Make it though another was at this place before, which this machine has used
    #[arg(long)]
    new_repository: bool,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum Encryption {
    /// AES-256 in Galois/counter mode, fast on every processor with AES instructions
    #[default]
    #[value(name = "aes-256-gcm")]
    Aes256Gcm,
    /// ChaCha20-Poly1305, fast on every other processor
    #[value(name = "chacha20-poly1305")]
    ChaCha20Poly1305,
    /// No encryption: whoever can read the folder can read everything in it
    None,
}

/// What a guess at a password costs.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum Kdf {
    /// 64 MiB of memory and a tenth of a second
    #[default]
    Standard,
    /// 2 GiB of memory and some seconds, at every command
    Strong,
}

impl Kdf {
    /// The cost as Argon2id takes it.
    pub fn cost(self) -> Argon2Cost {
        match self {
            Kdf::Standard => Argon2Cost::STANDARD,
            Kdf::Strong => Argon2Cost::STRONG,
        }
    }
}

impl Encryption {
    fn algorithm(self) -> Algorithm {
        match self {
            Encryption::Aes256Gcm => Algorithm::Aes256Gcm,
            Encryption::ChaCha20Poly1305 => Algorithm::ChaCha20Poly1305,
            Encryption::None => Algorithm::None,
        }
    }
}

#[derive(Serialize)]
struct Made<'a> {
    repository: String,
    location: &'a str,
    encryption: &'a str,
}

/// Makes the repository and prints its id.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let location = match args.location {
        Some(_) if global.repository.is_some() => {
            return Err(Error::new(ErrorKind::Invalid, "the location is given twice, with -r and without; give it once"));
        }
        Some(location) => {
            storage::check_location(&location)?;
            location
        }
        None => global.location()?,
    };
    let algorithm = args.encryption.algorithm();
    let credential = new_credential(global, &location, algorithm, args.new_repository)?;
    let is_password = credential.as_ref().map(|credential| matches!(credential, Credential::Password(_)));
    let (id, _) = create(global, &location, algorithm, credential, args.kdf.cost(), args.protect).map_err(|not_made| not_made.error)?;
    global::remember_place(&location, id);
    note_set_aside(&location, output);
    if algorithm == Algorithm::None && !output.is_quiet {
        message::note("this repository is not encrypted: whoever can read the folder can read everything in it");
    }
    let shown = lossy_text(location.as_os_str().as_encoded_bytes());
    if output.is_json {
        output.json(&Made { repository: id.to_string(), location: &shown, encryption: algorithm.name() })?;
    } else {
        output.say(format_args!("repository {id} made at {}", global::quoted(&location)))?;
    }
    if !output.is_json && !output.is_quiet {
        advise(&location, is_password);
    }
    Ok(Status::Good)
}

/// Says where the keys are that were there before.
fn note_set_aside(location: &Path, output: &Output) {
    let keys = format!("{}/{}", repository::DAMAGED, repository::KEYS);
    let is_there = storage::open(location).and_then(|storage| storage.list(&keys)).is_ok_and(|listed| !listed.is_empty());
    if is_there && !output.is_quiet {
        message::note(format_args!(
            "there were key slots here; they lie under {keys} now, in case they are the only ones of a repository whose other \
             folders are elsewhere"
        ));
    }
}

/// What nobody should learn too late, and what to type next.
fn advise(location: &Path, is_password: Option<bool>) {
    let secret = match is_password {
        Some(true) => "the password",
        Some(false) => "the key file",
        None => "",
    };
    if is_password.is_some() {
        message::note(format_args!(
            "without {secret} nobody can restore anything; keep a copy of it away from this computer, on paper for example"
        ));
    }
    message::note(format_args!(
        "next: repo -r {} snapshot PATH…",
        shell_word(&PathText(location.as_os_str().as_encoded_bytes()).to_string())
    ));
}

/// The password or key that the first slot will open with. Nobody is asked before it is sure that a
/// repository can be made. Where this machine knows a repository that is not there now, none is made
/// unless the user says so: its disk is probably away, and would come back over the new one.
///
/// # Errors
/// `NoRepository` when the one that was there is missing;
/// `Exists` when there is a repository already; `Invalid` when there is anything else; those of the
/// sources.
pub fn new_credential(global: &Global, location: &Path, algorithm: Algorithm, may_replace: bool) -> Result<Option<Credential>> {
    let is_begun = match storage::open(location) {
        Ok(storage) => refuse_occupied(&*storage, location)?,
        Err(_) => false,
    };
    match global::known_at(location) {
        Some(id) if !may_replace => {
            // Another process may have made it, and told this machine of it, since the look.
            if let Ok(storage) = storage::open(location) {
                refuse_occupied(&*storage, location)?;
            }
            // What is left may be the only keys of a repository whose other folders are on their way back.
            let found = if is_begun { "keys and records only" } else { "nothing" };
            let message = format!(
                "there is {found} at {}, but repository {id} was there before; its disk is probably not mounted, or the rest is elsewhere. \
                 If it is gone for good, --new-repository makes a new one",
                global::quoted(location)
            );
            return Err(Error::new(ErrorKind::NoRepository, message));
        }
        _ => {}
    }
    let source = global.source()?;
    if algorithm == Algorithm::None {
        return match source {
            None => Ok(None),
            Some(_) => Err(Error::new(
                ErrorKind::Invalid,
                "a repository without encryption takes no password or key, but one is given by an option or in the environment",
            )),
        };
    }
    match source {
        Some(source) => source.read_new(),
        None => password::ask("password of the new repository: ", true),
    }
    .inspect(password::warn_of_short)
    .map(Some)
}

/// Makes the folder, and the repository in it. Gives the credential back, for opening it.
///
/// # Errors
/// `Exists` when there is a repository, also one that another process made meanwhile; `Invalid` when there
/// is anything else.
pub fn create(
    global: &Global,
    location: &Path,
    algorithm: Algorithm,
    credential: Option<Credential>,
    cost: Argon2Cost,
    protect_seconds: u64,
) -> std::result::Result<(RepositoryId, Option<Credential>), NotMade> {
    let options = CreateOptions { algorithm, credential, cost, now: Timestamp::now() };
    let shown = global::quoted(location);
    let made = storage::create(location, &mut |name, found| repository::judge_leftover(&shown, name, found))
        .and_then(|storage| repository::create_protected(&*storage, &options, protect_seconds, &Bar::hidden(global)));
    match made {
        Ok(id) => Ok((id, options.credential)),
        Err(error) => {
            // What was in the way may be of a repository that another process has made meanwhile.
            let there = storage::open(location).ok().filter(|storage| Description::read(&**storage).is_ok());
            let is_there = there.is_some();
            let error = there.and_then(|storage| refuse_occupied(&*storage, location).err()).unwrap_or(error);
            Err(NotMade { error, is_there, credential: options.credential })
        }
    }
}

/// A repository that was not made.
pub struct NotMade {
    /// Why.
    pub error: Error,
    /// There is one now, that another process has made.
    pub is_there: bool,
    /// What it should have been made with, for opening that one.
    pub credential: Option<Credential>,
}

/// Refuses a folder in which no repository can be made. Says whether an init was begun there.
///
/// # Errors
/// `Exists` when there is a repository; `Invalid` when there is anything else but what an init that died
/// has left.
fn refuse_occupied(storage: &dyn Storage, place: &Path) -> Result<bool> {
    let refuse_existing = || match storage.stat(repository::DESCRIPTION) {
        // Where the rest of a repository lies, the look at all says so.
        Ok(None) => Ok(()),
        _ => Err(Error::new(ErrorKind::Exists, format!("there is a repository at {} already", storage.location()))),
    };
    refuse_existing()?;
    let (location, mut is_begun) = (storage.location(), false);
    let mut judge = |name: &[u8], found: &Found| {
        // Locks are empty.
        is_begun |= matches!(found, Found::File { bytes, .. } if *bytes > 0);
        repository::judge_leftover(&location, name, found)
    };
    // What is in the way may be of a repository that another process has made since.
    storage::look_at_all(place, &mut judge).or_else(|error| refuse_existing().and(Err(error)))?;
    Ok(is_begun)
}
