//! Options that every command takes, and what the environment says in their place.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::configured;
use super::message;
use super::password::{self, Named, Source};
use super::style::ColorWhen;
use super::times;
use crate::catalog::Listing;
use crate::config::Config;
use crate::crypto::Algorithm;
use crate::error::{Error, ErrorKind, Result};
use crate::id::RepositoryId;
use crate::platform::names;
use crate::repository::{Catalogued, ChunkReader, Credential, Description, KnownPlaces, OpenOptions, Repository, cache_root};
use crate::storage::{self, Storage};
use crate::units::PathText;

/// Options of every command.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Folder of the repository [env: REPO_REPOSITORY]
    #[arg(short, long, value_name = "LOCATION", global = true)]
    pub repository: Option<PathBuf>,

    /// The configuration [env: REPO_CONFIG] [default: repo.toml here, in ~/.config/repo/ or in /etc/repo/]
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,

    /// Read the password from the first line of a file [env: REPO_PASSWORD_FILE, or REPO_PASSWORD itself]
    #[arg(long, value_name = "FILE", global = true)]
    pub password_file: Option<PathBuf>,

    /// Take the password from the first line that a shell command prints [env: REPO_PASSWORD_COMMAND]
    #[arg(long, value_name = "COMMAND", global = true)]
    pub password_command: Option<OsString>,

    /// Open the repository with a key file of 32 random bytes [env: REPO_KEY_FILE]
    #[arg(long, value_name = "FILE", global = true)]
    pub key_file: Option<PathBuf>,

    /// Accept a repository without encryption though a password or key is given
    #[arg(long, global = true)]
    pub allow_unencrypted: bool,

    /// Print JSON: one object for each line of a listing, else one object; messages too, on standard error
    #[arg(long, global = true)]
    pub json: bool,

    /// Print nothing when all is well, but what was asked for, and the id of a new snapshot
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Say more about what is done; where there is no terminal, also each minute how far it is
    #[arg(short, long, global = true)]
    pub verbose: bool,

    /// Wait at most this long for another process that has locked the repository: `10m`, `0s` [default: for as long as it
    /// takes, but `prune`, `repair` and `key` not for one another]
    #[arg(long, value_name = "TIME", global = true, value_parser = times::parse_length)]
    pub lock_wait: Option<u64>,

    /// Use colours
    #[arg(long, value_enum, value_name = "WHEN", global = true, default_value_t)]
    pub color: ColorWhen,

    /// Work with this many threads [default: one for each core]
    #[arg(long, value_name = "N", global = true, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,

    /// Answer from the repository alone, without this machine's catalog
    #[arg(long, global = true)]
    pub no_catalog: bool,
}

impl Global {
    /// Where an option or the environment says that the repository lies.
    fn named_location(&self) -> Option<PathBuf> {
        let named = self.repository.clone().or_else(|| std::env::var_os("REPO_REPOSITORY").map(PathBuf::from));
        named.filter(|location| !location.as_os_str().is_empty())
    }

