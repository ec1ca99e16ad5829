//! Programs around a job, and those who are told.

use super::database::Login;
use super::values::Length;

/// When a hook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Before anything is read.
    Before,
    /// After a run that ended well.
    After,
    /// After one that did not.
    Failed,
    /// At the end, whatever happened, also when `before` broke half-way.
    Finally,
}

impl When {
    /// By the words of a configuration.
    pub(super) const NAMES: [(&'static str, Self); 4] =
        [("before", Self::Before), ("after", Self::After), ("failed", Self::Failed), ("finally", Self::Finally)];

    /// Its word.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, when)| *when == self).map_or("", |(name, _)| name)
    }
}

/// What the failure of a hook means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// The run has failed; of one before it, nothing is saved.
    Error,
    /// The run is incomplete.
    Warn,
    /// Nothing.
    Ignore,
}

impl OnFailure {
    pub(super) const NAMES: [(&'static str, Self); 3] = [("error", Self::Error), ("warn", Self::Warn), ("ignore", Self::Ignore)];
}

/// A program that runs around a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// When.
    pub when: When,
    /// The program and its arguments; `sh -c` and the line where a shell was asked for.
    pub run: Vec<String>,
    /// How long it may take.
    pub timeout: Length,
    /// What its failure means.
    pub on_failure: OnFailure,
}

/// How somebody is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// A program, which gets words in its environment and JSON on its standard input.
    Command(Vec<String>),
    /// JSON to an address.
    Webhook(String),
    /// An address that is asked for after a good run, and with `/fail` after another.
    Ping(String),
    /// A letter.
    Mail {
        /// To whom.
        to: String,
        /// From whom.
        from: Option<String>,
        /// The server; `sendmail` of this machine where nothing is said.
        smtp: Option<String>,
        /// Who logs in there.
        login: Option<Login>,
    },
}

/// Who is told of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Of what: `failed`, `suspect`, `late`, `recovered`, `good`.
    pub on: Vec<String>,
    /// How.
    pub way: Way,
    /// Paths may be named.
    pub has_paths: bool,
}
