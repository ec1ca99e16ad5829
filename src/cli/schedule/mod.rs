//! `repo schedule`: the system's own scheduler is told when jobs run.

mod crontab;
mod install;
mod jobs;
mod list;
mod place;
mod remove;
mod systemctl;
mod verify;

use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::configured;
use super::exit::Status;
use super::global::Global;
use super::output::Output;
use crate::error::{Error, ErrorKind, Result};
use crate::platform;
use crate::schedule::units::{Installation, Scope};

/// Have the system run the jobs of the configuration at their times
///
/// Whether a job is due is decided by its plan and by what was done, when it starts: one run answers all that was missed,
/// also after sleep, reboots and absent disks.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Install(install::Args),
    List(list::Args),
    Remove(remove::Args),
}

/// Runs one of the sub-commands.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    match args.command {
        Command::Install(args) => install::run(args, global, output),
        Command::List(args) => list::run(args, global, output),
        Command::Remove(args) => remove::run(args, global, output),
    }
}

/// Which configuration, and whose scheduler.
#[derive(clap::Args, Debug)]
struct Where {
    /// The scheduler of the machine [default for root]
    #[arg(long, conflicts_with = "user")]
    system: bool,
    /// The scheduler of this user [default for others]
    #[arg(long)]
    user: bool,
    /// Folder of the files in place of the scheduler's own; nothing is started or stopped
    #[arg(long, value_name = "FOLDER")]
    into: Option<PathBuf>,
}

impl Where {
    fn scope(&self) -> Scope {
        if self.system || !self.user && platform::process::is_root() { Scope::System } else { Scope::User }
    }

    /// The configuration by its absolute path; one that is named may be gone.
    fn config(&self, global: &Global) -> Result<PathBuf> {
        let variable = std::env::var_os("REPO_CONFIG").filter(|value| !value.is_empty()).map(PathBuf::from);
        if let Some(named) = global.config.clone().or(variable) {
            return std::path::absolute(&named).map_err(|error| Error::io("cannot find", format!("{named:?}"), error));
        }
        let found = configured::file(None)?;
        found.ok_or_else(|| Error::new(ErrorKind::Invalid, "there is no configuration; give --config FILE or set REPO_CONFIG"))
    }

    fn installation(&self, global: &Global) -> Result<Installation> {
        let program = std::env::current_exe().map_err(|error| Error::io("cannot find", "this program", error))?;
        let installation = Installation { program, config: self.config(global)?, scope: self.scope() };
        installation.check()?;
        Ok(installation)
    }

    /// Where the units lie.
    fn unit_folder(&self) -> Result<PathBuf> {
        if let Some(folder) = &self.into {
            return Ok(folder.clone());
        }
        if self.scope() == Scope::System {
            return Ok(Path::new("/etc/systemd/system").to_owned());
        }
        let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let config = folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")));
        let message = "this user has no folder for units; set HOME or XDG_CONFIG_HOME";
        Ok(config.ok_or_else(|| Error::new(ErrorKind::Invalid, message))?.join("systemd/user"))
    }
}
