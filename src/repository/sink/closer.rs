//! The thread that makes full packs durable while the workers go on.
//!
//! Few packs wait for it at a time, so that memory and a slow disk hold the workers back, not the
//! other way round.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::lock;
use crate::error::{Error, ErrorKind, Result};
use crate::pack::{FinishedPack, PackKind, PackWriter};
use crate::repository::layout;

/// So many full packs may wait for the disk before workers wait for it too.
const CLOSING_PACKS_MAX: usize = 2;

/// Packs that are durable under their names, or the reason why one is not.
#[derive(Default)]
pub(super) struct ClosedPacks {
    pub packs: Vec<(PackKind, FinishedPack)>,
    /// Set for good: what was stored before cannot be committed any more.
    pub has_failed: bool,
    pub failure: Option<Error>,
}

impl ClosedPacks {
    /// # Errors
    /// The first failure, told once; afterwards that there was one.
    pub(super) fn check(&mut self) -> Result<()> {
        if !self.has_failed {
            return Ok(());
        }
        Err(self
            .failure
            .take()
            .unwrap_or_else(|| Error::new(ErrorKind::Other, "something could not be stored earlier, so nothing can be committed")))
    }
}

/// The thread that closes packs, as long as there are any.
pub(super) struct Closer {
    pub sender: SyncSender<(PackKind, PackWriter)>,
    thread: JoinHandle<()>,
    closed: Arc<Mutex<ClosedPacks>>,
}

impl Closer {
    /// Starts the thread; what it closes goes to `closed`.
    ///
    /// # Errors
    /// `Other` when no thread can be had.
    pub(super) fn start(closed: Arc<Mutex<ClosedPacks>>) -> Result<Self> {
        let (sender, receiver): (_, Receiver<(PackKind, PackWriter)>) = sync_channel(CLOSING_PACKS_MAX);
        let shared = Arc::clone(&closed);
        let work = move || {
            for (kind, writer) in receiver {
                let outcome = writer.finish(&layout::pack_name);
                let mut closed = lock(&closed);
                match outcome {
                    Ok(pack) => closed.packs.push((kind, pack)),
                    Err(error) => {
                        closed.has_failed = true;
                        closed.failure = closed.failure.take().or(Some(error));
                    }
                }
            }
        };
        let thread = std::thread::Builder::new().spawn(work);
        let thread = thread.map_err(|error| Error::new(ErrorKind::Other, "cannot start a thread").with_source(error))?;
        Ok(Self { sender, thread, closed: shared })
    }

    /// Waits for everything that was handed over.
    pub(super) fn stop(self) {
        drop(self.sender);
        // The thread runs nothing that panics; if it did, its pack is missing and `commit` must not pass.
        if self.thread.join().is_err() {
            lock(&self.closed).has_failed = true;
        }
    }
}
