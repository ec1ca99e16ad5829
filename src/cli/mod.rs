//! The command line: parse, call, print.
//!
//! One file per command, each with its arguments, whose doc comments are the help text, and one
//! function. Work is done by the verbs; results go to standard output, everything else to standard
//! error.

mod accept;
mod alone;
mod bar;
mod cat;
mod catalog;
mod changes;
mod check;
mod completions;
mod config;
mod configured;
mod damage;
mod decided;
mod deeds;
mod diff;
mod doctor;
mod drill;
mod evening;
mod exit;
mod files_from;
mod find;
mod forget;
mod global;
mod history;
mod init;
mod interrupt;
mod key;
mod locks;
mod ls;
mod man;
mod message;
mod output;
mod own;
mod own_folders;
mod password;
mod pointers;
mod problems;
mod process;
mod prompt;
mod prune;
mod pruned;
mod recovery_kit;
mod repair;
mod restore;
mod restored;
mod run;
mod saved;
mod schedule;
mod selection;
mod series;
mod settings;
mod snapshot;
mod snapshots;
mod stats;
mod status;
mod style;
mod table;
mod tag;
mod text;
mod ticker;
pub mod times;
mod typed;
mod unforget;
mod view;

use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, Parser, Subcommand};

use self::exit::{EXIT_CODES, Status};
use self::global::Global;
use self::output::Output;
use crate::error::Result;

/// Back up files so that nothing is ever lost, and restore them
///
/// Every snapshot is whole, whatever its kind: it restores alone. Equal data is stored once.
#[derive(Debug, Parser)]
#[command(name = "repo", version, subcommand_required = true, arg_required_else_help = true, after_long_help = EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Args),
    Run(run::Args),
    Status(status::Args),
    Drill(drill::Args),
    Doctor(doctor::Args),
    RecoveryKit(recovery_kit::Args),
    Snapshot(Box<snapshot::Args>),
    Snapshots(snapshots::Args),
    Series(series::Args),
    Ls(ls::Args),
    Changes(changes::Args),
    Diff(diff::Args),
    Find(find::Args),
    History(history::Args),
    Problems(problems::Args),
    Cat(cat::Args),
    Restore(Box<restore::Args>),
    Stats(stats::Args),
    Forget(forget::Args),
    Unforget(unforget::Args),
    Tag(tag::Args),
    Accept(accept::Args),
    Prune(prune::Args),
    Check(check::Args),
    Repair(repair::Args),
    Key(key::Args),
    Settings(settings::Args),
    Config(config::Args),
    Schedule(schedule::Args),
    Catalog(catalog::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// Runs the program: reads the arguments, does what they say, and reports.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.kind() == clap::error::ErrorKind::InvalidSubcommand => return unknown_command(&error),
        Err(error) => {
            if error.use_stderr() && is_json_asked() {
                message::refuse(&error.render().to_string(), true);
            } else {
                // Help and version are no errors; who does not read them to the end is none either.
                let _ = error.print();
            }
            return ExitCode::from(error.exit_code() as u8);
        }
    };
    let Cli { global, command } = cli;
    message::set_form(global.color, global.json, global.quiet);
    let mut output = Output::new(global.json, global.quiet, global.color);
    let outcome = prepare(&global).and_then(|()| run(command, &global, &mut output));
    finish(outcome, &mut output).into()
}

/// Says what to type instead of a command that there is not.
fn unknown_command(error: &clap::Error) -> ExitCode {
    let word = match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(word)) => word.as_str(),
        _ => "",
    };
    match pointers::find(word) {
        Some(instead) => {
            message::refuse(&format!("error: there is no command `{}`\n  hint: {instead}", word.escape_debug()), is_json_asked());
        }
        None if is_json_asked() => message::refuse(&error.render().to_string(), true),
        None => {
            let _ = error.print();
        }
    }
    Status::Usage.into()
}

/// Whether `--json` stands in a command line that could not be understood.
fn is_json_asked() -> bool {
    std::env::args_os().skip(1).any(|argument| argument == "--json")
}

/// The commands with all their options, for documentation; as wide as a page.
pub fn command() -> clap::Command {
    Cli::command().term_width(100)
}

fn prepare(global: &Global) -> Result<()> {
    interrupt::install()?;
    crate::platform::process::raise_open_files();
    process::start_threads(global.threads)
}

fn run(command: Command, global: &Global, output: &mut Output) -> Result<Status> {
    match command {
        Command::Init(args) => init::run(args, global, output),
        Command::Run(args) => run::run(args, global, output),
        Command::Status(args) => status::run(args, global, output),
        Command::Drill(args) => drill::run(args, global, output),
        Command::Doctor(args) => doctor::run(args, global, output),
        Command::RecoveryKit(args) => recovery_kit::run(args, global, output),
        Command::Snapshot(args) => snapshot::run(*args, global, output),
        Command::Snapshots(args) => snapshots::run(args, global, output),
        Command::Series(args) => series::run(args, global, output),
        Command::Ls(args) => ls::run(args, global, output),
        Command::Changes(args) => changes::run(args, global, output),
        Command::Diff(args) => diff::run(args, global, output),
        Command::Find(args) => find::run(args, global, output),
        Command::History(args) => history::run(args, global, output),
        Command::Problems(args) => problems::run(args, global, output),
        Command::Cat(args) => cat::run(args, global, output),
        Command::Restore(args) => restore::run(*args, global, output),
        Command::Stats(args) => stats::run(args, global, output),
        Command::Forget(args) => forget::run(args, global, output),
        Command::Unforget(args) => unforget::run(args, global, output),
        Command::Tag(args) => tag::run(args, global, output),
        Command::Accept(args) => accept::run(args, global, output),
        Command::Prune(args) => prune::run(args, global, output),
        Command::Check(args) => check::run(args, global, output),
        Command::Repair(args) => repair::run(args, global, output),
        Command::Key(args) => key::run(args, global, output),
        Command::Settings(args) => settings::run(args, global, output),
        Command::Config(args) => config::run(args, global, output),
        Command::Schedule(args) => schedule::run(args, global, output),
        Command::Catalog(args) => catalog::run(args, global, output),
        Command::Completions(args) => completions::run(args, output),
        Command::Man(args) => man::run(args, output),
    }
}

/// Sends the results on their way and says what went wrong.
fn finish(outcome: Result<Status>, output: &mut Output) -> Status {
    let outcome = outcome.and_then(|status| output.report(|_| Ok(())).map(|()| status));
    match outcome {
        Ok(status) => status,
        // The reader of a pipe has what it wanted.
        Err(_) if output.is_closed() => Status::Good,
        Err(error) => {
            let _ = output.finish();
            message::show(&error);
            Status::of_error(error.kind())
        }
    }
}
