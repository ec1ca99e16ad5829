//! Programs of which each reads what the one before prints.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::cancel::Cancel;
use crate::children::{Ended, Program, Running};
use crate::error::{Error, ErrorKind, Result};

/// What is passed on from one program to the next at a time.
const BUFFER_BYTES: usize = 64 << 10;

/// The programs, each with its arguments.
#[derive(Clone, Debug)]
pub struct Chain {
    programs: Vec<Program>,
}

/// A chain that runs.
pub(super) struct RunningChain {
    last: Option<Running>,
    /// The others, each with the thread that passes its output on.
    others: Vec<JoinHandle<Result<Ended>>>,
    is_stopped: Arc<AtomicBool>,
}

impl Chain {
    /// Programs and their arguments, each as a list.
    ///
    /// # Errors
    /// `Invalid` without a program.
    pub fn new(lists: Vec<Vec<String>>) -> Result<Self> {
        let programs = lists.iter().map(|list| Program::of_list(list)).collect::<Result<Vec<_>>>()?;
        if programs.is_empty() {
            return Err(Error::new(ErrorKind::Invalid, "there is no command to run"));
        }
        Ok(Self { programs })
    }

    /// One line for a shell, because somebody asked for that.
    ///
    /// # Errors
    /// None; as [`Chain::new`].
    pub fn shell(line: &str) -> Result<Self> {
        Self::new(vec![vec!["sh".to_owned(), "-c".to_owned(), line.to_owned()]])
    }

    /// With a time after which all are ended.
    #[must_use]
    pub fn time_limit(self, limit: Option<Duration>) -> Self {
        let Some(limit) = limit else { return self };
        Self { programs: self.programs.into_iter().map(|program| program.time_limit(limit)).collect() }
    }

    /// The programs as people read them.
    pub fn shown(&self) -> String {
        self.programs.iter().map(Program::shown).collect::<Vec<_>>().join(" | ")
    }

    pub(super) fn start(&self) -> Result<RunningChain> {
        let is_stopped = Arc::new(AtomicBool::new(false));
        let mut chain = RunningChain { last: None, others: Vec::new(), is_stopped };
        for (number, program) in self.programs.iter().enumerate() {
            let mut running = if number == 0 { program.start()? } else { program.clone().taking_input().start()? };
            if let Some(before) = chain.last.take() {
                let (input, is_stopped) = (running.input(), Arc::clone(&chain.is_stopped));
                chain.others.push(std::thread::spawn(move || pass_on(before, input, &is_stopped)));
            }
            chain.last = Some(running);
        }
        Ok(chain)
    }
}

/// Passes on what `running` prints, to its end, and says how it ended.
fn pass_on(mut running: Running, input: Option<std::process::ChildStdin>, cancel: &AtomicBool) -> Result<Ended> {
    let (mut buffer, mut input) = (vec![0; BUFFER_BYTES], input);
    loop {
        let bytes = running.read(&mut buffer, cancel)?;
        if bytes == 0 {
            break;
        }
        let written = input.as_mut().map_or(Ok(()), |input| input.write_all(&buffer[..bytes]));
        // The next one has ended; what it says of itself is the reason.
        if written.is_err() {
            return Err(Error::new(ErrorKind::Other, "the program behind it in the chain stopped reading"));
        }
    }
    drop(input);
    running.finish(cancel)
}

impl RunningChain {
    pub(super) fn read(&mut self, buffer: &mut [u8], cancel: &dyn Cancel) -> Result<usize> {
        self.last.as_mut().map_or(Ok(0), |last| last.read(buffer, cancel))
    }

    /// Waits until all have ended, each with success.
    pub(super) fn finish(mut self, cancel: &dyn Cancel) -> Result<()> {
        let last = self.last.take().map(|last| last.finish(cancel)).transpose()?;
        let mut failures = Vec::new();
        for other in self.others.drain(..) {
            let ended = other.join().unwrap_or_else(|_| Err(Error::new(ErrorKind::Other, "a thread has ended early")));
            failures.extend(ended.and_then(Ended::check).err());
        }
        // The last one says more than those that could not go on because of it.
        last.map_or(Ok(()), |ended| ended.check().map(drop))?;
        failures.into_iter().next().map_or(Ok(()), Err)
    }
}

impl Drop for RunningChain {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::Relaxed);
        drop(self.last.take());
        for other in self.others.drain(..) {
            let _ = other.join();
        }
    }
}
