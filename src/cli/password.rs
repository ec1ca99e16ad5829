//! Where the password or key file comes from.
//!
//! Options win over the environment; two sources of the same rank are refused, since guessing which
//! one was meant could make a repository that nobody can open again.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use zeroize::Zeroizing;

use super::message;
use super::prompt;
use super::typed::{Given, check_typed};
use crate::error::{Error, ErrorKind, Result};
use crate::platform::names;
use crate::repository::{Credential, KEY_FILE_BYTES};
use crate::units::PathText;

/// No password is longer; a file that is longer is not a password.
const PASSWORD_BYTES_MAX: u64 = 64 << 10;

/// One source of a password or key.
#[derive(Clone, PartialEq, Eq)]
pub enum Source {
    /// The password itself.
    Password(Zeroizing<Vec<u8>>),
    /// The first line of a file.
    PasswordFile(PathBuf),
    /// The first line that a shell command prints.
    PasswordCommand(OsString),
    /// The first line that a program prints, which no shell starts.
    PasswordProgram(Vec<String>),
    /// A file of 32 random bytes.
    KeyFile(PathBuf),
}

/// The options that name a source; each rank of sources is one of these.
#[derive(Clone, Debug, Default)]
pub struct Named {
    /// A password, from the environment only: the arguments of a process can be read by all users.
    pub password: Option<OsString>,
    /// `--password-file`, `REPO_PASSWORD_FILE`.
    pub password_file: Option<PathBuf>,
    /// `--password-command`, `REPO_PASSWORD_COMMAND`.
    pub password_command: Option<OsString>,
    /// `--key-file`, `REPO_KEY_FILE`.
    pub key_file: Option<PathBuf>,
}

impl Named {
    /// What the environment names. An empty variable names nothing.
    pub fn in_environment(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let variable = |name| variable(name).filter(|value| !value.is_empty());
        Self {
            password: variable("REPO_PASSWORD"),
            password_file: variable("REPO_PASSWORD_FILE").map(PathBuf::from),
            password_command: variable("REPO_PASSWORD_COMMAND"),
            key_file: variable("REPO_KEY_FILE").map(PathBuf::from),
        }
    }

    /// The one source that is named, if any; `names` are those of the four, for the message.
    fn one(self, names: [&str; 4]) -> Result<Option<Source>> {
        let all = [
            self.password.map(|password| Source::Password(Zeroizing::new(names::into_bytes(password)))),
            self.password_file.map(Source::PasswordFile),
            self.password_command.map(Source::PasswordCommand),
            self.key_file.map(Source::KeyFile),
        ];
        let mut named = all.into_iter().zip(names).filter_map(|(source, name)| source.map(|source| (source, name)));
        match (named.next(), named.next()) {
            (Some((_, first)), Some((_, second))) => {
                Err(Error::new(ErrorKind::Invalid, format!("{first} and {second} are both given; give one of them")))
            }
            (first, _) => Ok(first.map(|(source, _)| source)),
        }
    }
}

/// The source that counts: the one among the options, else the one in the environment.
///
/// # Errors
/// `Invalid` when two of one rank are given.
pub fn choose(options: Named, environment: Named) -> Result<Option<Source>> {
    match options.one(["", "--password-file", "--password-command", "--key-file"])? {
        Some(source) => Ok(Some(source)),
        None => environment.one(["REPO_PASSWORD", "REPO_PASSWORD_FILE", "REPO_PASSWORD_COMMAND", "REPO_KEY_FILE"]),
    }
}

impl Source {
    /// Reads the password or key in every form that may open the repository: first as a person would type
    /// it, then byte by byte as it stands, which is what earlier versions made a repository with.
    ///
    /// # Errors
    /// `NotFound`, `Denied`; `Invalid` for an empty password or a key file of another length; `Other`
    /// when the command fails.
    pub fn read(self) -> Result<Vec<Credential>> {
        let given = match self {
            Source::KeyFile(path) => return Ok(vec![Credential::KeyFile(read_key_file(&path)?)]),
            other => other.read_password()?,
        };
        let mut forms: Vec<_> = given.typed().into_iter().chain([given.as_it_stands()]).filter(|form| !form.is_empty()).collect();
        forms.dedup();
        if forms.is_empty() {
            return Err(given.no_password());
        }
        Ok(forms.into_iter().map(Credential::Password).collect())
    }