    /// The configuration by which the repository was found, if it was.
    ///
    /// # Errors
    /// As [`configured::config`].
    pub fn in_use(&self) -> Result<Option<&'static Config>> {
        if self.named_location().is_some() && self.config.is_none() { Ok(None) } else { configured::config(self.config.as_deref()) }
    }

    /// Where the repository lies.
    ///
    /// # Errors
    /// `Invalid` when nothing says so, or it is no folder of this machine.
    pub fn location(&self) -> Result<PathBuf> {
        let location = match self.named_location() {
            Some(location) => location,
            None => {
                let configured = configured::config(self.config.as_deref())?.and_then(|config| config.repository.clone());
                let missing = "no repository was named; give -r LOCATION, set REPO_REPOSITORY, or name it in a configuration";
                configured.ok_or_else(|| Error::new(ErrorKind::Invalid, missing))?
            }
        };
        storage::check_location(&location)?;
        Ok(location)
    }

    /// The source of the password or key that was given, if any.
    ///
    /// # Errors
    /// `Invalid` when two of one rank are.
    pub fn source(&self) -> Result<Option<Source>> {
        let named = self.named_source()?;
        // The password of a configuration is that of its repository, and of no other that somebody names.
        if named.is_some() || self.named_location().is_some() {
            return Ok(named);
        }
        Ok(self.in_use()?.and_then(|config| config.password.as_ref()).map(configured::source))
    }

    /// As [`Global::source`], among the options and in the environment alone.
    ///
    /// # Errors
    /// `Invalid` when two of one rank are.
    pub fn named_source(&self) -> Result<Option<Source>> {
        let options = Named {
            password: None,
            password_file: self.password_file.clone(),
            password_command: self.password_command.clone(),
            key_file: self.key_file.clone(),
        };
        password::choose(options, Named::in_environment(|name| std::env::var_os(name)))
    }

    /// Opens the repository that was named.
    ///
    /// # Errors
    /// As [`Repository::open`].
    pub fn open(&self) -> Result<Repository> {
        self.open_with(None)
    }

    /// The password or key that was named, in every form in which it may have been meant; where none was,
    /// the password that the user is asked for, if there is need of one. Nothing where there is no need.
    ///
    /// # Errors
    /// `Invalid` when it cannot be read.
    pub fn credentials(&self, location: &str, is_encrypted: bool) -> Result<Vec<Credential>> {
        match self.source()? {
            Some(source) => source.read(),
            None if is_encrypted => Ok(vec![password::ask(&format!("password of {location}: "), false)?]),
            None => Ok(Vec::new()),
        }
    }

    /// As [`Global::open`], without anything that this machine remembers of it.
    ///
    /// # Errors
    /// As [`Repository::open`].
    pub fn open_fresh(&self) -> Result<Repository> {
        let storage = open_storage(&self.location()?)?;
        let description = Description::read(&*storage)?;
        let credentials = self.credentials(&storage.location(), description.algorithm != Algorithm::None)?;
        self.try_each(&storage, &description, credentials, None).map(|(repository, _)| repository)
    }

    /// Opens the repository that was named with a password or key that was read already, or as
    /// [`Global::open`] does.
    ///
    /// # Errors
    /// As [`Repository::open`].
    pub fn open_with(&self, credential: Option<Credential>) -> Result<Repository> {
        self.open_by(credential, None).map(|(repository, _)| repository)
    }

    /// The same where what its description says is known though it may not be there.
    ///
    /// # Errors
    /// As [`Repository::open`].
    pub fn open_described(&self, credential: Option<Credential>, description: Option<Description>) -> Result<Repository> {
        self.open_by(credential, description).map(|(repository, _)| repository)
    }

    /// As [`Global::open`], and tells what opened it.
    ///
    /// # Errors
    /// As [`Repository::open`].
    pub fn open_and_tell(&self) -> Result<(Repository, Option<Credential>)> {
        self.open_by(None, None)
    }

    fn open_by(&self, credential: Option<Credential>, known: Option<Description>) -> Result<(Repository, Option<Credential>)> {
        let location = self.location()?;
        let found = open_storage(&location).and_then(|storage| {
            // Looked at before anybody is asked for a password: there may be no repository, or no need.
            let description = known.map_or_else(|| Description::read(&*storage), Ok)?;
            Ok((storage, description))
        });
        let (storage, description) = found.map_err(|error| match known_at(&location) {
            Some(id) if error.kind() == ErrorKind::NoRepository => {
                let message = format!("{error}, but repository {id} was there before; its disk is probably not mounted");
                Error::new(ErrorKind::NoRepository, message)
            }
            _ => error,
        })?;
        let credentials = match credential {
            Some(credential) => vec![credential],
            None => self.credentials(&storage.location(), description.algorithm != Algorithm::None)?,
        };
        let cache_root = cache_root(|name| std::env::var_os(name));
        let (repository, credential) = self.try_each(&storage, &description, credentials, cache_root)?;
        remember_place(&location, repository.description().id);
        if repository.cache().is_none() {
            self.tell("this machine has no folder for caches; set REPO_CACHE_DIR to be faster");
        }
        Ok((repository, credential))
    }

    /// Opens the repository with the first of `credentials` that does, or with none where there is none.
    fn try_each(
        &self,
        storage: &Arc<dyn Storage>,
        description: &Description,
        credentials: Vec<Credential>,
        cache_root: Option<PathBuf>,
    ) -> Result<(Repository, Option<Credential>)> {
        let open = |credential: Option<Credential>| {
            let options = OpenOptions {
                credential,
                allow_unencrypted: self.allow_unencrypted,
                no_catalog: self.no_catalog || cache_root.is_none(),
                cache_root: cache_root.clone(),
            };
            Repository::open_described(Arc::clone(storage), description.clone(), options)
        };
        let mut wrong = None;
        for credential in credentials {
            match open(Some(credential.clone())) {
                Err(error) if error.kind() == ErrorKind::WrongKey => wrong = wrong.or(Some(error)),
                opened => return Ok((opened?, Some(credential))),
            }
        }
        match wrong {
            Some(error) => Err(error),
            None => Ok((open(None)?, None)),
        }
    }

    /// All snapshots that can be read; those that cannot, and those that are missing, are named on
    /// standard error.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn listing(&self, repository: &Repository) -> Result<Listing> {
        let catalogued = repository.catalogued_to_read()?;
        self.tell_skipped(&catalogued);
        warn_of_missing(&catalogued);
        Ok(catalogued.listing)
    }

    /// As [`Global::listing`], with everything else that is known of the snapshots, and from the sealed objects
    /// alone: what is removed goes by these. What is missing is the caller's to deal with.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn catalogued(&self, repository: &Repository) -> Result<Catalogued> {
        let catalogued = repository.catalogued_from_sealed()?;
        self.tell_skipped(&catalogued);
        Ok(catalogued)
    }

    /// Names on standard error what could not be read.
    pub fn tell_skipped(&self, catalogued: &Catalogued) {
        for (id, error) in &catalogued.skipped.snapshots {
            message::warn(format_args!("snapshot {id} cannot be read: {error}"));
        }
        for (id, error) in &catalogued.skipped.records {
            message::warn(format_args!("record {id} cannot be read: {error}"));
        }
        if let Some(problem) = &catalogued.problem {
            self.tell(&format!("the catalog was not used: {problem}"));
        }
    }

    /// A reader of the repository; what is damaged of the index is named on standard error.
    ///
    /// # Errors
    /// As [`Repository::reader`].
    pub fn reader(&self, repository: &Repository) -> Result<ChunkReader> {
        let reader = repository.reader()?;
        for segment in reader.unreadable_segments() {
            message::warn(format_args!("{}; the packs are asked instead", segment.problem));
        }
        Ok(reader)
    }

    /// Says something that only `-v` asks for.
    pub fn tell(&self, message: &str) {
        if self.verbose {
            message::note(message);
        }
    }
}

