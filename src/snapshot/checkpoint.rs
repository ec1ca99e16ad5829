//! When a long run makes durable what it has: a crash then costs minutes, not the night.

use std::time::{Duration, Instant};

use crate::error::Result;
use crate::repository::Sink;

/// A run makes what it has durable at least so often.
const EVERY: Duration = Duration::from_secs(300);

/// Keeps the time since the last checkpoint of a sink.
pub(super) struct Checkpoints<'s> {
    sink: &'s Sink,
    durable_at: Instant,
}

impl<'s> Checkpoints<'s> {
    pub(super) fn new(sink: &'s Sink) -> Self {
        Self { sink, durable_at: Instant::now() }
    }

    /// To be called often, also while one file takes hours: makes a checkpoint when one is due.
    ///
    /// # Errors
    /// Those of the storage.
    pub(super) fn pass(&mut self) -> Result<()> {
        if self.sink.is_checkpoint_due() || self.durable_at.elapsed() >= EVERY {
            self.sink.checkpoint()?;
            self.durable_at = Instant::now();
        }
        Ok(())
    }
}
