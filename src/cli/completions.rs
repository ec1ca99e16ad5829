//! `repo completions`: what a shell needs to complete commands, options and their values.

use clap_complete::Shell;

use super::exit::Status;
use super::output::Output;
use crate::error::Result;

/// Print the completions for a shell
///
/// For bash, for example: `repo completions bash > ~/.local/share/bash-completion/completions/repo`
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the completions.
pub fn run(args: Args, output: &mut Output) -> Result<Status> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "repo", &mut text);
    output.bytes(&text)?;
    Ok(Status::Good)
}
