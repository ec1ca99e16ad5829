//! Where a configuration is looked for.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::platform::private;

/// The name of the file.
const NAME: &str = "repo.toml";
/// Where that of the machine is.
const OF_MACHINE: &str = "/etc/repo/repo.toml";

/// A configuration that was found, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Somebody named it, by an option or by the environment: it must be there.
    Named(PathBuf),
    /// It lies at one of the usual places.
    Usual(PathBuf),
    /// There is none.
    None,
}

/// Looks for a configuration: the one that was `named`, that of `REPO_CONFIG`, `repo.toml` in the working `folder`, in
/// `$XDG_CONFIG_HOME/repo/`, in `/etc/repo/`. One in the working folder counts only when it is this user's or root's, so
/// that nobody is made to run the commands of others by looking into their folders.
///
/// # Errors
/// `NotFound` when one that was named is not there.
pub fn find(named: Option<&Path>, variable: impl Fn(&str) -> Option<OsString>, folder: Option<&Path>) -> Result<Found> {
    let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
    if let Some(path) = named.map(Path::to_owned).or_else(|| variable("REPO_CONFIG").map(PathBuf::from)) {
        return match path.try_exists() {
            Ok(true) => Ok(Found::Named(path)),
            Ok(false) => Err(Error::new(ErrorKind::NotFound, format!("there is no configuration at \"{}\"", path.display()))),
            Err(error) => Err(Error::io("cannot look at", format!("the configuration \"{}\"", path.display()), error)),
        };
    }
    if let Some(path) = folder.map(|folder| folder.join(NAME))
        && std::fs::metadata(&path).is_ok_and(|metadata| metadata.is_file() && private::is_ours_or_roots(&metadata))
    {
        return Ok(Found::Usual(path));
    }
    let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let of_user = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")));
    let places = of_user.map(|place| place.join("repo").join(NAME)).into_iter().chain([PathBuf::from(OF_MACHINE)]);
    Ok(places.into_iter().find(|path| path.is_file()).map_or(Found::None, Found::Usual))
}
