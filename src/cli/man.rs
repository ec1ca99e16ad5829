//! `repo man`: the manual, made from the same definitions as the help texts.

use std::fs;
use std::path::PathBuf;

use super::exit::Status;
use super::global::quoted;
use super::output::Output;
use crate::error::{Error, Result};

/// Print the manual page, or write all pages into a folder
///
/// `repo man | man -l -` shows it.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Folder for repo.1 and a page for each command; it is made if need be
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

/// Prints the page, or writes all.
pub fn run(args: Args, output: &mut Output) -> Result<Status> {
    let command = super::command().disable_help_subcommand(true);
    let Some(folder) = args.folder else {
        let mut text = Vec::new();
        let made = clap_mangen::Man::new(command).render(&mut text);
        made.map_err(|error| Error::io("cannot make", "the manual page", error))?;
        output.bytes(&text)?;
        return Ok(Status::Good);
    };
    fs::create_dir_all(&folder).map_err(|error| Error::io("cannot make the folder", quoted(&folder), error))?;
    clap_mangen::generate_to(command, &folder).map_err(|error| Error::io("cannot write the manual into", quoted(&folder), error))?;
    Ok(Status::Good)
}