    /// Reads the password or key for a new key, as a person would type it.
    ///
    /// # Errors
    /// As [`Source::read`]; `Invalid` for a password that nobody can type.
    pub fn read_new(self) -> Result<Credential> {
        match self {
            Source::KeyFile(path) => read_key_file(&path).map(Credential::KeyFile),
            other => other.read_password()?.typed_by_anybody().map(Credential::Password),
        }
    }

    /// The password as a person would type it, to be printed for that person.
    ///
    /// # Errors
    /// As [`Source::read`]; `Invalid` for one that nobody can type.
    pub fn read_text(self) -> Result<String> {
        let typed = self.read_password()?.typed_by_anybody()?;
        Ok(String::from_utf8_lossy(&typed).into_owned())
    }

    fn read_password(self) -> Result<Given> {
        let (bytes, is_first_line, what) = match self {
            Source::Password(password) => (password, false, "REPO_PASSWORD".to_owned()),
            Source::PasswordFile(path) => (read_secret(&path, "password file")?, true, shown(&path)),
            Source::PasswordProgram(list) => (run_program(&list)?, true, "the output of the password command".to_owned()),
            Source::PasswordCommand(command) => (run(&command)?, true, "the output of the password command".to_owned()),
            Source::KeyFile(path) => (read_key_file(&path)?, true, shown(&path)),
        };
        if bytes.len() as u64 > PASSWORD_BYTES_MAX {
            return Err(Error::new(ErrorKind::Invalid, format!("{what} is too long for a password")));
        }
        Ok(Given { bytes, is_first_line, what })
    }
}

/// A password of fewer characters is tried out in no time.
const CHARACTERS_FEW: usize = 8;

/// Says of a new password that it is short. It is taken all the same: it may guard against nobody but the curious.
pub fn warn_of_short(credential: &Credential) {
    let Credential::Password(password) = credential else { return };
    if String::from_utf8_lossy(password).chars().count() < CHARACTERS_FEW {
        message::warn(format_args!(
            "the password has fewer than {CHARACTERS_FEW} characters; whoever gets a copy of the repository can try out all of these"
        ));
    }
}

/// Asks on the terminal, where there is one.
///
/// # Errors
/// `Invalid`, naming all sources, where there is none; `Interrupted`.
pub fn ask(question: &str, asks_twice: bool) -> Result<Credential> {
    if !prompt::has_terminal() {
        return Err(Error::new(
            ErrorKind::Invalid,
            "a password is needed, and there is no terminal to ask on; set REPO_PASSWORD, REPO_PASSWORD_FILE, REPO_PASSWORD_COMMAND or \
             REPO_KEY_FILE, or give --password-file, --password-command or --key-file",
        ));
    }
    let password = prompt::ask(question)?;
    if password.is_empty() {
        return Err(Error::new(ErrorKind::Invalid, "no password was given"));
    }
    if asks_twice && *prompt::ask("the same password again: ")? != *password {
        return Err(Error::new(ErrorKind::Invalid, "the two passwords differ"));
    }
    if asks_twice {
        check_typed(&password, "the password")?;
    }
    Ok(Credential::Password(password))
}

/// Reads the 32 bytes of a key file.
///
/// # Errors
/// `NotFound`, `Denied`; `Invalid` when it has another length.
pub fn read_key_file(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let bytes = read_secret(path, "key file")?;
    if bytes.len() == KEY_FILE_BYTES {
        return Ok(bytes);
    }
    let message = format!(
        "the key file {} does not have exactly {KEY_FILE_BYTES} bytes; `head -c {KEY_FILE_BYTES} /dev/urandom > FILE` makes one",
        shown(path)
    );
    Err(Error::new(ErrorKind::Invalid, message))
}

fn shown(path: &Path) -> String {
    format!("\"{}\"", PathText(names::to_bytes(&path)))
}

