//! The programs of Firebird: how they are called on each system, and in which surroundings they are run.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::settings::Firebird;
use crate::children::Program;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::{look, names, process};

/// A tool that only asks or switches something answers within this; a server that hangs is told from one that works.
pub const ANSWER_TIME: Duration = Duration::from_secs(60);
/// Folders that packages of Firebird put their tools in, beside the search path.
const FOLDERS: [&str; 5] = [
    "/opt/firebird/bin",
    "/usr/local/firebird/bin",
    "/usr/lib64/firebird/bin",
    "/Library/Frameworks/Firebird.framework/Resources/bin",
    "C:\\Program Files\\Firebird\\bin",
];

/// A program of Firebird.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Runs statements.
    Isql,
    /// Locks and releases.
    Nbackup,
    /// Writes and reads a stream of all rows.
    Gbak,
    /// Looks through a file.
    Gfix,
}

/// How a database is come at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Through its server.
    Server,
    /// By the file, which no server has open.
    File,
}

impl Tool {
    /// Its names, the surest first: `isql` alone is also a program of unixODBC.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Isql => &["isql-fb", "fbsql"],
            Self::Nbackup => &["nbackup"],
            Self::Gbak => &["gbak", "gbak-fb"],
            Self::Gfix => &["gfix", "gfix-fb"],
        }
    }

    /// Its name where Firebird has a folder of its own.
    fn plain_name(self) -> &'static str {
        if self == Self::Isql { "isql" } else { self.names()[0] }
    }

    /// Where it is.
    ///
    /// # Errors
    /// `NotFound`, with what to install.
    pub fn find(self, folder: Option<&Path>) -> Result<PathBuf> {
        let searched: Vec<PathBuf> = match folder {
            Some(folder) => vec![folder.to_owned()],
            None => std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default(),
        };
        let own = FOLDERS.iter().map(PathBuf::from).filter(|_| folder.is_none());
        let in_path = self.names().iter().flat_map(|name| searched.iter().map(move |folder| folder.join(name)));
        let plain = own.chain(searched.iter().cloned()).map(|folder| folder.join(self.plain_name()));
        in_path.chain(plain).map(|path| path.with_extension(std::env::consts::EXE_EXTENSION)).find(|path| path.is_file()).ok_or_else(|| {
            let name = self.names()[0];
            Error::new(ErrorKind::NotFound, format!("cannot find `{name}` of Firebird"))
                .with_hint("install the tools of Firebird (on Debian the package firebird3.0-utils), or say in which folder they are")
        })
    }
}

impl Firebird {
    /// A tool that comes at the database by `way`, with the login in its environment. The database is not yet among its
    /// arguments.
    pub(super) fn tool(&self, tool: Tool, way: Way) -> Result<Program> {
        let mut program = Program::new(tool.find(self.tools_folder.as_deref())?).without_variable("ISC_PASSWORD");
        for (name, value) in &self.variables {
            program = program.variable(name, value);
        }
        program = program.variable("ISC_USER", &self.login.user);
        match way {
            Way::Server => {
                if let Some(password) = self.login.password.read()? {
                    program = program.variable("ISC_PASSWORD", names::to_path(&password).as_os_str());
                }
            }
            // What it makes must belong to whom the database belongs to, or the server cannot use it later.
            Way::File => {
                let owner = self.address.path().and_then(|path| look::behind_path(&path).ok()).map(|found| (found.uid, found.gid));
                if let Some((user, group)) = owner.filter(|(user, _)| process::is_root() && *user != 0) {
                    program = program.as_user(user, group);
                }
            }
        }
        Ok(program)
    }

    /// The database as an argument.
    pub(super) fn database(&self, way: Way) -> String {
        match way {
            Way::Server => self.address.text(),
            Way::File => self.address.database.clone(),
        }
    }

    /// The ways to come at it, in the order in which they are tried.
    pub(super) fn ways(&self) -> &'static [Way] {
        match (self.address.server.is_some(), self.address.path().is_some() && self.address.is_of_this_machine()) {
            (true, true) => &[Way::Server, Way::File],
            (true, false) => &[Way::Server],
            (false, _) => &[Way::File],
        }
    }
}

/// Whether a tool says that there is no server: then, and only then, the file may be come at without it.
pub fn says_no_server(complaint: &str) -> bool {
    complaint.contains("Unable to complete network request to host")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_that_is_not_there_is_named_with_what_to_install() {
        let folder = tempfile::tempdir().unwrap();
        let error = Tool::Gbak.find(Some(folder.path())).unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::NotFound, "cannot find `gbak` of Firebird"));
        std::fs::write(folder.path().join("isql"), "").unwrap();
        assert_eq!(Tool::Isql.find(Some(folder.path())).unwrap(), folder.path().join("isql"));
        std::fs::write(folder.path().join("isql-fb"), "").unwrap();
        assert_eq!(Tool::Isql.find(Some(folder.path())).unwrap(), folder.path().join("isql-fb"));
    }
}