/// Names on standard error the snapshots that are missing though nobody removed them.
pub fn warn_of_missing(catalogued: &Catalogued) {
    if let Some(rollback) = &catalogued.rollback {
        message::warn(rollback);
    }
}

/// Opens the storage of a repository that should be there.
pub fn open_storage(location: &Path) -> Result<Arc<dyn Storage>> {
    storage::open(location).map_err(|error| {
        if !error.is_not_found() {
            return error;
        }
        let shown = PathText(names::to_bytes(&location));
        Error::new(ErrorKind::NoRepository, format!("there is no repository at \"{shown}\""))
    })
}

/// The repository that this machine has used at `location`.
pub fn known_at(location: &Path) -> Option<RepositoryId> {
    KnownPlaces::below(&cache_root(|name| std::env::var_os(name))?).find(location)
}

/// Remembers that the repository `id` lies at `location`, where this machine has a folder for that.
pub fn remember_place(location: &Path, id: RepositoryId) {
    if let Some(root) = cache_root(|name| std::env::var_os(name)) {
        // It only guards against a mistake later.
        let _ = KnownPlaces::below(&root).remember(location, id);
    }
}

/// A path as messages show it.
pub fn quoted(path: &Path) -> String {
    format!("\"{}\"", PathText(names::to_bytes(&path)))
}
