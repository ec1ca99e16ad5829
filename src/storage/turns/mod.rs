//! A decorator by which a test decides whose next call proceeds: several programs use one storage, and
//! at each call that the others could notice, the test says who goes on.
//!
//! Each program has its own handle and its own threads; a call of any of them is a call of the program.
//! A call waits until it is granted, is made alone, and then the test waits until every program waits
//! again, has ended or waits for a lock. So one order of grants is one order of calls, whatever the
//! machine does meanwhile.
//!
//! Turns are taken by what others can notice: reads, listings, publishing, removing, setting aside,
//! locks. Making a folder, beginning and filling an upload, and syncs change nothing that another
//! program sees, and happen between two turns. Locks are let go without a turn.

mod handle;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Weak};
use std::time::Duration;

use self::handle::HeldLock;
use crate::error::{Error, ErrorKind, Result};

pub use self::handle::Handle;

/// A program that computes for so long between two calls has met a bug: the test fails instead of
/// standing still.
const STUCK: Duration = Duration::from_secs(120);

/// Decides whose turn it is.
#[derive(Clone, Debug)]
pub struct Turns(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Told when a call is made, a program waits, or one ends.
    happened: Condvar,
    /// One for each program: told when a call of it is granted.
    granted: Vec<Condvar>,
}

#[derive(Debug)]
struct State {
    programs: Vec<Program>,
    next_ticket: u64,
    /// The call that is being made.
    turn: Option<u64>,
    /// How often locks were let go.
    let_go: u64,
    trace: Vec<(usize, String)>,
}

#[derive(Debug, Default)]
struct Program {
    waiting: VecDeque<Waiting>,
    has_ended: bool,
    is_killed: bool,
    calls: u64,
    locks: Vec<Weak<HeldLock>>,
}

/// A call that waits for its turn.
#[derive(Debug)]
struct Waiting {
    ticket: u64,
    call: String,
    /// It found its lock held when locks had been let go so often.
    found_held: Option<u64>,
}

impl State {
    fn is_ready(&self, waiting: &Waiting) -> bool {
        waiting.found_held.is_none_or(|let_go| let_go < self.let_go)
    }

    /// Whether nothing happens any more until a turn is granted.
    fn is_settled(&self) -> bool {
        self.turn.is_none() && self.programs.iter().all(|program| program.has_ended || (!program.is_killed && !program.waiting.is_empty()))
    }

    fn ready(&self) -> Vec<usize> {
        let is_ready = |program: &Program| !program.has_ended && program.waiting.iter().any(|waiting| self.is_ready(waiting));
        self.programs.iter().enumerate().filter(|(_, program)| is_ready(program)).map(|(number, _)| number).collect()
    }
}

/// Marks a program as ended when it is dropped, also by a panic.
#[derive(Debug)]
pub struct Running {
    turns: Turns,
    program: usize,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.turns.state().programs[self.program].has_ended = true;
        self.turns.0.happened.notify_all();
    }
}

impl Turns {
    /// Turns for so many programs, numbered from 0.
    pub fn new(programs: usize) -> Self {
        let state = State {
            programs: (0..programs).map(|_| Program::default()).collect(),
            next_ticket: 0,
            turn: None,
            let_go: 0,
            trace: Vec::new(),
        };
        let granted = (0..programs).map(|_| Condvar::new()).collect();
        Self(Arc::new(Shared { state: Mutex::new(state), happened: Condvar::new(), granted }))
    }

    /// `storage` as the program of this number uses it.
    pub fn handle<S>(&self, program: usize, storage: S) -> Handle<S> {
        Handle::new(self.clone(), program, storage)
    }

    /// The program of this number runs until what this returns is dropped. A program that makes no call
    /// and is never dropped is waited for.
    pub fn begin(&self, program: usize) -> Running {
        Running { turns: self.clone(), program }
    }

    /// Waits until nothing happens without a grant, and says whose call can proceed; none when all
    /// have ended.
    ///
    /// # Errors
    /// `Other` when programs wait for locks and nobody is left who would let one go.
    ///
    /// # Panics
    /// When a program makes no call for a very long time.
    pub fn settle(&self) -> Result<Vec<usize>> {
        let mut state = self.state();
        while !state.is_settled() {
            let (next, waited) = self.0.happened.wait_timeout(state, STUCK).unwrap_or_else(|poisoned| poisoned.into_inner());
            assert!(!waited.timed_out(), "a program neither calls nor ends: {:?}", next.trace);
            state = next;
        }
        let ready = state.ready();
        if ready.is_empty() && state.programs.iter().any(|program| !program.has_ended) {
            return Err(Error::new(ErrorKind::Other, "all wait for locks, and nobody is left who would let one go"));
        }
        Ok(ready)
    }

    /// Grants the program its next call, and returns when the call is made. One that is not ready has
    /// none.
    pub fn grant(&self, program: usize) {
        let mut state = self.state();
        let Some(at) = state.programs[program].waiting.iter().position(|waiting| state.is_ready(waiting)) else { return };
        let Some(waiting) = state.programs[program].waiting.remove(at) else { return };
        state.turn = Some(waiting.ticket);
        state.programs[program].calls += 1;
        state.trace.push((program, waiting.call));
        self.0.granted[program].notify_all();
        while state.turn.is_some() {
            state = self.0.happened.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
    }

    /// The program is dead: its locks are free, and all its calls from now on fail.
    pub fn kill(&self, program: usize) {
        let mut state = self.state();
        state.programs[program].is_killed = true;
        state.programs[program].waiting.clear();
        let held: Vec<_> = state.programs[program].locks.drain(..).filter_map(|lock| lock.upgrade()).collect();
        state.let_go += 1;
        drop(state);
        held.iter().for_each(|lock| lock.let_go());
        self.0.granted[program].notify_all();
        self.0.happened.notify_all();
    }

    /// How many calls of the program were granted.
    pub fn calls(&self, program: usize) -> u64 {
        self.state().programs[program].calls
    }

    /// All calls that were granted, in order: the program, and what it did.
    pub fn trace(&self) -> Vec<(usize, String)> {
        self.state().trace.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is one step, so a panic elsewhere leaves nothing half-made.
        self.0.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Waits for a turn of `program`. `found_held`: the call waits for a lock.
    fn wait(&self, program: usize, call: &str, found_held: Option<u64>) -> Result<Turn> {
        let mut state = self.state();
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        if !state.programs[program].is_killed {
            state.programs[program].waiting.push_back(Waiting { ticket, call: call.to_owned(), found_held });
            self.0.happened.notify_all();
        }
        loop {
            if state.programs[program].is_killed {
                return Err(killed(call));
            }
            if state.turn == Some(ticket) {
                return Ok(Turn(self.clone()));
            }
            state = self.0.granted[program].wait(state).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
    }

    fn check_alive(&self, program: usize, call: &str) -> Result<()> {
        if self.state().programs[program].is_killed { Err(killed(call)) } else { Ok(()) }
    }
}

/// The error of every call of a program that was killed.
fn killed(call: &str) -> Error {
    Error::new(ErrorKind::Other, format!("the program was killed before `{call}`"))
}

/// A call that is being made; the others wait until it is dropped.
struct Turn(Turns);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.state().turn = None;
        self.0.0.happened.notify_all();
    }
}
