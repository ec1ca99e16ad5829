//! Locks of a storage in memory: who holds which, and who waits.

use std::sync::Arc;

use super::Shared;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Lock, LockMode};

/// Who holds a lock.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Holders {
    shared: usize,
    is_exclusive: bool,
}

/// Takes the lock `name`, which is a valid one.
pub(super) fn take(shared: &Arc<Shared>, name: &str, mode: LockMode, wait: bool) -> Result<Box<dyn Lock>> {
    let mut state = shared.state();
    loop {
        let holders = state.locks.entry(name.to_owned()).or_default();
        let is_free = !holders.is_exclusive && (mode == LockMode::Shared || holders.shared == 0);
        if is_free {
            match mode {
                LockMode::Shared => holders.shared += 1,
                LockMode::Exclusive => holders.is_exclusive = true,
            }
            return Ok(Box::new(MemoryLock { shared: Arc::clone(shared), name: name.to_owned(), mode }));
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
    mode: LockMode,
}

impl Lock for MemoryLock {}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        if let Some(holders) = self.shared.state().locks.get_mut(&self.name) {
            match self.mode {
                LockMode::Shared => holders.shared -= 1,
                LockMode::Exclusive => holders.is_exclusive = false,
            }
        }
        self.shared.let_go.notify_all();
    }
}
