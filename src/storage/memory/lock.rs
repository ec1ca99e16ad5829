//! Locks of a storage in memory: who holds which, and who waits.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Shared;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Lock, LockMode};

/// Who holds a lock.
#[derive(Clone, Debug, Default)]
pub(super) struct Holders {
    /// The numbers of those who share it.
    shared: BTreeSet<u64>,
    /// The number of the one who has it alone.
    alone: Option<u64>,
}

impl Holders {
    fn has(&self, number: u64) -> bool {
        self.alone == Some(number) || self.shared.contains(&number)
    }
}

/// Takes the lock `name`, which is a valid one.
pub(super) fn take(shared: &Arc<Shared>, name: &str, mode: LockMode, wait: bool) -> Result<Box<dyn Lock>> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut state = shared.state();
    loop {
        let holders = state.locks.entry(name.to_owned()).or_default();
        let is_free = holders.alone.is_none() && (mode == LockMode::Shared || holders.shared.is_empty());
        if is_free {
            match mode {
                LockMode::Shared => {
                    holders.shared.insert(number);
                }
                LockMode::Exclusive => holders.alone = Some(number),
            }
            return Ok(Box::new(MemoryLock { shared: Arc::clone(shared), name: name.to_owned(), number }));
        }
        if !wait {
            return Err(Error::new(ErrorKind::Busy, format!("{name} is held by another")));
        }
        state = shared.let_go.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner());
    }
}

#[derive(Debug)]
struct MemoryLock {
    shared: Arc<Shared>,
    name: String,
    /// Tells it from every other one.
    number: u64,
}

impl Lock for MemoryLock {
    fn still_holds(&self) -> Result<()> {
        if self.shared.state().locks.get(&self.name).is_some_and(|holders| holders.has(self.number)) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Changed, format!("{} was taken away", self.name)))
    }
}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        if let Some(holders) = self.shared.state().locks.get_mut(&self.name) {
            holders.shared.remove(&self.number);
            holders.alone = holders.alone.filter(|number| *number != self.number);
        }
        self.shared.let_go.notify_all();
    }
}
