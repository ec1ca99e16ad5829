//! What is wrong with an expression, and where.

use std::fmt;

use crate::error::{Error, ErrorKind};

/// What is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// How many bytes stand before it.
    pub at: usize,
    /// What is wrong.
    pub what: String,
}

impl Mistake {
    pub(super) fn new(at: usize, what: impl Into<String>) -> Self {
        Self { at, what: what.into() }
    }

    /// The error of a text that has this mistake.
    pub(in super::super) fn in_text(&self, text: &str) -> Error {
        let column = text.get(..self.at).map_or(self.at, |before| before.chars().count()) + 1;
        // A text that is too long is not repeated as a whole.
        let shown: String = text.chars().take(80).collect();
        let message = format!("`{}` is no calendar expression: {}, at column {column}", shown.escape_debug(), self.what);
        let hint = "write it as systemd does: `Mon..Sat 19:30`, `hourly`, `*-*-01 22:00`; `man systemd.time` has the language";
        Error::new(ErrorKind::Invalid, message).with_hint(hint)
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, at column {}", self.what, self.at + 1)
    }
}
