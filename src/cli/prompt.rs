//! Asks for a password on the terminal, without showing it.
//!
//! The terminal itself is asked, not standard input, which may carry the data to be saved. A signal
//! during the question is noticed, so that the terminal is never left without its echo.

use std::fs::File;
use std::io::{IsTerminal, Read, Write};
use std::time::Duration;

use zeroize::Zeroizing;

use super::interrupt;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::terminal::{self, Silence};
use crate::platform::waiting;

/// How long a signal may go unnoticed when it comes between the look at its flag and the wait.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// A terminal gives no longer lines anyway.
const LINE_BYTES_MAX: usize = 4096;

/// Whether there is somebody to ask: a program started by a timer may have a controlling terminal
/// that nobody sits at, so one of the standard streams must be one too.
pub fn has_terminal() -> bool {
    (std::io::stdin().is_terminal() || std::io::stderr().is_terminal()) && terminal::open().is_ok()
}

/// Asks `question` and reads one line, without its end.
///
/// # Errors
/// `Interrupted` by a signal; `Invalid` when the input ends.
pub fn ask(question: &str) -> Result<Zeroizing<Vec<u8>>> {
    let failed = |error: std::io::Error| Error::io("cannot ask on", "the terminal", error);
    let _watch = interrupt::watch();
    let mut terminal = terminal::open().map_err(failed)?;
    let silence = Silence::begin(&terminal).map_err(failed)?;
    terminal.write_all(question.as_bytes()).map_err(failed)?;
    let line = read_line(&mut terminal);
    drop(silence);
    line
}

fn read_line(terminal: &mut File) -> Result<Zeroizing<Vec<u8>>> {
    let failed = |error: std::io::Error| Error::io("cannot read from", "the terminal", error);
    // With all its room from the start: a vector that grows leaves copies behind.
    let mut line = Zeroizing::new(Vec::with_capacity(LINE_BYTES_MAX));
    while line.len() < LINE_BYTES_MAX {
        if interrupt::is_requested() {
            return Err(interrupt::interrupted());
        }
        if !waiting::is_ready(&*terminal, LOOK_AGAIN).map_err(|failure| failed(failure.into()))? {
            continue;
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
