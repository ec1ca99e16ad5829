//! A decorator that is far away: every request takes the same time, and only so many are answered at once. It counts
//! requests, and the rounds that they took.
//!
//! A round is the time of one request. Nobody waits for it: the clock is turned when every thread of this process waits,
//! so that what is counted is what the program has to wait for, on a fast machine and on a slow one. Such a process must
//! do nothing else meanwhile: a test runs it as one of its own. In real time it can be used anywhere.

mod asleep;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Listed, Lock, LockMode, Properties, Stale, Storage, Upload};
use crate::error::Result;

/// How many requests are answered at once.
pub const REQUESTS_AT_ONCE: usize = 16;
/// Bytes that take as long as a request: 50 ms at 5 MB a second.
const GAP_BYTES: u64 = 256 << 10;
/// A listing is given out in pages of so many names, one after the other.
const LISTED_AT_ONCE: usize = 1000;

/// A storage that is far away.
#[derive(Debug)]
pub struct Far<S> {
    inner: S,
    requests: Requests,
}

#[derive(Clone, Debug)]
struct Requests(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// How long one takes; none: the clock is turned when all wait.
    real: Option<Duration>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    begun: u64,
    /// Those that are being answered: their numbers, and the rounds at whose end they are.
    under_way: Vec<(u64, u64)>,
    /// Those that wait until one of these is answered.
    waiting: VecDeque<u64>,
    most_under_way: usize,
    rounds: u64,
    has_ended: bool,
}

impl State {
    fn admit(&mut self) {
        while self.under_way.len() < REQUESTS_AT_ONCE {
            let Some(number) = self.waiting.pop_front() else { break };
            self.under_way.push((number, self.rounds + 1));
            self.most_under_way = self.most_under_way.max(self.under_way.len());
        }
    }

    /// Turns the clock to where the next requests are answered.
    fn turn(&mut self) {
        let Some(next) = self.under_way.iter().map(|(_, end)| *end).min() else { return };
        self.rounds = next;
        self.under_way.retain(|(_, end)| *end > next);
        self.admit();
    }

    fn is_answered(&self, number: u64) -> bool {
        !self.waiting.contains(&number) && !self.under_way.iter().any(|(other, _)| *other == number)
    }
}

/// What was asked for, and how long it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Requests.
    pub requests: u64,
    /// Rounds from the first to the last.
    pub rounds: u64,
    /// How many were under way at the same time.
    pub most_at_once: usize,
}

impl Requests {
    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is one step.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes one request and waits for the answer.
    fn ask(&self) {
        let mut state = self.state();
        let number = state.begun;
        state.begun += 1;
        state.waiting.push_back(number);
        state.admit();
        self.0.changed.notify_all();
        if let Some(real) = self.0.real {
            while state.waiting.contains(&number) {
                state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            drop(state);
            std::thread::sleep(real);
            let mut state = self.state();
            state.under_way.retain(|(other, _)| *other != number);
            state.admit();
            self.0.changed.notify_all();
            return;
        }
        while !state.is_answered(number) {
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Turns the clock whenever all others wait, until the storage is dropped.
    fn keep_clock(&self) {
        let mut state = self.state();
        while !state.has_ended {
            if state.under_way.is_empty() {
                state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            drop(state);
            let all_wait = asleep::all_others_wait();
            state = self.state();
            if all_wait {
                state.turn();
                self.0.changed.notify_all();
            }
        }
    }
}

impl<S: Storage> Far<S> {
    /// A storage whose clock is turned when every thread of this process waits.
    pub fn new(inner: S) -> Self {
        let requests = Requests(Arc::new(Shared { real: None, state: Mutex::default(), changed: Condvar::new() }));
        let clock = requests.clone();
        std::thread::spawn(move || clock.keep_clock());
        Self { inner, requests }
    }

    /// A storage where each request takes so long.
    pub fn in_real_time(inner: S, request: Duration) -> Self {
        let shared = Shared { real: Some(request), state: Mutex::default(), changed: Condvar::new() };
        Self { inner, requests: Requests(Arc::new(shared)) }
    }

    /// The storage inside, which is near.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// What was asked for since this was asked last.
    pub fn take_asked(&self) -> Asked {
        let mut state = self.requests.state();
        let asked = Asked { requests: state.begun, rounds: state.rounds, most_at_once: state.most_under_way };
        *state = State::default();
        asked
    }

    fn ask<T>(&self, make: impl FnOnce(&S) -> Result<T>) -> Result<T> {
        self.requests.ask();
        make(&self.inner)
    }
}

impl<S> Drop for Far<S> {
    fn drop(&mut self) {
        self.requests.state().has_ended = true;
        self.requests.0.changed.notify_all();
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: Storage> Storage for Far<S> {
    fn location(&self) -> String {
        self.inner.location()
    }

    fn identity(&self) -> Vec<u8> {
        self.inner.identity()
    }

    fn properties(&self) -> Properties {
        Properties { requests_at_once: REQUESTS_AT_ONCE, gap_bytes: GAP_BYTES, ..self.inner.properties() }
    }

    fn free_bytes(&self) -> Option<u64> {
        self.inner.free_bytes()
    }

    /// There are no folders in such a storage.
    fn create_folder(&self, folder: &str) -> Result<()> {
        self.inner.create_folder(folder)
    }

    fn create(&self, area: &str) -> Result<Box<dyn Upload>> {
        Ok(Box::new(FarUpload { inner: self.inner.create(area)?, requests: self.requests.clone() }))
    }

    /// Names are durable when they are given.
    fn sync(&self, folders: &[String]) -> Result<()> {
        self.inner.sync(folders)
    }

    fn read(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>> {
        self.ask(|inner| inner.read(name, max_bytes))
    }

    fn read_range(&self, name: &str, offset: u64, buffer: &mut [u8]) -> Result<()> {
        self.ask(|inner| inner.read_range(name, offset, buffer))
    }

    fn list(&self, folder: &str) -> Result<Vec<Listed>> {
        let listed = self.ask(|inner| inner.list(folder))?;
        (0..listed.len() / LISTED_AT_ONCE).for_each(|_| self.requests.ask());
        Ok(listed)
    }

    fn stat(&self, name: &str) -> Result<Option<u64>> {
        self.ask(|inner| inner.stat(name))
    }

    fn remove(&self, name: &str) -> Result<()> {
        self.ask(|inner| inner.remove(name))
    }

    /// A copy, and a removal.
    fn set_aside(&self, name: &str, new_name: &str) -> Result<()> {
        self.requests.ask();
        self.ask(|inner| inner.set_aside(name, new_name))
    }

    fn remove_stale_temporaries(&self, stale: Stale) -> Result<u64> {
        self.ask(|inner| inner.remove_stale_temporaries(stale))
    }

    /// Whether it still holds, who holds it knows without a request.
    fn lock(&self, name: &str, mode: LockMode, wait: bool) -> Result<Box<dyn Lock>> {
        self.ask(|inner| inner.lock(name, mode, wait))
    }
}

struct FarUpload {
    inner: Box<dyn Upload>,
    requests: Requests,
}

#[deny(clippy::missing_trait_methods)]
impl Upload for FarUpload {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.inner.write(bytes)
    }

    fn publish(self: Box<Self>, name: &str) -> Result<()> {
        self.requests.ask();
        self.inner.publish(name)
    }
}
