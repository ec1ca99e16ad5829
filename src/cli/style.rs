//! Colours, where somebody sees them: never alone, always beside a letter or a word that says the same.

use std::fmt::Display;
use std::io::IsTerminal;

use clap::ValueEnum;

/// When colours are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Also into a pipe or file
    Always,
    /// Never
    Never,
}

impl ColorWhen {
    /// The colours of `stream`.
    pub fn style(self, stream: &impl IsTerminal) -> Style {
        let has_no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Style {
            is_colored: match self {
                Self::Auto => stream.is_terminal() && !has_no_color && !is_dumb,
                Self::Always => true,
                Self::Never => false,
            },
        }
    }
}

/// Writes in colours, or not.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    is_colored: bool,
}

impl Style {
    /// What is there now and was not.
    pub fn added(self, text: impl Display) -> String {
        self.paint("32", text)
    }

    /// What is otherwise than it was.
    pub fn changed(self, text: impl Display) -> String {
        self.paint("33", text)
    }

    /// What is gone.
    pub fn removed(self, text: impl Display) -> String {
        self.paint("31", text)
    }

    /// What should be looked at.
    pub fn warning(self, text: impl Display) -> String {
        self.paint("1;33", text)
    }

    /// What is damaged or failed.
    pub fn danger(self, text: impl Display) -> String {
        self.paint("1;31", text)
    }

    /// What is there for those who look for it.
    pub fn faint(self, text: impl Display) -> String {
        self.paint("2", text)
    }

    fn paint(self, code: &str, text: impl Display) -> String {
        if self.is_colored { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }
}
