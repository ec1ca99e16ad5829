//! A program that runs, until it has ended.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{Ended, Program};
use crate::cancel::{Cancel, check_cancelled};
use crate::error::{Error, ErrorKind, Result};
use crate::platform::{AsHandle, children, waiting};

/// While there is nothing to read, we look this often whether to go on.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Of standard error at most this many lines are kept, the last ones.
const COMPLAINT_LINES_MAX: usize = 20;
/// Of a line at most this many bytes are kept.
const COMPLAINT_LINE_BYTES_MAX: u64 = 1 << 10;
/// A program that was asked to end has this long before it is ended.
const GRACE: Duration = Duration::from_secs(2);

/// A program that runs. When this is dropped before [`Running::finish`], it is ended with all that it started.
#[derive(Debug)]
pub struct Running {
    name: String,
    child: Child,
    complaints: Option<JoinHandle<VecDeque<String>>>,
    feeding: Option<JoinHandle<()>>,
    begun: Instant,
    time_limit: Option<Duration>,
    has_ended: bool,
}

impl Running {
    pub(super) fn start(program: &Program) -> Result<Self> {
        let name = program.shown();
        let mut child = program
            .command()
            .and_then(|mut command| command.spawn())
            .map_err(|error| Error::io("cannot run", format!("`{name}`"), error))?;
        let complaints = child.stderr.take().map(|stderr| std::thread::spawn(move || keep_last(stderr)));
        let feeding = match (program.input.clone(), program.takes_input) {
            // A program that does not want all of it is no failure of ours.
            (Some(input), false) => child.stdin.take().map(|mut stdin| std::thread::spawn(move || drop(stdin.write_all(&input)))),
            _ => None,
        };
        Ok(Self { name, child, complaints, feeding, begun: Instant::now(), time_limit: program.time_limit, has_ended: false })
    }

    /// Its number in the system.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its standard input, once, where the program was made to take one. Dropping it ends the input.
    pub fn input(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Reads what it prints; 0 at the end.
    ///
    /// # Errors
    /// `Interrupted`; `Other` when time is up; those of the pipe.
    pub fn read(&mut self, buffer: &mut [u8], cancel: &dyn Cancel) -> Result<usize> {
        loop {
            let (begun, limit, name) = (self.begun, self.time_limit, &self.name);
            let Some(stdout) = self.child.stdout.as_mut() else { return Ok(0) };
            wait(&*stdout, begun, limit, name, cancel)?;
            match stdout.read(buffer) {
                Err(error) if matches!(error.kind(), std::io::ErrorKind::Interrupted | std::io::ErrorKind::WouldBlock) => {}
                other => return other.map_err(|error| Error::io("cannot read what is printed by", format!("`{name}`"), error)),
            }
        }
    }

    /// Waits for its end. What it still prints is thrown away.
    ///
    /// # Errors
    /// As [`Running::read`]. That it failed is none: see [`Ended::check`].
    pub fn finish(mut self, cancel: &dyn Cancel) -> Result<Ended> {
        drop(self.child.stdin.take());
        let mut buffer = [0; 4 << 10];
        while self.read(&mut buffer, cancel)? > 0 {}
        // A program may close its output and go on for long. Where the system has no handles for programs we simply wait.
        if let Some(handle) = waiting::handle_of_command(&self.child) {
            wait(handle, self.begun, self.time_limit, &self.name, cancel)?;
            // What it left behind in the background keeps standard error open, and is no longer wanted. Its number is
            // still its own: nobody has waited for it yet.
            children::end_at_once(&self.child);
        }
        let status = self.child.wait().map_err(|error| Error::io("cannot wait for", format!("`{}`", self.name), error))?;
        self.has_ended = true;
        let complaints = self.complaints.take().and_then(|reading| reading.join().ok()).unwrap_or_default();
        let complaint = complaints.into_iter().collect::<Vec<_>>().join("\n");
        Ok(Ended { name: self.name.clone(), status, output: Vec::new(), complaint })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        children::ask_to_end(&self.child);
        if let Some(handle) = waiting::handle_of_command(&self.child) {
            let _ = waiting::is_ready(handle, GRACE);
        }
        // Also what it started itself.
        children::end_at_once(&self.child);
        let _ = self.child.wait();
        drop(self.feeding.take());
    }
}

/// Waits until there is something to read, or the end.
fn wait(handle: impl AsHandle, begun: Instant, limit: Option<Duration>, name: &str, cancel: &dyn Cancel) -> Result<()> {
    loop {
        check_cancelled(cancel)?;
        if limit.is_some_and(|limit| begun.elapsed() > limit) {
            let seconds = limit.unwrap_or_default().as_secs_f64();
            return Err(Error::new(ErrorKind::Other, format!("`{name}` took longer than {seconds} seconds and was ended")));
        }
        let is_ready = waiting::is_ready(&handle, LOOK_EVERY);
        if is_ready.map_err(|failure| Error::io("cannot wait for", format!("`{name}`"), failure))? {
            return Ok(());
        }
    }
}

/// Reads to the end and keeps the last lines.
fn keep_last(stderr: impl Read) -> VecDeque<String> {
    let mut lines = VecDeque::new();
    let mut reader = BufReader::new(stderr);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut reader).take(COMPLAINT_LINE_BYTES_MAX).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return lines,
            Ok(_) => {}
        }
        if lines.len() == COMPLAINT_LINES_MAX {
            lines.pop_front();
        }
        lines.push_back(String::from_utf8_lossy(&line).trim_end().to_owned());
    }
}