fn read_secret(path: &Path, what: &str) -> Result<Zeroizing<Vec<u8>>> {
    let failed = |error| Error::io(&format!("cannot read the {what}"), shown(path), error);
    read_limited(&mut File::open(path).map_err(failed)?).map_err(failed)
}

fn read_limited(reader: &mut dyn Read) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
    reader.take(PASSWORD_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What a program prints. It may talk to the user: its input and its messages are ours.
fn run_program(list: &[String]) -> Result<Zeroizing<Vec<u8>>> {
    let (program, arguments) = list.split_first().ok_or_else(|| Error::new(ErrorKind::Invalid, "the password command is empty"))?;
    run_command(Command::new(program).args(arguments))
}

/// What a shell command prints. It may talk to the user: its input and its messages are ours.
fn run(command: &OsStr) -> Result<Zeroizing<Vec<u8>>> {
    run_command(Command::new("/bin/sh").arg("-c").arg(command))
}

fn run_command(command: &mut Command) -> Result<Zeroizing<Vec<u8>>> {
    let failed = |error| Error::io("cannot run", "the password command", error);
    // What we have to say comes before what the command says.
    let _ = std::io::stderr().flush();
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(failed)?;
    let bytes = match child.stdout.take() {
        Some(mut stdout) => read_limited(&mut stdout).map_err(failed)?,
        None => Zeroizing::default(),
    };
    let status = child.wait().map_err(failed)?;
    if !status.success() {
        return Err(Error::new(ErrorKind::Other, format!("the password command failed: {status}")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &'static [(&str, &str)]) -> Named {
        Named::in_environment(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
    }

    fn password(source: Source) -> Vec<u8> {
        match &source.read().unwrap_or_else(|error| panic!("{error}"))[..] {
            [Credential::Password(bytes)] => bytes.to_vec(),
            _ => panic!("a key file, or several forms"),
        }
    }

    fn kind<T>(outcome: Result<T>) -> ErrorKind {
        outcome.err().map(|error| error.kind()).expect("it fails")
    }

    #[test]
    fn options_win_over_the_environment() {
        let options = Named { key_file: Some("key".into()), ..Named::default() };
        assert!(choose(options, environment(&[("REPO_PASSWORD", "x")])).unwrap() == Some(Source::KeyFile("key".into())));
        assert!(
            choose(Named::default(), environment(&[("REPO_PASSWORD", "x")])).unwrap()
                == Some(Source::Password(Zeroizing::new(b"x".to_vec())))
        );
        assert!(choose(Named::default(), environment(&[("REPO_PASSWORD", "")])).unwrap().is_none());
    }

    #[test]
    fn two_sources_of_one_rank_are_refused_by_name() {
        let error = choose(Named::default(), environment(&[("REPO_PASSWORD", "x"), ("REPO_KEY_FILE", "k")])).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("REPO_PASSWORD and REPO_KEY_FILE"), "{error}");
        let options = Named { key_file: Some("k".into()), password_file: Some("p".into()), ..Named::default() };
        assert_eq!(kind(choose(options, Named::default())), ErrorKind::Invalid);
    }

    #[test]
    fn files_and_commands_give_their_first_line_of_any_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        for (content, expected) in [(&b"p\xffq\nsecond"[..], &b"p\xffq"[..]), (b"p q", b"p q"), (b"p\r\n", b"p")] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(password(Source::PasswordFile(path.clone())), expected);
        }
        assert_eq!(password(Source::PasswordCommand("printf 'p q\\nsecond'".into())), b"p q");
        std::fs::write(&path, "\n").unwrap();
        assert_eq!(kind(Source::PasswordFile(path.clone()).read()), ErrorKind::Invalid);
        assert_eq!(kind(Source::PasswordCommand("exit 3".into()).read()), ErrorKind::Other);
        assert_eq!(kind(Source::PasswordFile(folder.path().join("none")).read()), ErrorKind::NotFound);
    }

    #[test]
    fn a_key_file_has_exactly_its_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        for (bytes, is_good) in [(31, false), (32, true), (33, false)] {
            std::fs::write(&path, vec![7; bytes]).unwrap();
            assert_eq!(read_key_file(&path).is_ok(), is_good);
        }
    }
}
