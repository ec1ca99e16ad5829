//! How many bytes of requests under way may be in memory at once.
//!
//! The number of requests alone does not bound them: one asks for a few kilobytes, another for a frame of 64 MiB. So
//! who reads from a storage that is asked many things at once takes a share for what the answer takes in memory, and
//! gives it back when the answer is used up. Shares are given in the order in which they were asked for, so that a
//! large one is not passed by for ever.

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What requests under way may take in memory together, sealed and plain.
pub const ANSWERS_BYTES_MAX: u64 = 64 << 20;

thread_local! {
    /// So many shares this thread has.
    static SHARES: Cell<usize> = const { Cell::new(0) };
}

/// Bytes that are shared out.
#[derive(Debug)]
pub struct Budget {
    bytes: u64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    taken: u64,
    /// The next number to be given out, and the one whose turn it is.
    next: u64,
    turn: u64,
}

/// A share of a budget; dropping it gives it back. It belongs to its thread.
#[derive(Debug)]
pub struct Share<'b> {
    budget: &'b Budget,
    bytes: u64,
    of_thread: PhantomData<*const ()>,
}

impl Budget {
    /// So many bytes.
    pub fn new(bytes: u64) -> Self {
        Self { bytes, state: Mutex::default(), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change is one step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes so many bytes, and waits until they are there. More than there are at all are given when nobody else has
    /// any. A thread that has a share gets another one at once: if it waited, all could wait for each other.
    pub fn take(&self, bytes: u64) -> Share<'_> {
        let mut state = self.lock();
        if SHARES.get() == 0 {
            let number = state.next;
            state.next += 1;
            while state.turn != number || (state.taken > 0 && state.taken.saturating_add(bytes) > self.bytes) {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            state.turn += 1;
            self.changed.notify_all();
        }
        state.taken = state.taken.saturating_add(bytes);
        SHARES.set(SHARES.get() + 1);
        Share { budget: self, bytes, of_thread: PhantomData }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        SHARES.set(SHARES.get() - 1);
        let mut state = self.budget.lock();
        state.taken = state.taken.saturating_sub(self.bytes);
        self.budget.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn shares_are_never_more_than_there_is_unless_one_alone_is() {
        let (budget, taken, most) = (Budget::new(100), AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for number in 0..16_u64 {
                let (budget, taken, most) = (&budget, &taken, &most);
                scope.spawn(move || {
                    for round in 0..200 {
                        let bytes = if (number, round) == (3, 7) { 250 } else { 10 + (number * 7 + round) % 50 };
                        let _share = budget.take(bytes);
                        let now = taken.fetch_add(bytes, Ordering::SeqCst) + bytes;
                        assert!(now <= 100 || now == 250, "{now}");
                        most.fetch_max(now, Ordering::SeqCst);
                        std::thread::yield_now();
                        taken.fetch_sub(bytes, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(most.into_inner(), 250, "the long one had its turn");
        assert_eq!(budget.lock().taken, 0);
    }

    #[test]
    fn who_has_a_share_need_not_wait_for_another() {
        let budget = Budget::new(100);
        let first = budget.take(100);
        let second = budget.take(100);
        assert_eq!(budget.lock().taken, 200);
        drop(first);
        drop(second);
        drop(budget.take(100));
        assert_eq!(budget.lock().taken, 0);
    }
}
