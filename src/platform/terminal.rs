//! The terminal that a person sits at, whatever standard input and output are.

use std::fs::File;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// Opens the terminal that this process belongs to.
///
/// # Errors
/// When it belongs to none.
pub fn open() -> std::io::Result<File> {
    File::options().read(true).write(true).open("/dev/tty")
}

/// While this lives, the terminal does not show what is typed.
pub struct Silence {
    terminal: File,
    before: Termios,
}

impl Silence {
    /// Begins it.
    ///
    /// # Errors
    /// When it is no terminal.
    pub fn begin(terminal: &File) -> std::io::Result<Self> {
        let terminal = terminal.try_clone()?;
        let before = tcgetattr(&terminal)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        // The end of the line is shown: what follows stands on a line of its own.
        silent.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(&terminal, OptionalActions::Flush, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
    }
}
