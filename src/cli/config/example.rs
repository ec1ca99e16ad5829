//! `repo config example`: a configuration to begin with.

use std::path::PathBuf;

use super::super::exit::Status;
use super::super::output::Output;
use crate::error::Result;

/// Print a configuration to begin with
///
/// `repo config example --for /srv/shop > repo.toml` makes one that works as it stands, once the password is in its file
/// and `repo init` was run.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The folder that is to be saved
    #[arg(long = "for", value_name = "FOLDER", default_value = "/srv/shop")]
    source: PathBuf,

    /// Where the repository is to lie, best on another disk
    #[arg(long, value_name = "FOLDER", default_value = "/mnt/backup/shop.repo")]
    to: PathBuf,

    /// The file whose first line is the password
    #[arg(long, value_name = "FILE", default_value = "/etc/repo/password")]
    password: PathBuf,
}

/// Prints it.
pub fn run(args: Args, output: &mut Output) -> Result<Status> {
    let absolute = |path: PathBuf| {
        let path = std::path::absolute(&path).unwrap_or(path);
        path.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\"")
    };
    let (source, to, password) = (absolute(args.source), absolute(args.to), absolute(args.password));
    output.bytes(
        include_str!("example.toml").replace("SOURCE", &source).replace("REPOSITORY", &to).replace("PASSWORD", &password).as_bytes(),
    )?;
    Ok(Status::Good)
}
