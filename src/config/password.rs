//! Where a password or key is; never what it is.

use std::path::PathBuf;

/// Where the password or key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Password {
    /// The first line of a file.
    File(PathBuf),
    /// The first line that a program prints; it and its arguments, no shell.
    Command(Vec<String>),
    /// A file of 32 random bytes.
    KeyFile(PathBuf),
}
