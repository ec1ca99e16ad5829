//! Asks for a password on the terminal, without showing it.
//!
//! The terminal itself is asked, not standard input, which may carry the data to be saved. A signal
//! during the question is noticed, so that the terminal is never left without its echo.

use std::fs::File;
use std::io::{IsTerminal, Read, Write};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::interrupt;
use crate::error::{Error, ErrorKind, Result};

/// How long a signal may go unnoticed when it comes between the look at its flag and the wait.
const LOOK_AGAIN: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
/// A terminal gives no longer lines anyway.
const LINE_BYTES_MAX: usize = 4096;

/// Whether there is somebody to ask: a program started by a timer may have a controlling terminal
/// that nobody sits at, so one of the standard streams must be one too.
pub fn has_terminal() -> bool {
    (std::io::stdin().is_terminal() || std::io::stderr().is_terminal()) && open().is_ok()
}

/// Asks `question` and reads one line, without its end.
///
/// # Errors
/// `Interrupted` by a signal; `Invalid` when the input ends.
pub fn ask(question: &str) -> Result<Zeroizing<Vec<u8>>> {
    let failed = |error: std::io::Error| Error::io("cannot ask on", "the terminal", error);
    let _watch = interrupt::watch();
    let mut terminal = open().map_err(failed)?;
    let silence = Silence::begin(&terminal).map_err(failed)?;
    terminal.write_all(question.as_bytes()).map_err(failed)?;
    let line = read_line(&mut terminal);
    drop(silence);
    line
}

fn open() -> std::io::Result<File> {
    File::options().read(true).write(true).open("/dev/tty")
}

fn read_line(terminal: &mut File) -> Result<Zeroizing<Vec<u8>>> {
    let failed = |error: std::io::Error| Error::io("cannot read from", "the terminal", error);
    // With all its room from the start: a vector that grows leaves copies behind.
    let mut line = Zeroizing::new(Vec::with_capacity(LINE_BYTES_MAX));
    while line.len() < LINE_BYTES_MAX {
        if interrupt::is_requested() {
            return Err(interrupt::interrupted());
        }
        match poll(&mut [PollFd::new(&*terminal, PollFlags::IN)], Some(&LOOK_AGAIN)) {
            Ok(0) | Err(Errno::INTR) => continue,
            Ok(_) => {}
            Err(errno) => return Err(failed(errno.into())),
        }
        let mut byte = Zeroizing::new([0; 1]);
        match terminal.read(&mut *byte).map_err(failed)? {
            0 if line.is_empty() => return Err(Error::new(ErrorKind::Invalid, "no password was given")),
            0 => break,
            _ if byte[0] == b'\n' => break,
            _ => line.push(byte[0]),
        }
    }
    Ok(line)
}

/// While this lives, the terminal does not show what is typed.
struct Silence {
    terminal: File,
    before: Termios,
}

impl Silence {
    fn begin(terminal: &File) -> std::io::Result<Self> {
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
