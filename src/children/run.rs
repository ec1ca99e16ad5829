//! Starting a program, and running one to its end for an answer.

use super::{Ended, Program, Running};
use crate::cancel::Cancel;
use crate::error::{Error, ErrorKind, Result};

/// A program whose output is an answer, not a stream, prints at most this much.
const OUTPUT_BYTES_MAX: usize = 4 << 20;

impl Program {
    /// Starts it; what it prints is read from what this returns.
    ///
    /// # Errors
    /// `NotFound` where there is no such program, and others when it cannot be started.
    pub fn start(&self) -> Result<Running> {
        Running::start(self)
    }

    /// Runs it to its end and returns how it ended and what it printed.
    ///
    /// # Errors
    /// As [`Program::start`]; `Interrupted`; `Other` when time is up, or it prints more than 4 MiB. That it failed is none:
    /// see [`Ended::check`].
    pub fn run(&self, cancel: &dyn Cancel) -> Result<Ended> {
        let mut running = self.start()?;
        let mut output = Vec::new();
        let mut buffer = [0; 8 << 10];
        loop {
            match running.read(&mut buffer, cancel)? {
                0 => break,
                _ if output.len() > OUTPUT_BYTES_MAX => {
                    return Err(Error::new(ErrorKind::Other, format!("`{}` prints more than can be an answer", self.shown())));
                }
                bytes => output.extend_from_slice(&buffer[..bytes]),
            }
        }
        let mut ended = running.finish(cancel)?;
        ended.output = output;
        Ok(ended)
    }
}
