//! A program to run, with its arguments and surroundings.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::platform::children;

/// How our password may stand in our environment; no other program has business with it.
pub const SECRET_VARIABLES: [&str; 4] = ["REPO_PASSWORD", "REPO_PASSWORD_FILE", "REPO_PASSWORD_COMMAND", "REPO_KEY_FILE"];

/// A program to run.
#[derive(Clone, Debug)]
pub struct Program {
    pub(super) name: OsString,
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    removed: Vec<OsString>,
    folder: Option<PathBuf>,
    pub(super) input: Option<Vec<u8>>,
    pub(super) takes_input: bool,
    kept_open: Option<Arc<File>>,
    user: Option<(u32, u32)>,
    pub(super) time_limit: Option<Duration>,
}

impl Program {
    /// The program `name`, looked for in the search path where it has no slash.
    pub fn new(name: impl Into<OsString>) -> Self {
        let name = name.into();
        let (arguments, variables, removed, input, kept_open) = Default::default();
        Self { name, arguments, variables, removed, folder: None, input, takes_input: false, kept_open, user: None, time_limit: None }
    }

    /// A program and its arguments as one list.
    ///
    /// # Errors
    /// `Invalid` for an empty list.
    pub fn of_list(list: &[impl AsRef<OsStr>]) -> Result<Self> {
        let (name, arguments) = list.split_first().ok_or_else(|| Error::new(ErrorKind::Invalid, "there is no command to run"))?;
        Ok(Self::new(name.as_ref()).args(arguments))
    }

    /// With one more argument.
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// With more arguments.
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// With a variable in its environment. Arguments can be read by all users of a machine, variables cannot.
    pub fn variable(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Without a variable of ours in its environment.
    pub fn without_variable(mut self, name: impl Into<OsString>) -> Self {
        self.removed.push(name.into());
        self
    }

    /// In a folder.
    pub fn in_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// With these bytes as its standard input; without any it reads the null device.
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = Some(bytes.into());
        self
    }

    /// With a standard input that [`Running::input`](super::Running::input) hands out.
    pub fn taking_input(mut self) -> Self {
        self.takes_input = true;
        self
    }

    /// With an open file as its standard input: a lock that we hold on it lasts until this program too has ended, also when
    /// we are killed meanwhile.
    pub fn keeping_open(mut self, file: Arc<File>) -> Self {
        self.kept_open = Some(file);
        self
    }

    /// With the rights of another user and group, and of no other group; only root may do that.
    pub fn as_user(mut self, user: u32, group: u32) -> Self {
        self.user = Some((user, group));
        self
    }

    /// Ended when it takes longer than this.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// The name as people read it.
    pub fn shown(&self) -> String {
        self.name.to_string_lossy().into_owned()
    }

    pub(super) fn command(&self) -> std::io::Result<Command> {
        let mut command = Command::new(&self.name);
        command.args(&self.arguments);
        command.stdin(match &self.kept_open {
            Some(file) => Stdio::from(file.try_clone()?),
            None if self.takes_input || self.input.is_some() => Stdio::piped(),
            None => Stdio::null(),
        });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        for variable in SECRET_VARIABLES.iter().map(OsStr::new).chain(self.removed.iter().map(|name| &**name)) {
            command.env_remove(variable);
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        if let Some((user, group)) = self.user {
            children::run_as(&mut command, user, group);
        }
        children::start_apart(&mut command);
        Ok(command)
    }
}
