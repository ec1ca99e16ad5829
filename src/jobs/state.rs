//! What this machine keeps of jobs beside the repository: who runs at the moment, and what a run that died had begun.
//!
//! It lies in `$XDG_STATE_HOME/repo`, `~/.local/state/repo`, or for root in `/var/lib/repo`. Nothing in it is needed to
//! restore anything.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::id::{RepositoryId, to_hex};
use crate::manifest::LedgerEntry;
use crate::platform::{Failure, lock, private, process};
use crate::wire;

/// The folder of one repository.
#[derive(Clone, Debug)]
pub struct StateFolder {
    path: PathBuf,
}

/// A job that is running, for as long as this lives.
#[derive(Debug)]
pub(super) struct Running {
    journal: PathBuf,
    /// Its lock ends with it, however this process ends.
    _lock: File,
}

impl StateFolder {
    /// The folder for `repository` below the usual place, made where it is missing.
    ///
    /// # Errors
    /// `NotFound` where there is no such place; those of the file system.
    pub fn open(repository: RepositoryId, variable: impl Fn(&str) -> Option<OsString>) -> Result<Self> {
        let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let of_root = || process::is_root().then(|| PathBuf::from("/var/lib"));
        let place = absolute("XDG_STATE_HOME").or_else(of_root).or_else(|| absolute("HOME").map(|home| home.join(".local/state")));
        let place = place.ok_or_else(|| Error::new(ErrorKind::NotFound, "there is no folder for what jobs leave; set XDG_STATE_HOME"))?;
        Self::at(place.join("repo").join(repository.to_string()))
    }

    /// The folder at `path`, made where it is missing.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn at(path: PathBuf) -> Result<Self> {
        private::make_folder(&path).map_err(|error| Error::io("cannot make the folder", path.display(), error))?;
        Ok(Self { path })
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where what is known of held databases is written down.
    pub fn holds(&self) -> PathBuf {
        self.path.join("holds")
    }

    /// Takes the job, so that no second run of it begins, and returns what a run before it that died had begun.
    ///
    /// # Errors
    /// `Busy` when it is running; those of the file system.
    pub(super) fn take(&self, job: &str) -> Result<(Running, Option<LedgerEntry>)> {
        let name = to_hex(&blake3::hash(job.as_bytes()).as_bytes()[..8]);
        let path = self.path.join(format!("{name}.lock"));
        let failed = |error| Error::io("cannot open", path.display(), error);
        let file = private::open_or_new(&path).map_err(failed)?;
        lock::try_take(&file, lock::Share::Alone).map_err(|failure| match failure {
            Failure::WOULD_WAIT => Error::new(ErrorKind::Busy, format!("job `{job}` is running already")).without_hint(),
            failure => Error::io("cannot lock", path.display(), failure),
        })?;
        let journal = self.path.join(format!("{name}.running"));
        let died = fs::read(&journal).ok().and_then(|bytes| wire::decode(&bytes, "the journal of a run").ok());
        Ok((Running { journal, _lock: file }, died))
    }
}

impl Running {
    /// Writes down how far the run is, durably, for the case that it dies.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn note(&self, entry: &LedgerEntry) -> Result<()> {
        let next = self.journal.with_extension("next");
        let written = (|| {
            let mut file = private::overwrite(&next)?;
            file.write_all(&wire::encode(entry))?;
            file.sync_data()?;
            fs::rename(&next, &self.journal)
        })();
        written.map_err(|error| Error::io("cannot write", self.journal.display(), error))
    }

    /// The run has ended, and the ledger says how.
    pub(super) fn end(self) {
        // One that stays is told once more as a run that died.
        let _ = fs::remove_file(&self.journal);
    }
}
