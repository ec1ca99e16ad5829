//! What the walk tells the builder, in order, and the files that it gives to the workers with it.

use std::sync::mpsc::sync_channel;

use super::state::SourceWalk;
use crate::error::{Error, ErrorKind, Result};
use crate::snapshot::batch::{Batch, Saving, is_enough};
use crate::snapshot::build::Event;

/// The builder is told of so many events at once: waking it costs more than most of them.
const EVENTS_TOGETHER: usize = 32;
/// A worker is given the files of so many small folders at once.
const BATCHES_TOGETHER: usize = 4;

impl<'w, 's, 'scope, 'x> SourceWalk<'w, 's, 'scope, 'x>
where
    'w: 'scope,
    's: 'scope,
{
    pub(super) fn flush_batch(&mut self) -> Result<()> {
        match self.levels.last_mut().and_then(|level| level.batch.take()) {
            Some(batch) => self.send_batch(batch),
            None => Ok(()),
        }
    }

    pub(super) fn send_batch(&mut self, batch: Batch) -> Result<()> {
        let (sender, receiver) = sync_channel(1);
        self.unread_files += batch.files.len();
        self.unread_bytes += batch.bytes;
        self.unread.push((batch, sender));
        self.send(Event::Batch(receiver))?;
        if is_enough(self.unread_files, self.unread_bytes) || self.unread.len() >= BATCHES_TOGETHER { self.tell() } else { Ok(()) }
    }

    /// Says that the entry of the base with this number, in the folder that the walk is in, is taken over.
    pub(super) fn keep(&mut self, number: u64) -> Result<()> {
        match self.untold.last_mut() {
            // It is of this folder: another would have been entered or left since.
            Some(Event::Kept { end, .. }) if *end == number => {
                *end += 1;
                Ok(())
            }
            _ => self.send(Event::Kept { begin: number, end: number + 1 }),
        }
    }

    pub(super) fn send(&mut self, event: Event) -> Result<()> {
        self.untold.push(event);
        if self.untold.len() < EVENTS_TOGETHER { Ok(()) } else { self.tell() }
    }

    /// Tells the builder what was found so far, and has a worker read the files.
    pub(super) fn tell(&mut self) -> Result<()> {
        let events = std::mem::replace(&mut self.untold, Vec::with_capacity(EVENTS_TOGETHER));
        // First the events, which wait when the builder is behind: so the queue of work is bounded.
        // The builder ends early only with an error, and that one is reported.
        self.events.send(events).map_err(|_| Error::new(ErrorKind::Interrupted, "the trees could not be built"))?;
        let batches = std::mem::take(&mut self.unread);
        (self.unread_files, self.unread_bytes) = (0, 0);
        if !batches.is_empty() {
            let with = self.with;
            self.scope.spawn(move |_| {
                let saving =
                    Saving { saver: with.saver, owners: with.owners, tally: with.tally, filter: with.filter, unwanted: with.unwanted };
                for (batch, sender) in batches {
                    // The builder has ended with an error of its own when nobody listens.
                    let _ = sender.send(batch.save(&saving));
                }
            });
        }
        Ok(())
    }
}
