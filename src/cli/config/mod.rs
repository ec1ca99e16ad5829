//! `repo config`: the configuration, looked at.

mod check;
mod example;
mod show;

use clap::Subcommand;

use super::exit::Status;
use super::global::Global;
use super::output::Output;
use crate::error::Result;

/// Check the configuration, show what holds, or print one to begin with
///
/// A configuration, `repo.toml`, says what `repo run` saves every evening, and what is to come of it. It is looked for in
/// this order: --config, REPO_CONFIG, the working folder, $XDG_CONFIG_HOME/repo/, /etc/repo/.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Args),
    Show(show::Args),
    Example(example::Args),
}

/// Does what is asked for.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    match args.command {
        Command::Check(args) => check::run(args, global, output),
        Command::Show(args) => show::run(args, global, output),
        Command::Example(args) => example::run(args, output),
    }
}
