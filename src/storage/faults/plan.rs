//! What is planned to fail, and the count of calls that it goes by.

use std::sync::{Arc, Mutex, MutexGuard};

use super::{Damage, Lasts};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::LockKind;

/// Shared with the uploads that are under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan(Arc<Mutex<State>>);

#[derive(Debug, Default)]
pub(super) struct State {
    /// Writing calls since the start or since a fault of one was last planned.
    pub calls: u64,
    pub fault: Option<Fault>,
    /// Reading calls, likewise.
    pub reads: u64,
    pub read_fault: Option<Fault>,
    has_sync_failed: bool,
    /// What it says of its locks, where that is not what the storage inside says.
    pub lock: Option<LockKind>,
    /// The writing call before which the locks are lost.
    pub locks_lost_at: Option<u64>,
    pub damage: Vec<(String, Damage)>,
}

/// A call that fails, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    pub at: u64,
    pub kind: ErrorKind,
    pub lasts: Lasts,
}

/// What a writing call needs: a full disk refuses only what needs space, and nothing is durable
/// after a sync that failed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    Space,
    SpaceAndSync,
    Sync,
    Nothing,
}

impl Plan {
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Counts a writing call and says whether it may go ahead.
    pub fn pass(&self, action: &str, name: &str, needs: Needs) -> Result<()> {
        let mut state = self.state();
        state.calls += 1;
        let needs_sync = matches!(needs, Needs::Sync | Needs::SpaceAndSync);
        if state.has_sync_failed && needs_sync {
            return Err(Error::new(ErrorKind::Other, format!("cannot {action} `{name}`: an earlier sync failed")));
        }
        let Some(fault) = state.fault else { return Ok(()) };
        let needs_space = matches!(needs, Needs::Space | Needs::SpaceAndSync);
        if state.calls < fault.at || (fault.kind == ErrorKind::Full && !needs_space) {
            return Ok(());
        }
        state.has_sync_failed |= needs == Needs::Sync;
        if fault.lasts == Lasts::Once {
            state.fault = None;
        }
        Err(Error::new(fault.kind, format!("cannot {action} `{name}`: a fault was injected")))
    }

    /// Says whether locks are still held.
    pub fn pass_lock(&self, name: &str) -> Result<()> {
        let state = self.state();
        if state.locks_lost_at.is_some_and(|at| state.calls + 1 >= at) {
            return Err(Error::new(ErrorKind::Changed, format!("the lock `{name}` is lost: a fault was injected")));
        }
        Ok(())
    }

    /// Counts a reading call and says whether it may go ahead.
    pub fn pass_read(&self, name: &str) -> Result<()> {
        let mut state = self.state();
        state.reads += 1;
        let Some(fault) = state.read_fault.filter(|fault| state.reads >= fault.at) else { return Ok(()) };
        if fault.lasts == Lasts::Once {
            state.read_fault = None;
        }
        Err(Error::new(fault.kind, format!("cannot read `{name}`: a fault was injected")))
    }
}
