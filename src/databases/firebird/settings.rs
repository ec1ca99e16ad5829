//! What is said of one database of Firebird: where it is, who may read it, and how it is saved.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroizing;

use super::address::Address;
use crate::error::{Error, Result};
use crate::units::GIB;

/// Of a file with a password at most this much is read.
const PASSWORD_FILE_BYTES_MAX: usize = 64 << 10;

/// One database of Firebird, and how it is saved. All but the first five fields have values that fit most.
#[derive(Clone, Debug)]
pub struct Firebird {
    /// The name that the configuration gives it.
    pub name: String,
    /// Where it is.
    pub address: Address,
    /// Who asks the server.
    pub login: Login,
    /// How it is read.
    pub method: Method,
    /// A folder of this machine that outlives a restart: what we have locked stands there.
    pub state_folder: PathBuf,
    /// A folder for what does not fit in memory while a database is read, and for what tools write.
    pub scratch_folder: PathBuf,
    /// How long and at what cost it may be held.
    pub limits: Limits,
    /// Where the tools are, when they are not in the search path.
    pub tools_folder: Option<PathBuf>,
    /// More variables for the environment of the tools.
    pub variables: Vec<(String, String)>,
    /// Told of each step, before the next is made.
    pub told: Option<fn(Step)>,
}

/// How a database is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The server freezes the file, which is read as it is.
    Nbackup,
    /// The server writes a stream of all rows.
    Gbak,
}

/// Who asks the server.
#[derive(Clone, Debug)]
pub struct Login {
    /// The name of the user.
    pub user: String,
    /// Where the password comes from.
    pub password: Password,
}

/// Where a password comes from. It is given to tools in their environment, never as an argument.
#[derive(Clone)]
pub enum Password {
    /// There is none: only a database that no server has open can be read.
    None,
    /// These bytes.
    Bytes(Zeroizing<Vec<u8>>),
    /// The first line of a file, or what follows `ISC_PASSWORD=` in it, as Firebird's own `SYSDBA.password` has it.
    File(PathBuf),
}

/// How long and at what cost a database may be held.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// A lock that is held longer is warned of.
    pub hold_warning: Duration,
    /// A lock that is held longer is released, and nothing is saved. None for as long as reading takes.
    pub hold: Option<Duration>,
    /// Free bytes that must be there for what is written while it is locked. When less than a quarter of that is left
    /// beside what the difference file needs once more, the lock is released and nothing is saved.
    pub delta_room_bytes: u64,
    /// What was read and not yet taken is kept in memory up to this.
    pub memory_bytes: u64,
    /// And beyond that on disk up to this; none for all of it.
    pub scratch_bytes: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        let hold_warning = Duration::from_secs(60);
        Self { hold_warning, hold: None, delta_room_bytes: GIB, memory_bytes: 64 << 20, scratch_bytes: None }
    }
}

/// A step on the way of a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// That a lock will be asked for is on the disk.
    Recorded,
    /// The server has locked; our record does not know it yet.
    Locked,
    /// Our record knows it.
    Completed,
    /// That many pages were read.
    Read(u64),
    /// All is read, and the lock is still there.
    AllRead,
    /// The server was asked to release it.
    Releasing,
    /// It is released; our record is still there.
    Released,
}

impl Firebird {
    /// A database at `address`, read by `method`, with limits that fit most.
    pub fn new(name: impl Into<String>, address: Address, login: Login, method: Method, folders: Folders) -> Self {
        Self {
            name: name.into(),
            address,
            login,
            method,
            state_folder: folders.state,
            scratch_folder: folders.scratch,
            limits: Limits::default(),
            tools_folder: None,
            variables: Vec::new(),
            told: None,
        }
    }

    pub(super) fn tell(&self, step: Step) {
        if let Some(told) = self.told {
            told(step);
        }
    }
}

/// The folders that a database needs; see [`Firebird`].
#[derive(Clone, Debug)]
pub struct Folders {
    /// As [`Firebird::state_folder`].
    pub state: PathBuf,
    /// As [`Firebird::scratch_folder`].
    pub scratch: PathBuf,
}

impl Password {
    /// The password; none where there is none.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub fn read(&self) -> Result<Option<Zeroizing<Vec<u8>>>> {
        match self {
            Self::None => Ok(None),
            Self::Bytes(bytes) => Ok(Some(bytes.clone())),
            Self::File(path) => {
                let mut content = Zeroizing::new(Vec::with_capacity(PASSWORD_FILE_BYTES_MAX));
                let file = std::fs::File::open(path).map_err(|error| Error::io("cannot open", super::header::shown(path), error))?;
                std::io::Read::read_to_end(&mut std::io::Read::take(file, PASSWORD_FILE_BYTES_MAX as u64), &mut content)
                    .map_err(|error| Error::io("cannot read", super::header::shown(path), error))?;
                Ok(Some(Zeroizing::new(in_file(&content).to_vec())))
            }
        }
    }
}

fn in_file(content: &[u8]) -> &[u8] {
    let mut lines = content.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let named = lines.clone().find_map(|line| line.strip_prefix(b"ISC_PASSWORD="));
    match named {
        Some(value) => value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value),
        None => lines.next().unwrap_or_default(),
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Bytes(_) => f.write_str("Bytes(…)"),
            Self::File(path) => write!(f, "File({path:?})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_a_line_or_what_firebird_writes_and_is_not_printed() {
        assert_eq!(in_file(b"secret\n"), b"secret");
        assert_eq!(in_file(b""), b"");
        assert_eq!(in_file(b"# made by\nISC_USER=\"SYSDBA\"\nISC_PASSWORD=\"a b\"\n"), b"a b");
        assert_eq!(in_file(b"ISC_PASSWORD=plain"), b"plain");
        let login = Login { user: "SYSDBA".to_owned(), password: Password::Bytes(Zeroizing::new(b"secret".to_vec())) };
        assert!(!format!("{login:?}").contains("secret") && !format!("{login:?}").contains("115"));
    }
}
